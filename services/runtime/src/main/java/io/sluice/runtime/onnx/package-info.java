/**
 * Runs layers on ONNX Runtime: a small writer of ONNX graphs, two sessions per transformer layer, parted after
 * attention, and one for the head, and the KV cache that GroupQueryAttention updates in place. Layers are separate sessions, so any layer range is a
 * loop and splitting a model changes no bit of its result.
 */
package io.sluice.runtime.onnx;

/**
 * Runs a layer range of a Llama-family model: weights from Hugging Face folders or GGUF files, one ONNX Runtime session
 * per transformer layer, KV cache in place, ragged continuous batching, tokenizers and sampling. No Kafka here.
 */
package io.sluice.runtime;

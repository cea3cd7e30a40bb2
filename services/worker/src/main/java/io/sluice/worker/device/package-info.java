/**
 * What a worker computes on: the CPU as fast as it goes, or an emulated GPU, that is the same real computation paced
 * to a published profile so that unlike GPUs can be tried on one machine. Emulation is labelled wherever its figures
 * show.
 */
package io.sluice.worker.device;

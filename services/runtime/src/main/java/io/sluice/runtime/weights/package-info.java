/**
 * Weights on disk: Hugging Face folders ({@code config.json} and {@code *.safetensors}), the names and shapes a
 * Llama-family model must have, and a writer of random models for tests and benches. Opening reads headers only.
 */
package io.sluice.runtime.weights;

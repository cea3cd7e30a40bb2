package io.sluice.runtime;

import io.sluice.runtime.text.Tokenizer;

/** A model as it lies on disk, ready to be served: shape, weights and tokenizer. Closing it closes all. */
public record ServedModelFiles(ModelConfig config, ModelWeights weights, Tokenizer tokenizer) implements AutoCloseable {
    @Override
    public void close() {
        weights.close();
        tokenizer.close();
    }
}

package io.sluice.runtime.onnx;

import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.weights.LlamaTensors;

/**
 * How a head is divided: ranges of the vocabulary one after the other, of which each reads about as many bytes of weights
 * as a layer, so that it takes about as long. Follows from the model alone. Immutable.
 *
 * @param vocabSize rows of the head's matrix
 * @param width rows of a part; the last one may have fewer
 */
record HeadParts(int vocabSize, int width) {
    /** Less than this is not divided: each part costs a call. */
    static final int LEAST_BYTES = 1 << 20;
    /** Columns that the kernels compute together. */
    private static final int PANEL = 16;

    HeadParts {
        if (vocabSize < 1 || width < 1 || width > vocabSize) {
            throw new IllegalArgumentException(
                    "parts of " + width + " rows do not divide a vocabulary of " + vocabSize + ": give 1 to that many");
        }
    }

    static HeadParts of(ModelConfig config) {
        long rowBytes = (long) config.hiddenSize() * Float.BYTES;
        long most = Math.max(LEAST_BYTES, LlamaTensors.layerBytes(config));
        long count = Math.ceilDiv(config.vocabSize() * rowBytes, most);
        // Of about equal width, so that all take the same time.
        long width = Math.ceilDiv(Math.ceilDiv(config.vocabSize(), count), PANEL) * PANEL;
        return new HeadParts(config.vocabSize(), (int) Math.min(width, config.vocabSize()));
    }

    static HeadParts whole(int vocabSize) {
        return new HeadParts(vocabSize, vocabSize);
    }

    int count() {
        return Math.ceilDiv(vocabSize, width);
    }

    /** First row of a part. */
    int first(int part) {
        return Math.multiplyExact(part, width);
    }

    /** Rows of a part. */
    int size(int part) {
        return Math.min(width, vocabSize - first(part));
    }
}

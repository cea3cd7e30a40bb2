package io.sluice.runtime;

/** Element type of hidden states between stages. */
public enum ActivationDtype implements ActivationChoice {
    FP16(2, "fp16"),
    FP32(4, "fp32"),
    /** Blocks of {@value #BLOCK} elements of a row: an fp16 scale, then a signed byte an element. */
    INT8_BLOCK(1, "int8");

    /** Elements that share a scale; the last block of a row may be shorter. */
    public static final int BLOCK = 64;

    private final int bytes;
    private final String word;

    ActivationDtype(int bytes, String word) {
        this.bytes = bytes;
        this.word = word;
    }

    /** Bytes of one element, without its share of a scale. */
    public int bytes() {
        return bytes;
    }

    /** Bytes of a row of so many elements, scales included. */
    public int rowBytes(int elements) {
        int scales = this == INT8_BLOCK ? (elements + BLOCK - 1) / BLOCK * Short.BYTES : 0;
        return Math.addExact(Math.multiplyExact(elements, bytes), scales);
    }

    @Override
    public ActivationDtype beforeMeasuring() {
        return this;
    }

    /** The word of {@code --activations}. */
    @Override
    public String toString() {
        return word;
    }
}

package io.sluice.runtime;

/** Element type of hidden states between stages. */
public enum ActivationDtype {
    FP16(2),
    FP32(4);

    private final int bytes;

    ActivationDtype(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }
}

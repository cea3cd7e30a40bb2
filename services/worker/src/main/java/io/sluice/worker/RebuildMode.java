package io.sluice.worker;

/** How the positions after a prompt are computed again after a loss. */
public enum RebuildMode {
    /** Many at once, as a prompt is: fast, and equal to the first time but for rounding in the last bits. */
    PREFILL,
    /** One by one, as they were the first time: every bit is the same, at the speed of decoding. */
    EXACT
}

package io.sluice.worker;

/** How the positions after a prompt are computed again after a loss. */
public enum RebuildMode {
    /** Many at once, as a prompt is: fast, and equal to the first time but for rounding in the last bits. */
    PREFILL,
    /** Many at once, but each with the attention of the decode step it was: every bit is the same as the first time. */
    EXACT
}

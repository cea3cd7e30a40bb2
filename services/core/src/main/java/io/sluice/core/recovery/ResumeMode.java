package io.sluice.core.recovery;

/** Where a stage's KV cache of a resumed session comes from. */
public enum ResumeMode {
    /** From nothing: the stage before sends every position from 0 on. */
    FRESH,
    /** The stage keeps what it has, up to where the stage before begins to send. */
    KEEP,
    /** The stage reads its inputs from the log and computes them again. */
    REBUILD
}

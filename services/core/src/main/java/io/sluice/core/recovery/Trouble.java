package io.sluice.core.recovery;

/** What a stage reports that cannot go on with a session, and what another attempt would have to do about it. */
public enum Trouble {
    /** A chunk has not come; all caches are good. */
    INPUT_MISSING(false, false, true),
    /** A chunk or token could not be sent; all caches are good. */
    UNDELIVERED(false, false, true),
    /** The stage was to keep KV cache that it does not have. */
    STATE_LOST(true, false, true),
    /** The log no longer holds the inputs to rebuild from. */
    LOG_GONE(true, false, false),
    /** The stage's layers are not here. */
    LAYERS_NOT_HELD(true, true, true),
    /** No KV cache. */
    NO_CAPACITY(true, true, true),
    /** The runtime refused. */
    COMPUTE_FAILED(true, true, true),
    /** A chunk could not be used. */
    MALFORMED_INPUT(true, false, false);

    private final boolean losesState;
    private final boolean avoidsWorker;
    private final boolean logUsable;

    Trouble(boolean losesState, boolean avoidsWorker, boolean logUsable) {
        this.losesState = losesState;
        this.avoidsWorker = avoidsWorker;
        this.logUsable = logUsable;
    }

    /** Whether the reporter's KV cache of the session is gone. */
    public boolean losesState() {
        return losesState;
    }

    /** Whether the next attempt should use another worker in its place. */
    public boolean avoidsWorker() {
        return avoidsWorker;
    }

    /** Whether stages may still rebuild from the log. */
    public boolean logUsable() {
        return logUsable;
    }
}

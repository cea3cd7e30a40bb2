package io.sluice.core.routing;

/** Where a session stands. */
public enum SessionPhase {
    /** Accepted, no pipeline yet. */
    WAITING,
    /** Runs on a pipeline. */
    ACTIVE,
    /** Ended with a completion; remembered for a while so that its id is not used again. */
    FINISHED,
    /** Ended with an error after it had a pipeline; remembered like a finished one. */
    FAILED;

    public boolean isOver() {
        return this == FINISHED || this == FAILED;
    }
}

package io.sluice.core.routing;

/** Where a session stands. */
public enum SessionPhase {
    /** Accepted, no pipeline yet. */
    WAITING,
    /** Runs on a pipeline. */
    ACTIVE,
    /** Lost a stage of its pipeline and waits for another attempt; tokens already on their way still count. */
    RECOVERING,
    /** Ended with a completion; remembered for a while so that its id is not used again. */
    FINISHED,
    /** Ended with an error after it had a pipeline; remembered like a finished one. */
    FAILED;

    /** Whether it has had a pipeline and has not ended. */
    public boolean isRunning() {
        return this == ACTIVE || this == RECOVERING;
    }

    public boolean isOver() {
        return this == FINISHED || this == FAILED;
    }
}

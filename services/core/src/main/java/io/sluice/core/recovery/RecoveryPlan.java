package io.sluice.core.recovery;

import java.util.Objects;

/**
 * How a session goes on. Immutable.
 *
 * @param assignment the next attempt
 * @param seconds what it is expected to cost before the next token, seconds; 0: not known
 * @param reason what was lost, how the session goes on and why so, one sentence for people
 */
public record RecoveryPlan(Assignment assignment, double seconds, String reason) {
    public RecoveryPlan {
        Objects.requireNonNull(assignment, "assignment");
        Objects.requireNonNull(reason, "reason");
    }

    /** Whether any stage keeps its KV cache. */
    public boolean keepsAny() {
        return assignment.stages().stream().anyMatch(stage -> stage.mode() == ResumeMode.KEEP);
    }
}

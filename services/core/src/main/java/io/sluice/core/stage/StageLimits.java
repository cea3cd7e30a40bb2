package io.sluice.core.stage;

import io.sluice.core.WorkerId;
import java.time.Duration;
import java.util.Objects;

/**
 * How much and how long may wait at a stage.
 *
 * @param self name of the worker, for what it says
 * @param maxWaitingSessions that wait for KV cache
 * @param waitTimeout for KV cache
 * @param gapTimeout for a missing chunk
 * @param idleTimeout after which a session of which nothing comes ends here
 * @param rebuildTimeout for the inputs from the log
 */
public record StageLimits(
        WorkerId self,
        int maxWaitingSessions,
        Duration waitTimeout,
        Duration gapTimeout,
        Duration idleTimeout,
        Duration rebuildTimeout) {
    public StageLimits {
        Objects.requireNonNull(self, "self");
        Objects.requireNonNull(waitTimeout, "waitTimeout");
        Objects.requireNonNull(gapTimeout, "gapTimeout");
        Objects.requireNonNull(idleTimeout, "idleTimeout");
        Objects.requireNonNull(rebuildTimeout, "rebuildTimeout");
        if (maxWaitingSessions < 0) {
            throw new IllegalArgumentException(maxWaitingSessions + " waiting sessions must be at least 0");
        }
    }
}

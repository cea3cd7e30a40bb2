package io.sluice.core.stage;

import io.sluice.core.WorkerId;
import java.time.Duration;
import java.util.Objects;

/**
 * How much and how long may wait at a stage. A best-effort session is computed only when nothing else is to be, here and at
 * every other stage of it; so no time-out for KV cache ends it, and it counts as forgotten only after
 * {@code bestEffortIdle}. A chunk of it that is missing is missed as soon as any, and the log is read as fast.
 *
 * @param self name of the worker, for what it says
 * @param maxWaitingSessions of each class that wait for KV cache
 * @param waitTimeout for KV cache
 * @param gapTimeout for a missing chunk
 * @param idleTimeout after which a session of which nothing comes ends here
 * @param rebuildTimeout for the inputs from the log
 * @param bestEffortIdle the same for a best-effort session
 * @param bestEffortKvShare most of the KV cache that best-effort sessions hold together, above 0 and at most 1
 */
public record StageLimits(
        WorkerId self,
        int maxWaitingSessions,
        Duration waitTimeout,
        Duration gapTimeout,
        Duration idleTimeout,
        Duration rebuildTimeout,
        Duration bestEffortIdle,
        double bestEffortKvShare) {
    /**
     * After so long without a chunk a stage forgets a best-effort session. Limits may forbid work for longer; such a session
     * goes on with a prefill, which is cheaper than KV cache held for days, perhaps for a session that nobody knows any more.
     */
    public static final Duration BEST_EFFORT_IDLE = Duration.ofHours(6);

    public StageLimits {
        Objects.requireNonNull(self, "self");
        Objects.requireNonNull(waitTimeout, "waitTimeout");
        Objects.requireNonNull(gapTimeout, "gapTimeout");
        Objects.requireNonNull(idleTimeout, "idleTimeout");
        Objects.requireNonNull(rebuildTimeout, "rebuildTimeout");
        Objects.requireNonNull(bestEffortIdle, "bestEffortIdle");
        if (maxWaitingSessions < 0) {
            throw new IllegalArgumentException(maxWaitingSessions + " waiting sessions must be at least 0");
        }
        if (!(bestEffortKvShare > 0 && bestEffortKvShare <= 1)) {
            throw new IllegalArgumentException("best-effort sessions may hold " + bestEffortKvShare
                    + " of the KV cache: the share must be above 0 and at most 1");
        }
    }

    /** Best-effort sessions are forgotten after {@link #BEST_EFFORT_IDLE}. */
    public StageLimits(
            WorkerId self,
            int maxWaitingSessions,
            Duration waitTimeout,
            Duration gapTimeout,
            Duration idleTimeout,
            Duration rebuildTimeout,
            double bestEffortKvShare) {
        this(
                self,
                maxWaitingSessions,
                waitTimeout,
                gapTimeout,
                idleTimeout,
                rebuildTimeout,
                BEST_EFFORT_IDLE,
                bestEffortKvShare);
    }
}

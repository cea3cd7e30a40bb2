package io.sluice.planner;

import java.io.Serializable;
import java.time.Duration;
import java.util.Objects;

/**
 * How the job limits best-effort work beside latency-critical work. Immutable.
 *
 * @param slowdown how much longer best-effort work may make a latency-critical step, above 0
 * @param target share of latency-critical steps that may miss that, in (0, 1)
 * @param lease how long limits hold without another report, 1 s to 1 min; a worker whose planner is gone allows nothing
 *     after it
 */
public record SharingPolicy(double slowdown, double target, Duration lease) implements Serializable {
    private static final Duration SHORTEST = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofMinutes(1);

    /** A tenth longer, for one step in a hundred; 3 s. */
    public static final SharingPolicy DEFAULT = new SharingPolicy(0.1, 0.01, Duration.ofSeconds(3));

    public SharingPolicy {
        Objects.requireNonNull(lease, "lease");
        if (!(slowdown > 0) || slowdown > 100) {
            throw new IllegalArgumentException("--slowdown " + slowdown
                    + " must be above 0 and at most 100: the part by which best-effort work may lengthen a step, for"
                    + " example 0.1");
        }
        if (!(target > 0) || target >= 1) {
            throw new IllegalArgumentException("--sharing-target " + target
                    + " must be between 0 and 1: the share of steps that may be slowed down more, for example 0.01");
        }
        if (lease.compareTo(SHORTEST) < 0 || lease.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "--limits-lease " + lease
                            + " must be 1 s to 1 min: workers report four times a second, and a lease must outlast some reports");
        }
    }
}

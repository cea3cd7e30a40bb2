package io.sluice.worker;

import java.time.Duration;
import java.util.Objects;

/**
 * How a worker keeps its place in the cluster. Immutable.
 *
 * @param heartbeat between two heartbeats
 * @param lease how long the worker is taken for alive after a heartbeat; at least {@value #LEAST_BEATS} heartbeats, so
 *     that one or two that are late or lost do no harm
 * @param drainDeadline how long a termination signal lets sessions end or move before the worker leaves; zero: it leaves
 *     at once
 */
public record MembershipSettings(Duration heartbeat, Duration lease, Duration drainDeadline) {
    private static final Duration SHORTEST_HEARTBEAT = Duration.ofMillis(10);
    private static final Duration LONGEST_LEASE = Duration.ofHours(1);

    /** Heartbeats that a lease must have room for. */
    public static final int LEAST_BEATS = 3;
    /** A heartbeat every 200 ms, a lease of 1.2 s, 10 s to drain. */
    public static final MembershipSettings DEFAULT =
            new MembershipSettings(Duration.ofMillis(200), Duration.ofMillis(1_200), Duration.ofSeconds(10));

    public MembershipSettings {
        Objects.requireNonNull(heartbeat, "heartbeat");
        Objects.requireNonNull(lease, "lease");
        Objects.requireNonNull(drainDeadline, "drainDeadline");
        if (heartbeat.compareTo(SHORTEST_HEARTBEAT) < 0) {
            throw new IllegalArgumentException(
                    "--heartbeat is " + heartbeat.toMillis() + " ms; it must be at least 10 ms, 200 ms serve well");
        }
        if (lease.compareTo(heartbeat.multipliedBy(LEAST_BEATS)) < 0 || lease.compareTo(LONGEST_LEASE) > 0) {
            throw new IllegalArgumentException("--lease is " + lease.toMillis() + " ms with a heartbeat every "
                    + heartbeat.toMillis() + " ms; it must be at least " + LEAST_BEATS + " heartbeats, "
                    + heartbeat.multipliedBy(LEAST_BEATS).toMillis()
                    + " ms, and at most an hour: raise --lease or lower --heartbeat");
        }
        if (drainDeadline.isNegative()) {
            throw new IllegalArgumentException("--drain-deadline is " + drainDeadline.toMillis()
                    + " ms; it must not be negative, 0s leaves at once");
        }
    }
}

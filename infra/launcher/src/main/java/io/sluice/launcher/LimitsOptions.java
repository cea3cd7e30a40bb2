package io.sluice.launcher;

import io.sluice.planner.SharingPolicy;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Flags of how the planner limits best-effort work beside latency-critical work. */
final class LimitsOptions {
    @Option(
            names = "--sharing",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "Whether the planner publishes what best-effort work may use of each worker (topic"
                    + " sluice.planning.limits.v1); without limits workers run none; default: ${DEFAULT-VALUE}.")
    private boolean sharing = true;

    @Option(
            names = "--limits-lease",
            paramLabel = "TIME",
            defaultValue = "3s",
            converter = DurationConverter.class,
            description = "How long limits hold without another report of the worker: when planner or broker are gone,"
                    + " best-effort work has stopped after so long; 1s to 1m; default: ${DEFAULT-VALUE}.")
    private Duration lease = SharingPolicy.DEFAULT.lease();

    /**
     * Empty: no limits.
     *
     * @param slowdown part by which best-effort work may lengthen a latency-critical step
     * @param target share of steps that it may lengthen more
     */
    Optional<SharingPolicy> policy(double slowdown, double target) {
        try {
            SharingPolicy policy = new SharingPolicy(slowdown, target, lease);
            return sharing ? Optional.of(policy) : Optional.empty();
        } catch (IllegalArgumentException e) {
            throw new UserException(e.getMessage(), e);
        }
    }
}

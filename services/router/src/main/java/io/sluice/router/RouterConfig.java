package io.sluice.router;

import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.core.routing.KvBudget;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.messaging.KafkaSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Settings of a router. Immutable; start from {@link #of} and change what differs.
 *
 * @param kafka broker and registry
 * @param models what is served
 * @param metrics where meters go
 * @param stateDirectory folder of the router's own, for lock and checkpoint files; the state is in changelogs
 * @param applicationId name of the router group: routers with one name share the requests
 * @param instanceId name of this router within the group; keep it over restarts
 * @param policy how sessions are split: by flow, by what is in flight relative to flow, or evenly
 * @param queueLimit most requests that wait for a pipeline in this router
 * @param deadline how long a request waits that sets no deadline itself
 * @param highWater part of a worker's KV cache that sessions may fill, in (0, 1]
 * @param bestEffortShare part of a worker's KV cache that best-effort sessions may hold, in (0, 1]
 * @param sessionTimeout how long a session may go without a token before its pipeline is taken for broken
 * @param lease how long a worker may stay silent that should be there and was not heard of yet; after its first
 *     heartbeat its own lease counts
 * @param echo after this long without its own heartbeat the router takes itself for cut off, and no lease ends; by more
 *     than the time between two heartbeats shorter than the leases, so that an outage never looks like the workers' end
 * @param stall how long a session that has begun to answer may go without a token before it is nudged
 * @param retention how long an ended request's id stays taken
 * @param startTimeout how long to wait for broker and registry
 */
public record RouterConfig(
        KafkaSettings kafka,
        ModelCatalog models,
        MeterRegistry metrics,
        Path stateDirectory,
        String applicationId,
        String instanceId,
        RoutingPolicy policy,
        int queueLimit,
        Duration deadline,
        double highWater,
        double bestEffortShare,
        Duration sessionTimeout,
        Duration lease,
        Duration echo,
        Duration stall,
        Duration retention,
        Duration startTimeout) {

    public RouterConfig {
        Objects.requireNonNull(kafka, "kafka");
        Objects.requireNonNull(models, "models");
        Objects.requireNonNull(metrics, "metrics");
        Objects.requireNonNull(stateDirectory, "stateDirectory");
        Objects.requireNonNull(policy, "policy");
        if (applicationId.isBlank() || instanceId.isBlank()) {
            throw new IllegalArgumentException(
                    "application id '" + applicationId + "' and instance id '" + instanceId + "' must not be blank");
        }
        if (queueLimit < 1) {
            throw new IllegalArgumentException("--queue " + queueLimit + " must be at least 1");
        }
        if (!(highWater > 0 && highWater <= 1)) {
            throw new IllegalArgumentException("--high-water " + highWater + " must be in (0, 1]");
        }
        if (!(bestEffortShare > 0 && bestEffortShare <= 1)) {
            throw new IllegalArgumentException("--best-effort-kv-share " + bestEffortShare + " must be in (0, 1]");
        }
        positive("--deadline", deadline);
        positive("session timeout", sessionTimeout);
        positive("--lease", lease);
        positive("--echo-timeout", echo);
        positive("--stall", stall);
        positive("retention", retention);
        positive("start timeout", startTimeout);
    }

    /** The defaults. */
    public static RouterConfig of(
            KafkaSettings kafka, ModelCatalog models, MeterRegistry metrics, Path stateDirectory) {
        return new RouterConfig(
                kafka,
                models,
                metrics,
                stateDirectory,
                "sluice-router",
                "router-1",
                RoutingPolicy.MAX_FLOW,
                1000,
                Duration.ofSeconds(30),
                0.9,
                KvBudget.BEST_EFFORT_SHARE,
                Duration.ofSeconds(120),
                Duration.ofMillis(1_200),
                Duration.ofMillis(800),
                Duration.ofSeconds(5),
                Duration.ofMinutes(10),
                Duration.ofMinutes(2));
    }

    public RouterConfig withInstanceId(String value) {
        return changed(draft -> draft.instanceId = value);
    }

    public RouterConfig withPolicy(RoutingPolicy value) {
        return changed(draft -> draft.policy = value);
    }

    /** Sets how many requests may wait and how long. */
    public RouterConfig withQueue(int limit, Duration wait) {
        return changed(draft -> {
            draft.queueLimit = limit;
            draft.deadline = wait;
        });
    }

    public RouterConfig withHighWater(double value) {
        return changed(draft -> draft.highWater = value);
    }

    public RouterConfig withBestEffortShare(double value) {
        return changed(draft -> draft.bestEffortShare = value);
    }

    /** Sets when a silent session fails and how long an ended one is remembered. */
    public RouterConfig withSessionTimes(Duration timeout, Duration remember) {
        return changed(draft -> {
            draft.sessionTimeout = timeout;
            draft.retention = remember;
        });
    }

    /** Sets how long silence of workers, of the router's own heartbeat and of a session is borne. */
    public RouterConfig withSilence(Duration ofWorkers, Duration ofEcho, Duration ofSession) {
        return changed(draft -> {
            draft.lease = ofWorkers;
            draft.echo = ofEcho;
            draft.stall = ofSession;
        });
    }

    public RouterConfig withStartTimeout(Duration value) {
        return changed(draft -> draft.startTimeout = value);
    }

    private RouterConfig changed(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.done();
    }

    /** What may be changed of a configuration; the rest stays. */
    private static final class Draft {
        private final RouterConfig rest;
        private String instanceId;
        private RoutingPolicy policy;
        private int queueLimit;
        private Duration deadline;
        private double highWater;
        private double bestEffortShare;
        private Duration sessionTimeout;
        private Duration lease;
        private Duration echo;
        private Duration stall;
        private Duration retention;
        private Duration startTimeout;

        private Draft(RouterConfig from) {
            rest = from;
            instanceId = from.instanceId;
            policy = from.policy;
            queueLimit = from.queueLimit;
            deadline = from.deadline;
            highWater = from.highWater;
            bestEffortShare = from.bestEffortShare;
            sessionTimeout = from.sessionTimeout;
            lease = from.lease;
            echo = from.echo;
            stall = from.stall;
            retention = from.retention;
            startTimeout = from.startTimeout;
        }

        private RouterConfig done() {
            return new RouterConfig(
                    rest.kafka,
                    rest.models,
                    rest.metrics,
                    rest.stateDirectory,
                    rest.applicationId,
                    instanceId,
                    policy,
                    queueLimit,
                    deadline,
                    highWater,
                    bestEffortShare,
                    sessionTimeout,
                    lease,
                    echo,
                    stall,
                    retention,
                    startTimeout);
        }
    }

    private static void positive(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(name + " " + value + " must be positive");
        }
    }
}

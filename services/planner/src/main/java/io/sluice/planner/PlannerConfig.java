package io.sluice.planner;

import io.sluice.core.planning.PlannerPolicy;
import io.sluice.core.planning.live.PlacementPolicy;
import io.sluice.messaging.KafkaSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Everything the planner's job and its life cycle need. Immutable; begin with {@link #of} and change what differs.
 *
 * @param kafka broker and registry
 * @param flink REST address {@code HOST:PORT} of an outside Flink cluster; empty: a MiniCluster in this process
 * @param jars what to ship to an outside cluster: this program's jar with its dependencies, or all jars one by one
 * @param dataDir where a MiniCluster keeps checkpoints and temporary files; an outside cluster uses its own
 * @param checkpointInterval allocations become visible at checkpoints, so this is their added latency
 * @param parallelism subtasks per operator; models are spread over them
 * @param transactionalIdPrefix unique per planner on a broker; a second planner with the same prefix fences the first
 * @param transactionTimeout at most the broker's {@code transaction.max.timeout.ms} (15 min by default)
 * @param startTimeout how long each start waits for broker, registry and Flink
 * @param policy how eagerly to publish allocations
 * @param placement when to place again while everything runs, by which objective (predicted
 *     serving), which gain a move must bring (15 %), which part of the flow it keeps (80 %), and how long a search may take (2 s); empty: placements stay as they are published by hand
 * @param sharing how best-effort work is limited; empty: no limits are published, so workers take none
 * @param epochFloors last epoch per model published before this job's own state began; {@link PlannerService} reads
 *     them
 */
public record PlannerConfig(
        KafkaSettings kafka,
        Optional<String> flink,
        List<Path> jars,
        Path dataDir,
        Duration checkpointInterval,
        int parallelism,
        String transactionalIdPrefix,
        Duration transactionTimeout,
        Duration startTimeout,
        PlannerPolicy policy,
        Optional<PlacementPolicy> placement,
        Optional<SharingPolicy> sharing,
        Map<String, Long> epochFloors) {

    private static final Duration MAX_TRANSACTION = Duration.ofMinutes(15);
    private static final int MAX_PORT = 65_535;
    private static final Pattern ADDRESS = Pattern.compile("[^\\s/:]+:(\\d{1,5})");

    public PlannerConfig {
        Objects.requireNonNull(kafka, "kafka");
        Objects.requireNonNull(dataDir, "dataDir");
        Objects.requireNonNull(policy, "policy");
        Objects.requireNonNull(placement, "placement");
        Objects.requireNonNull(sharing, "sharing");
        jars = List.copyOf(jars);
        epochFloors = Map.copyOf(epochFloors);
        flink.ifPresent(PlannerConfig::checkAddress);
        if (checkpointInterval.toMillis() < 10) {
            throw new IllegalArgumentException("--checkpoint-interval " + checkpointInterval
                    + " is below 10 ms; Flink would do nothing but checkpoints");
        }
        if (parallelism < 1) {
            throw new IllegalArgumentException("--parallelism " + parallelism + " must be at least 1");
        }
        if (transactionalIdPrefix.isBlank()) {
            throw new IllegalArgumentException("the transactional id prefix must not be blank");
        }
        boolean fits = transactionTimeout.compareTo(checkpointInterval) > 0
                && transactionTimeout.compareTo(MAX_TRANSACTION) <= 0;
        if (!fits) {
            throw new IllegalArgumentException("transaction timeout " + transactionTimeout
                    + " must be longer than the checkpoint interval " + checkpointInterval + " and at most "
                    + MAX_TRANSACTION + ", what brokers allow");
        }
        if (startTimeout.isNegative() || startTimeout.isZero()) {
            throw new IllegalArgumentException("start timeout " + startTimeout + " must be positive");
        }
    }

    /** Defaults: MiniCluster, checkpoints every 500 ms, one subtask, one minute to start, placements left as they are, best-effort work limited. */
    public static PlannerConfig of(KafkaSettings kafka, Path dataDir) {
        return new PlannerConfig(
                kafka,
                Optional.empty(),
                List.of(),
                dataDir,
                Duration.ofMillis(500),
                1,
                "sluice-planner",
                Duration.ofMinutes(5),
                Duration.ofMinutes(1),
                PlannerPolicy.DEFAULT,
                Optional.empty(),
                Optional.of(SharingPolicy.DEFAULT),
                Map.of());
    }

    /** On the Flink cluster whose REST API is at {@code address}. */
    public PlannerConfig onCluster(String address, List<Path> shippedJars) {
        return changed(c -> {
            c.flink = Optional.of(address);
            c.jars = shippedJars;
        });
    }

    public PlannerConfig withCheckpointInterval(Duration interval) {
        return changed(c -> c.checkpointInterval = interval);
    }

    public PlannerConfig withParallelism(int subtasks) {
        return changed(c -> c.parallelism = subtasks);
    }

    public PlannerConfig withPolicy(PlannerPolicy other) {
        return changed(c -> c.policy = other);
    }

    /** Places again when workers come, go or change, as {@code live} says. */
    public PlannerConfig withPlacement(PlacementPolicy live) {
        return changed(c -> c.placement = Optional.of(live));
    }

    /** Limits best-effort work as {@code policy} says, or, where it is empty, publishes no limits. */
    public PlannerConfig withSharing(Optional<SharingPolicy> policy) {
        return changed(c -> c.sharing = policy);
    }

    PlannerConfig withEpochFloors(Map<String, Long> floors) {
        return changed(c -> c.epochFloors = floors);
    }

    private PlannerConfig changed(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.config(this);
    }

    /** What a copy may change. */
    private static final class Draft {
        private Optional<String> flink;
        private List<Path> jars;
        private Duration checkpointInterval;
        private int parallelism;
        private PlannerPolicy policy;
        private Optional<PlacementPolicy> placement;
        private Optional<SharingPolicy> sharing;
        private Map<String, Long> epochFloors;

        Draft(PlannerConfig c) {
            flink = c.flink;
            jars = c.jars;
            checkpointInterval = c.checkpointInterval;
            parallelism = c.parallelism;
            policy = c.policy;
            placement = c.placement;
            sharing = c.sharing;
            epochFloors = c.epochFloors;
        }

        PlannerConfig config(PlannerConfig c) {
            return new PlannerConfig(
                    c.kafka,
                    flink,
                    jars,
                    c.dataDir,
                    checkpointInterval,
                    parallelism,
                    c.transactionalIdPrefix,
                    c.transactionTimeout,
                    c.startTimeout,
                    policy,
                    placement,
                    sharing,
                    epochFloors);
        }
    }

    private static void checkAddress(String address) {
        Matcher parts = ADDRESS.matcher(address);
        if (!parts.matches() || Integer.parseInt(parts.group(1)) < 1 || Integer.parseInt(parts.group(1)) > MAX_PORT) {
            throw new IllegalArgumentException("--flink '" + address
                    + "' must be HOST:PORT of the cluster's REST API, for example 127.0.0.1:8081");
        }
    }
}

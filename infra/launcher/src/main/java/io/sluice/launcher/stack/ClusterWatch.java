package io.sluice.launcher.stack;

import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Allocation;
import io.sluice.records.WorkerFlow;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.common.IsolationLevel;

/** Watches workers join and the first allocation come, from a moment before they are started. Not thread-safe. */
final class ClusterWatch implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(50);

    private final TopicTail<WorkerStatus> statuses;
    private final TopicTail<Allocation> allocations;
    private final Map<String, WorkerStatus> joined = new LinkedHashMap<>();
    private Optional<Allocation> newest = Optional.empty();

    /** Sees what is published from now on. */
    ClusterWatch(KafkaSettings settings, SchemaRegistry registry) {
        statuses = TopicTail.fromEnd(settings, registry, Topics.WORKERS, IsolationLevel.READ_COMMITTED);
        try {
            allocations = TopicTail.fromEnd(settings, registry, Topics.ALLOCATIONS, IsolationLevel.READ_COMMITTED);
        } catch (RuntimeException e) {
            statuses.close();
            throw e;
        }
    }

    /** Reads what has come; waits a moment for it. */
    void poll(Progress progress) {
        for (Tailed<WorkerStatus> tailed : statuses.poll(POLL)) {
            WorkerStatus status = tailed.value();
            if (status == null) {
                continue;
            }
            if (status.getState() != WorkerState.JOINED) {
                joined.remove(status.getWorker());
            } else if (joined.put(status.getWorker(), status) == null) {
                progress.step(
                        "worker",
                        String.format(
                                Locale.ROOT,
                                "%s %s on %s",
                                status.getWorker(),
                                layers(status)
                                        .map(layers -> "holds layers " + layers)
                                        .orElse("is a spare"),
                                status.getDevice()));
            }
        }
        for (Tailed<Allocation> tailed : allocations.poll(Duration.ZERO)) {
            if (tailed.value() != null) {
                newest = Optional.of(tailed.value());
            }
        }
    }

    /** Layers a worker serves, for example 0-3; empty: it is a spare. */
    static Optional<String> layers(WorkerStatus status) {
        return status.getFirstLayer() == status.getEndLayer()
                ? Optional.empty()
                : Optional.of(status.getFirstLayer() + "-" + status.getEndLayer());
    }

    /** Whether every one of these workers has joined. */
    boolean haveJoined(Set<WorkerId> workers) {
        return workers.stream().allMatch(worker -> joined.containsKey(worker.value()));
    }

    /** The status of a worker that has joined. */
    Optional<WorkerStatus> status(WorkerId worker) {
        return Optional.ofNullable(joined.get(worker.value()));
    }

    /** The newest allocation of a placement, if it carries tokens and knows all these workers. */
    Optional<Allocation> usable(String model, long placementEpoch, Set<WorkerId> workers) {
        return newest.filter(allocation -> allocation.getModel().equals(model)
                && allocation.getPlacementEpoch() == placementEpoch
                && allocation.getMaxFlowTokensPerS() > 0
                && knows(allocation.getWorkers(), workers));
    }

    private static boolean knows(List<WorkerFlow> flows, Set<WorkerId> workers) {
        List<String> known = flows.stream().map(WorkerFlow::getWorker).toList();
        return workers.stream().allMatch(worker -> known.contains(worker.value()));
    }

    @Override
    public void close() {
        allocations.close();
        statuses.close();
    }
}

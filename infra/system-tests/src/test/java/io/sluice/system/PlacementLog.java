package io.sluice.system;

import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Allocation;
import io.sluice.records.Placement;
import io.sluice.records.Stage;
import io.sluice.records.WorkerFlow;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.IsolationLevel;

/** What the control topics of a running stack say, from their beginning on. Not thread-safe. */
final class PlacementLog implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(20);

    private final TopicTail<Placement> placementTail;
    private final TopicTail<Allocation> allocationTail;
    private final TopicTail<WorkerStatus> statusTail;
    final List<Placement> placements = new ArrayList<>();
    final List<Allocation> allocations = new ArrayList<>();
    final Map<String, WorkerStatus> joined = new TreeMap<>();

    PlacementLog(EmbeddedStack stack) {
        placementTail = TopicTail.fromBeginning(
                stack.settings(), stack.schemas(), Topics.PLACEMENTS, IsolationLevel.READ_COMMITTED);
        allocationTail = TopicTail.fromBeginning(
                stack.settings(), stack.schemas(), Topics.ALLOCATIONS, IsolationLevel.READ_COMMITTED);
        statusTail = TopicTail.fromBeginning(
                stack.settings(), stack.schemas(), Topics.WORKERS, IsolationLevel.READ_COMMITTED);
    }

    void poll() {
        placementTail.poll(POLL).stream().map(Tailed::value).forEach(placements::add);
        allocationTail.poll(POLL).stream().map(Tailed::value).forEach(allocations::add);
        statusTail.poll(POLL).stream().map(Tailed::value).forEach(status -> {
            if (status.getState() == WorkerState.JOINED) {
                joined.put(status.getWorker(), status);
            } else {
                joined.remove(status.getWorker());
            }
        });
    }

    Placement placement() {
        return placements.getLast();
    }

    Allocation allocation() {
        return allocations.getLast();
    }

    /** Whether the newest placement is its transition's last and the newest allocation runs over just its stages. */
    boolean arrived() {
        if (placements.isEmpty() || allocations.isEmpty()) {
            return false;
        }
        Placement placement = placement();
        return placement.getSteps().isEmpty()
                && allocation().getPlacementEpoch() == placement.getEpoch()
                && stages(allocation()).equals(stages(placement));
    }

    static Map<String, String> stages(Placement placement) {
        Map<String, String> stages = new TreeMap<>();
        for (Stage stage : placement.getStages()) {
            stages.put(stage.getWorker(), stage.getFirstLayer() + "-" + stage.getEndLayer());
        }
        return stages;
    }

    static Map<String, String> stages(Allocation allocation) {
        Map<String, String> stages = new TreeMap<>();
        for (WorkerFlow flow : allocation.getWorkers()) {
            stages.put(flow.getWorker(), flow.getFirstLayer() + "-" + flow.getEndLayer());
        }
        return stages;
    }

    @Override
    public void close() {
        placementTail.close();
        allocationTail.close();
        statusTail.close();
    }
}

package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PlannerPolicy;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.live.LiveObjective;
import io.sluice.core.planning.live.PlacementPolicy;
import io.sluice.messaging.PlacementCodec;
import io.sluice.records.Placement;
import io.sluice.records.Stage;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PlacementFunctionTest {
    private static final long START = 1_800_000_000_000L;

    private KeyedOneInputStreamOperatorTestHarness<String, PlannerInput, Placement> harness;
    private final TreeMap<String, WorkerStatus> workers = new TreeMap<>();
    private final List<Placement> placements = new ArrayList<>();
    private long now = START;

    private static KeyedOneInputStreamOperatorTestHarness<String, PlannerInput, Placement> harness() throws Exception {
        return new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new PlacementFunction(
                        PlacementPolicy.DEFAULT
                                .withObjective(LiveObjective.FLOW)
                                .withMinIntervalMillis(1_000),
                        PlannerPolicy.DEFAULT,
                        SearchProvider.shared())),
                input -> input.command().model(),
                Types.STRING);
    }

    @BeforeEach
    void open() throws Exception {
        harness = harness();
        harness.open();
        harness.setProcessingTime(now);
    }

    @AfterEach
    void close() throws Exception {
        harness.close();
    }

    private void send(PlannerCommand command) throws Exception {
        harness.processElement(new StreamRecord<>(new PlannerInput(command, "topic", 0, 7)));
    }

    /** A worker for up to four layers; equal ends: a spare. */
    private void join(String id, int first, int end) {
        WorkerStatus status = Records.worker(id, first, end, WorkerState.JOINED, 1, now);
        int layers = Math.max(1, end - first);
        status.setPrefillTokensPerS(100.0 / layers);
        status.setDecodeTokensPerS(100.0 / layers);
        status.setMaxLayers(4);
        status.setPlacementEpoch(1);
        workers.put(id, status);
    }

    private void place(long epoch, Stage... stages) throws Exception {
        send(new PlannerCommand.Place(PlacementCodec.decodePublished(Records.placement(epoch, stages))));
    }

    private void take() {
        harness.getOutput().clear();
    }

    /** Lets time pass with a status of every worker each 250 ms; workers do what the newest placement says. */
    private void run(long millis) throws Exception {
        for (long end = now + millis; now < end; ) {
            now += 250;
            for (WorkerStatus status : workers.values()) {
                status.setAtMs(now);
                send(new PlannerCommand.Announce(PlannerCodec.decode(status)));
            }
            harness.setProcessingTime(now);
            harness.extractOutputValues().forEach(placement -> {
                placements.add(placement);
                follow(PlacementCodec.decodePublished(placement));
            });
            take();
        }
    }

    private void follow(PublishedPlacement placement) {
        workers.keySet().stream().sorted().toList().forEach(id -> {
            var stage = placement.plan().stageOf(new io.sluice.core.WorkerId(id));
            join(
                    id,
                    stage.map(s -> s.layers().first()).orElse(0),
                    stage.map(s -> s.layers().end()).orElse(0));
            workers.get(id).setPlacementEpoch(placement.plan().epoch());
        });
    }

    private void awaitPlacements(int count) {
        await("placement " + count).atMost(Duration.ofSeconds(30)).until(() -> {
            run(250);
            return placements.size() >= count;
        });
    }

    private void start() throws Exception {
        join("a", 0, 2);
        join("b", 2, 4);
        place(1, new Stage("a", 0, 2), new Stage("b", 2, 4));
        run(2_000);
        assertThat(placements).isEmpty();
    }

    @Test
    void shouldPublishTheStepsOfATransitionWhenASpareJoins() throws Exception {
        start();
        join("c", 0, 0);
        awaitPlacements(1);
        Placement first = placements.getFirst();
        assertThat(first.getEpoch()).isEqualTo(2);
        assertThat(first.getReason())
                .startsWith("spare c joined: move ")
                .contains("50.0 to 75.0 tokens/s (+50 %, threshold");
        assertThat(first.getFloorTokensPerS()).isPositive();
        assertThat(first.getTarget()).isNotEmpty();
        run(10_000);
        assertThat(placements.getLast().getSteps()).isEmpty();
        assertThat(placements.getLast().getStages())
                .isEqualTo(placements.getLast().getTarget());
        for (int i = 1; i < placements.size(); i++) {
            assertThat(placements.get(i).getEpoch())
                    .isEqualTo(placements.get(i - 1).getEpoch() + 1);
        }
    }

    @Test
    void shouldGoOnAfterSnapshotAndRestore() throws Exception {
        start();
        OperatorSubtaskState snapshot = harness.snapshot(1, now);
        harness.close();
        harness = harness();
        harness.initializeState(snapshot);
        harness.open();
        harness.setProcessingTime(now);
        join("c", 0, 0);
        awaitPlacements(1);
        assertThat(placements.getFirst().getEpoch()).isEqualTo(2);
    }

    @Test
    void shouldAskAgainForASearchThatARestartTookAway() throws Exception {
        start();
        join("c", 0, 0);
        // The search is asked for half a second after the event; the snapshot is taken in that moment.
        run(750);
        OperatorSubtaskState snapshot = harness.snapshot(1, now);
        harness.close();
        placements.clear();
        harness = harness();
        harness.initializeState(snapshot);
        harness.open();
        harness.setProcessingTime(now);
        awaitPlacements(1);
        assertThat(placements.getFirst().getReason()).startsWith("spare c joined");
    }

    @Test
    void shouldAdoptPlacementsMadeByHand() throws Exception {
        start();
        place(9, new Stage("a", 0, 4), new Stage("b", 0, 4));
        follow(PlacementCodec.decodePublished(Records.placement(9, new Stage("a", 0, 4), new Stage("b", 0, 4))));
        run(2_000);
        join("c", 0, 0);
        workers.get("c").setPlacementEpoch(9);
        awaitPlacements(1);
        assertThat(placements.getFirst().getEpoch()).isEqualTo(10);
    }

    @Test
    void shouldHaveNoTimerLeftWhenEveryWorkerIsGone() throws Exception {
        assertThat(harness.numProcessingTimeTimers()).isZero();
        start();
        assertThat(harness.numProcessingTimeTimers()).isEqualTo(1);
        workers.values().forEach(status -> status.setState(WorkerState.LEFT));
        for (String id : Set.copyOf(workers.keySet())) {
            send(new PlannerCommand.Announce(PlannerCodec.decode(workers.get(id))));
        }
        workers.clear();
        await("no timer").atMost(Duration.ofSeconds(30)).until(() -> {
            run(250);
            return harness.numProcessingTimeTimers() == 0;
        });
    }
}

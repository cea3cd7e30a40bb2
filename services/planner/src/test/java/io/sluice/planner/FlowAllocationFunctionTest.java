package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.planning.AllocationVerifier;
import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PlannerPolicy;
import io.sluice.messaging.AllocationCodec;
import io.sluice.messaging.PlacementCodec;
import io.sluice.records.Allocation;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.Stage;
import io.sluice.records.WorkerState;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FlowAllocationFunctionTest {
    private static final long START = 1_800_000_000_000L;

    private KeyedOneInputStreamOperatorTestHarness<String, PlannerInput, Allocation> harness;
    private final Map<String, Double> speeds = new TreeMap<>();
    private long now = START;
    private long sequence;

    private static KeyedOneInputStreamOperatorTestHarness<String, PlannerInput, Allocation> harness(
            Map<String, Long> floors) throws Exception {
        return new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new FlowAllocationFunction(PlannerPolicy.DEFAULT, floors)),
                input -> input.command().model(),
                Types.STRING);
    }

    @BeforeEach
    void open() throws Exception {
        harness = harness(Map.of());
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

    private void announce(String id, int first, int end, WorkerState state) throws Exception {
        send(new PlannerCommand.Announce(PlannerCodec.decode(Records.worker(id, first, end, state, 1, now))));
    }

    private void join(String id, int first, int end) throws Exception {
        speeds.put(id, 100.0);
        announce(id, first, end, WorkerState.JOINED);
    }

    private void place() throws Exception {
        send(new PlannerCommand.Place(PlacementCodec.decode(
                Records.placement(1, new Stage("a", 0, 2), new Stage("b", 0, 2), new Stage("c", 2, 4)))));
    }

    /** Lets time pass with a heartbeat of every worker each 250 ms. */
    private void run(long millis) throws Exception {
        for (long end = now + millis; now < end; ) {
            now += 250;
            harness.setProcessingTime(now);
            for (var worker : speeds.entrySet()) {
                long tokens = Math.round(worker.getValue() / 4);
                send(new PlannerCommand.MeasureDevice(
                        PlannerCodec.decode(Records.gpu(worker.getKey(), 1, ++sequence, now, 250_000, tokens))));
            }
        }
    }

    private List<Allocation> allocations() {
        return harness.extractOutputValues();
    }

    private void start() throws Exception {
        place();
        join("a", 0, 2);
        join("b", 0, 2);
        join("c", 2, 4);
        run(500);
    }

    @Test
    void shouldTurnTelemetryIntoAVerifiedAllocation() throws Exception {
        start();
        assertThat(allocations()).hasSize(1);
        Allocation record = allocations().getFirst();
        assertThat(record.getEpoch()).isEqualTo(1);
        assertThat(record.getMaxFlowTokensPerS()).isCloseTo(100, within(1e-6));
        assertThat(record.getAtMs()).isBetween(START, START + 500);
        assertThat(record.getReason()).isNotBlank();
        assertThat(AllocationVerifier.verify(AllocationCodec.decode(record))).isEmpty();
    }

    @Test
    void shouldPublishANewEpochWhenAWorkerHalvesItsSpeed() throws Exception {
        start();
        run(3_000);
        assertThat(allocations()).hasSize(1);
        long halved = now;
        speeds.put("a", 50.0);
        run(2_500);
        Allocation next = allocations().get(1);
        assertThat(next.getEpoch()).isEqualTo(2);
        assertThat(next.getReason()).contains("a fell");
        assertThat(next.getAtMs() - halved).isLessThanOrEqualTo(1_000);
    }

    @Test
    void shouldKeepTheEpochThroughSnapshotAndRestore() throws Exception {
        start();
        speeds.put("a", 50.0);
        run(3_000);
        long epoch = allocations().getLast().getEpoch();
        assertThat(epoch).isGreaterThan(1);
        OperatorSubtaskState snapshot = harness.snapshot(1, now);
        harness.close();

        harness = harness(Map.of(Records.MODEL, 1L));
        harness.initializeState(snapshot);
        harness.open();
        harness.setProcessingTime(now);
        run(2_000);
        assertThat(allocations()).as("nothing changed over the restart").isEmpty();
        announce("b", 0, 2, WorkerState.DRAINING);
        run(500);
        assertThat(allocations()).extracting(Allocation::getEpoch).containsExactly(epoch + 1);
    }

    @Test
    void shouldGoOnFromTheEpochOfAnEarlierJob() throws Exception {
        harness.close();
        harness = harness(Map.of(Records.MODEL, 41L));
        harness.open();
        harness.setProcessingTime(now);
        start();
        assertThat(allocations()).extracting(Allocation::getEpoch).containsExactly(42L);
    }

    @Test
    void shouldHaveNoTimerLeftWhenEveryWorkerIsGone() throws Exception {
        assertThat(harness.numProcessingTimeTimers()).isZero();
        start();
        assertThat(harness.numProcessingTimeTimers()).isEqualTo(1);
        speeds.clear();
        for (String id : List.of("a", "b")) {
            announce(id, 0, 2, WorkerState.LEFT);
        }
        announce("c", 2, 4, WorkerState.LEFT);
        run(3_000);
        assertThat(harness.numProcessingTimeTimers()).isZero();
        Allocation last = allocations().getLast();
        assertThat(last.getMaxFlowTokensPerS()).isZero();
        assertThat(last.getBottleneck()).containsExactly("no worker holds layers [0, 4)");
    }

    @Test
    void shouldDropAWorkerThatFallsSilent() throws Exception {
        start();
        speeds.remove("b");
        run(6_500);
        assertThat(allocations().getLast().getReason()).contains("b left");
    }

    @Test
    void shouldReportAbsurdTelemetryAndGoOn() throws Exception {
        start();
        var absurd = Records.gpu("a", 1, ++sequence, now, -5, 1);
        absurd.setUtilization(Double.NaN);
        send(new PlannerCommand.MeasureDevice(PlannerCodec.decode(absurd)));
        send(new PlannerCommand.MeasureDevice(PlannerCodec.decode(absurd)));
        List<ErrorRecord> errors = harness.getSideOutput(RecordDecoder.ERRORS).stream()
                .map(StreamRecord::getValue)
                .toList();
        assertThat(errors).singleElement().satisfies(error -> {
            assertThat(error.getReason()).isEqualTo(ErrorReason.INVALID_TELEMETRY);
            assertThat(error.getOriginTopic()).isEqualTo("topic");
            assertThat(error.getOriginOffset()).isEqualTo(7);
        });
        run(5_000);
        assertThat(allocations()).hasSize(1);
    }

    @Test
    void shouldKeepModelsApart() throws Exception {
        start();
        var other = Records.worker("x", 0, 4, WorkerState.JOINED, 1, now);
        other.setModel("other");
        send(new PlannerCommand.Announce(PlannerCodec.decode(other)));
        run(2_000);
        assertThat(allocations()).extracting(Allocation::getModel).containsOnly(Records.MODEL);
        assertThat(allocations()).hasSize(1);
    }
}

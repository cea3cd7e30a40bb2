package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.Presence;
import io.sluice.records.BeatState;
import io.sluice.records.Heartbeat;
import io.sluice.records.WorkerState;
import io.sluice.schemas.Topics;
import java.util.ArrayList;
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

final class AttendanceFunctionTest {
    private static final long START = 1_800_000_000_000L;
    private static final int LEASE = 1_200;

    private KeyedOneInputStreamOperatorTestHarness<String, RawRecord, PlannerInput> harness;
    /** Who beats, and as which incarnation. */
    private final Map<String, Long> beating = new TreeMap<>();

    private long now = START;

    private static KeyedOneInputStreamOperatorTestHarness<String, RawRecord, PlannerInput> harness() throws Exception {
        return new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new AttendanceFunction(Records.registries())),
                record -> AttendanceFunction.KEY,
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

    private void send(RawRecord record) throws Exception {
        harness.processElement(new StreamRecord<>(record));
    }

    private void join(String id, long incarnation) throws Exception {
        send(Records.raw(Records.worker(id, 0, 2, WorkerState.JOINED, incarnation, now)));
        beating.put(id, incarnation);
    }

    private void beat(String id, long incarnation, BeatState state, String reporter) throws Exception {
        send(Records.raw(
                Topics.HEARTBEATS,
                id,
                Records.bytes(
                        Topics.HEARTBEATS, new Heartbeat(id, incarnation, 0L, state, 0L, LEASE, reporter, "", now))));
    }

    /** Lets time pass with a heartbeat of every worker that beats each 200 ms. */
    private void run(long millis) throws Exception {
        for (long end = now + millis; now < end; ) {
            now += 200;
            harness.setProcessingTime(now);
            for (var worker : beating.entrySet()) {
                beat(worker.getKey(), worker.getValue(), BeatState.ALIVE, worker.getKey());
            }
        }
    }

    /** What was passed on since the last call. */
    private List<String> told() {
        List<String> told = new ArrayList<>();
        for (PlannerInput input : harness.extractOutputValues()) {
            Presence presence = ((PlannerCommand.Attend) input.command()).presence();
            told.add(presence.worker() + " " + presence.incarnation() + " " + presence.state());
        }
        harness.getOutput().clear();
        return told;
    }

    @Test
    void shouldTellOfAWorkerOnceHoweverManyHeartbeatsCome() throws Exception {
        join("a", 1);
        join("b", 1);

        run(60_000);

        assertThat(told()).containsExactly("a 1 ALIVE", "b 1 ALIVE");
    }

    @Test
    void shouldTellOfAThousandWorkersAThousandTimesNotFiveThousandTimesASecond() throws Exception {
        for (int i = 0; i < 1_000; i++) {
            join("w" + i, 1);
        }

        run(3_000);

        assertThat(told()).hasSize(1_000);
    }

    @Test
    void shouldTellOfALossAsSoonAsTheLeaseEnds() throws Exception {
        join("a", 1);
        join("b", 1);
        run(1_000);
        told();
        beating.remove("a");

        run(LEASE);
        assertThat(told()).isEmpty();
        run(200);

        assertThat(told()).containsExactly("a 1 GONE");
    }

    @Test
    void shouldTellOfAReportedEndAndOfADrainAtOnce() throws Exception {
        join("a", 1);
        join("b", 1);
        run(200);
        told();

        beat("a", 1, BeatState.DRAINING, "a");
        beat("b", 1, BeatState.GONE, "supervisor");

        assertThat(told()).containsExactly("a 1 DRAINING", "b 1 GONE");
    }

    @Test
    void shouldEndNoLeaseWhileNothingAtAllArrives() throws Exception {
        join("a", 1);
        join("b", 1);
        run(1_000);
        told();
        Map<String, Long> all = Map.copyOf(beating);
        beating.clear();

        run(30_000);
        assertThat(told()).isEmpty();
        beating.putAll(all);
        run(400);
        assertThat(told()).isEmpty();
        beating.remove("b");
        run(LEASE + 200);

        assertThat(told()).containsExactly("b 1 GONE");
    }

    @Test
    void shouldKnowARestartedWorkerAndAZombieApart() throws Exception {
        join("a", 1);
        join("b", 1);
        run(400);
        beating.put("a", 2L);
        run(400);
        beat("a", 1, BeatState.ALIVE, "a");

        assertThat(told()).containsExactly("a 1 ALIVE", "b 1 ALIVE", "a 2 ALIVE");
    }

    @Test
    void shouldTellWhenTheStatusComesAfterTheHeartbeats() throws Exception {
        beating.put("a", 1L);
        run(1_000);
        assertThat(told()).isEmpty();

        join("a", 1);

        assertThat(told()).containsExactly("a 1 ALIVE");
    }

    @Test
    void shouldMissAfterARestartWhomNobodyHearsAnyMore() throws Exception {
        join("a", 1);
        join("b", 1);
        run(1_000);
        OperatorSubtaskState snapshot = harness.snapshot(1, now);
        harness.close();
        now += 60_000;
        harness = harness();
        harness.initializeState(snapshot);
        harness.open();
        beating.remove("a");

        run(LEASE + 400);

        assertThat(told()).containsExactlyInAnyOrder("b 1 ALIVE", "a 1 GONE");
    }
}

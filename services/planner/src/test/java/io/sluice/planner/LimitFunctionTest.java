package io.sluice.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.GroupPool;
import io.sluice.records.Limits;
import io.sluice.records.WorkerState;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LimitFunctionTest {
    private static final long START = 1_800_000_000_000L;
    private static final int MAX_PARALLELISM = 16;

    private KeyedOneInputStreamOperatorTestHarness<String, RawRecord, Limits> harness;
    private SharedDevice device = new SharedDevice("a", 1);
    private long now = START;

    private static KeyedOneInputStreamOperatorTestHarness<String, RawRecord, Limits> harness(int subtasks, int index)
            throws Exception {
        return new KeyedOneInputStreamOperatorTestHarness<>(
                new KeyedProcessOperator<>(new LimitFunction(SharingPolicy.DEFAULT, Records.registries())),
                LimitFunction::key,
                Types.STRING,
                MAX_PARALLELISM,
                subtasks,
                index);
    }

    @BeforeEach
    void open() throws Exception {
        harness = harness(1, 0);
        harness.open();
        harness.setProcessingTime(now);
    }

    @AfterEach
    void close() throws Exception {
        harness.close();
    }

    private void restart(OperatorSubtaskState from) throws Exception {
        harness.close();
        harness = harness(1, 0);
        harness.initializeState(from);
        harness.open();
        harness.setProcessingTime(now);
    }

    private void send(RawRecord record) throws Exception {
        harness.processElement(new StreamRecord<>(record));
    }

    private void status(String id, WorkerState state, long incarnation) throws Exception {
        send(Records.raw(Records.worker(id, 0, 2, state, incarnation, now)));
    }

    private void send(GpuTelemetry report) throws Exception {
        send(raw(report));
    }

    private static RawRecord raw(GpuTelemetry report) {
        return Records.raw(Topics.GPU_TELEMETRY, report.getWorker(), Records.bytes(Topics.GPU_TELEMETRY, report));
    }

    private void pass() throws Exception {
        now += SharedDevice.INTERVAL_MILLIS;
        harness.setProcessingTime(now);
    }

    private void windows(int count, long steps, long violations) throws Exception {
        for (int i = 0; i < count; i++) {
            pass();
            send(device.report(now, steps, violations, "t"));
        }
    }

    private void join() throws Exception {
        status("a", WorkerState.JOINED, 1);
    }

    private List<Limits> limits() {
        return harness.extractOutputValues();
    }

    private double quota() {
        return limits().getLast().getQuota();
    }

    private static List<ErrorRecord> errors(AbstractStreamOperatorTestHarness<Limits> harness) {
        var queue = harness.getSideOutput(RecordDecoder.ERRORS);
        return queue == null
                ? List.of()
                : queue.stream().map(StreamRecord::getValue).toList();
    }

    private void assertEpochsRise(List<Limits> all) {
        for (int i = 1; i < all.size(); i++) {
            assertThat(all.get(i).getEpoch()).isGreaterThan(all.get(i - 1).getEpoch());
        }
    }

    @Test
    void shouldAnswerAReportWithLimitsAtOnce() throws Exception {
        join();
        windows(1, 5, 0);
        Limits first = limits().getFirst();
        assertThat(first.getWorker()).isEqualTo("a");
        assertThat(first.getIncarnation()).isEqualTo(1);
        assertThat(first.getEpoch()).isEqualTo(now);
        assertThat(first.getAtMs()).isEqualTo(now);
        assertThat(first.getValidUntilMs()).isEqualTo(now + 3_000);
        assertThat(first.getQuota()).isBetween(0.2, 0.3);
        assertThat(first.getLanes()).isEqualTo(1);
        assertThat(first.getSliceNs()).isPositive();
        assertThat(first.getReason()).contains("quota");
    }

    @Test
    void shouldLowerTheQuotaInALoadStepAndRaiseItAgain() throws Exception {
        join();
        windows(12, 0, 0);
        assertThat(quota()).as("a lull").isEqualTo(1);
        windows(4, 5, 2);
        assertThat(quota()).as("steps are slowed down").isZero();
        windows(200, 20, 0);
        assertThat(quota()).as("they are not any more").isGreaterThan(0.5);
        windows(12, 0, 0);
        assertThat(quota()).as("the load is gone").isEqualTo(1);
        assertEpochsRise(limits());
    }

    @Test
    void shouldRenewTheLeaseAsLongAsReportsComeAndThenTakeEverythingBackOnce() throws Exception {
        join();
        windows(40, 5, 0);
        List<Limits> all = limits();
        for (int i = 1; i < all.size(); i++) {
            assertThat(all.get(i).getAtMs()).isLessThan(all.get(i - 1).getValidUntilMs());
        }
        long last = now;
        for (int i = 0; i < 60; i++) {
            pass();
        }
        Limits none = limits().getLast();
        assertThat(none.getQuota()).isZero();
        assertThat(none.getReason()).contains("no report for");
        assertThat(none.getAtMs() - last).isBetween(1_500L, 2_000L);
        assertThat(limits().stream().filter(l -> l.getQuota() == 0)).hasSize(1);
        assertThat(harness.numProcessingTimeTimers()).isZero();
    }

    @Test
    void shouldGiveTheSameLimitsForTheSameRecords() throws Exception {
        List<List<String>> runs = new ArrayList<>();
        for (int run = 0; run < 2; run++) {
            now = START;
            device = new SharedDevice("a", 1);
            harness.close();
            open();
            SplittableRandom random = new SplittableRandom(5);
            join();
            for (int i = 0; i < 300; i++) {
                windows(1, random.nextInt(6), 0);
                windows(1, 6, random.nextInt(8) == 0 ? 1 : 0);
            }
            runs.add(limits().stream().map(Limits::toString).toList());
        }
        assertThat(runs.get(0)).hasSizeGreaterThan(50).isEqualTo(runs.get(1));
    }

    @Test
    void shouldNeverRaiseAQuotaAfterAbsurdTelemetry() throws Exception {
        List<Consumer<GpuTelemetry>> absurdities = List.of(
                t -> t.getSharing().setServiceNs(Double.NaN),
                t -> t.getSharing().setWaitNs(Double.POSITIVE_INFINITY),
                t -> t.getSharing().setCausedWaitNs(-1),
                t -> t.getSharing().setRequests(-3),
                t -> t.getSharing().setViolations(1_000),
                t -> t.getSharing().getTenants().getFirst().setWeight(Double.NaN),
                t -> t.getSharing().getTenants().getFirst().setRunNs(1e12),
                t -> t.getSharing().getTenants().getFirst().setTenant(" "),
                t -> t.getSharing().getTenants().getFirst().setWaiting(-1),
                t -> t.setAtMs(t.getAtMs() + 60_000),
                t -> t.setAtMs(Long.MAX_VALUE),
                t -> t.setAtMs(t.getAtMs() - 2_500),
                t -> t.setIntervalMs(-250),
                t -> t.setSequence(0),
                t -> t.setIncarnation(2),
                t -> t.setIncarnation(0));
        join();
        windows(4, 5, 0);
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 400; i++) {
            Consumer<GpuTelemetry> absurdity = absurdities.get(random.nextInt(absurdities.size()));
            int before = limits().size();
            GpuTelemetry report = device.report(now, 5, 0, "t");
            absurdity.accept(report);
            send(report);
            assertThat(limits()).as("nothing follows from report %d", i).hasSize(before);
            if (i % 8 == 0) {
                windows(1, 5, 0);
            }
        }
        double quota = quota();
        int published = limits().size();
        for (int i = 0; i < 12; i++) {
            pass();
            GpuTelemetry report = device.report(now, 5, 0, "t");
            absurdities.get(i % absurdities.size()).accept(report);
            send(report);
        }
        assertThat(limits())
                .as("and without any other there is nothing in the end")
                .hasSizeGreaterThan(published);
        assertThat(limits().subList(published, limits().size()))
                .allSatisfy(l -> assertThat(l.getQuota()).isLessThanOrEqualTo(quota));
        assertThat(quota()).isZero();
    }

    @Test
    void shouldReportAFaultOnceAMinute() throws Exception {
        join();
        windows(2, 5, 0);
        for (int i = 0; i < 20; i++) {
            pass();
            GpuTelemetry nan = device.report(now, 5, 0, "t");
            nan.getSharing().setServiceNs(Double.NaN);
            send(nan);
            GpuTelemetry late = device.report(now - 5_000, 5, 0, "t");
            send(late);
        }
        GpuTelemetry future = device.report(now + 60_000, 5, 0, "t");
        send(future);
        assertThat(errors(harness)).hasSize(2).allSatisfy(error -> {
            assertThat(error.getReason()).isEqualTo(ErrorReason.INVALID_TELEMETRY);
            assertThat(error.getOriginTopic()).isEqualTo(Topics.GPU_TELEMETRY.name());
            assertThat(error.getMessage()).startsWith("worker a: sharing report");
        });
        now += 60_000;
        harness.setProcessingTime(now);
        send(device.report(now + 60_000, 5, 0, "t"));
        assertThat(errors(harness)).hasSize(3);
        assertThat(errors(harness).getLast().getMessage()).contains("synchronise the clocks");
    }

    @Test
    void shouldKnowNothingOfAWorkerThatHasNotAnnouncedItself() throws Exception {
        windows(10, 5, 0);
        assertThat(limits()).isEmpty();
        assertThat(errors(harness)).isEmpty();
        assertThat(harness.numKeyedStateEntries()).isZero();
        join();
        windows(1, 5, 0);
        assertThat(limits()).hasSize(1);
    }

    @Test
    void shouldBelieveOnlyTheNewestIncarnation() throws Exception {
        join();
        windows(2, 5, 0);
        long epoch = limits().getLast().getEpoch();
        status("a", WorkerState.JOINED, 2);
        int before = limits().size();
        windows(4, 5, 0);
        assertThat(limits()).as("a zombie reports").hasSize(before);
        device = new SharedDevice("a", 2);
        status("a", WorkerState.JOINED, 1);
        windows(1, 5, 0);
        assertThat(limits().getLast().getIncarnation()).isEqualTo(2);
        assertThat(limits().getLast().getEpoch()).isGreaterThan(epoch);
    }

    @Test
    void shouldTakeEverythingBackAndForgetAWorkerThatLeaves() throws Exception {
        join();
        windows(4, 5, 0);
        status("a", WorkerState.LEFT, 1);
        Limits last = limits().getLast();
        assertThat(last.getQuota()).isZero();
        assertThat(last.getReason()).contains("has left");
        assertThat(harness.numKeyedStateEntries()).isZero();
        assertThat(harness.numProcessingTimeTimers()).isZero();
        int before = limits().size();
        windows(4, 5, 0);
        status("b", WorkerState.LEFT, 1);
        assertThat(limits()).hasSize(before);
    }

    @Test
    void shouldNotMindAWorkerThatSharesNothingOrAReportUnderAnotherName() throws Exception {
        join();
        pass();
        send(Records.gpu("a", 1, 0, now, 1, 1));
        RawRecord forged = raw(new SharedDevice("b", 1).report(now, 5, 0));
        forged.key = "a".getBytes(StandardCharsets.UTF_8);
        send(forged);
        send(Records.raw(Topics.GPU_TELEMETRY, "a", new byte[] {1, 2, 3}));
        send(Records.raw(Topics.GPU_TELEMETRY, "a", null));
        assertThat(limits()).isEmpty();
        assertThat(errors(harness)).hasSize(1);
        assertThat(errors(harness).getFirst().getMessage()).contains("has the key a");
    }

    @Test
    void shouldNeverPublishAnOlderEpochFromAnOlderCheckpoint() throws Exception {
        join();
        windows(8, 5, 0);
        OperatorSubtaskState old = harness.snapshot(1, now);
        windows(40, 5, 0);
        long newest = limits().getLast().getEpoch();
        long sequence = device.sequence();
        now += 400;
        restart(old);
        assertThat(limits()).as("nothing without a report").allSatisfy(l -> assertThat(l.getEpoch())
                .isGreaterThan(newest));
        windows(4, 5, 0);
        assertThat(device.sequence()).isGreaterThan(sequence);
        assertThat(limits()).isNotEmpty().allSatisfy(l -> assertThat(l.getEpoch())
                .isGreaterThan(newest));
        assertThat(quota()).isPositive();
        assertEpochsRise(limits());
    }

    private List<GroupPool> divided(int count, double slower) throws Exception {
        List<GroupPool> pools =
                limits().isEmpty() ? List.of() : limits().getLast().getGroups();
        for (int i = 0; i < count; i++) {
            pass();
            send(device.dividedReport(now, pools, slower, "x", "y"));
            pools = limits().getLast().getGroups();
        }
        return pools;
    }

    @Test
    void shouldGiveKernelGroupsTheCoresThatPayAndTakeThemBackWhenTheyDoNot() throws Exception {
        join();
        assertThat(divided(120, 1.4)).containsExactly(new GroupPool("x", "decode", 1), new GroupPool("y", "decode", 1));
        assertThat(limits())
                .extracting(Limits::getReason)
                .anyMatch(why -> why.contains("trying a core for each tenant"))
                .anyMatch(why -> why.contains("decode of x, decode of y on a core each: 1.43 times the work"));
        restart(harness.snapshot(1, now));
        assertThat(divided(2, 1.4)).as("after a restart").hasSize(2);
        assertThat(divided(120, 3)).as("each core is too slow now").isEmpty();
        assertThat(limits())
                .extracting(Limits::getReason)
                .anyMatch(why -> why.contains("the whole device for each slice"));
        assertEpochsRise(limits());
        assertThat(errors(harness)).isEmpty();
    }

    @Test
    void shouldReportKernelGroupsThatCannotHaveRunLikeThat() throws Exception {
        join();
        pass();
        GpuTelemetry absurd = device.dividedReport(now, List.of(), 1.4, "x", "y");
        absurd.getSharing().getGroups().getFirst().setLanes(7);
        send(absurd);
        assertThat(limits()).isEmpty();
        assertThat(errors(harness)).hasSize(1);
        assertThat(errors(harness).getFirst().getMessage()).contains("on pools of [1, 2] lanes", "x/decode");
        pass();
        GpuTelemetry nameless = device.dividedReport(now, List.of(), 1.4, "x", "y");
        nameless.getSharing().getGroups().getFirst().setGroup(" ");
        send(nameless);
        assertThat(limits()).isEmpty();
    }

    @Test
    void shouldGoOnWhereItWasAfterARestart() throws Exception {
        join();
        windows(40, 20, 0);
        double quota = quota();
        OperatorSubtaskState snapshot = harness.snapshot(1, now);
        restart(snapshot);
        windows(1, 5, 0);
        assertThat(quota()).isGreaterThanOrEqualTo(quota);
        assertThat(harness.numProcessingTimeTimers()).isEqualTo(1);
    }

    @Test
    void shouldDivideWorkersAmongMoreSubtasks() throws Exception {
        List<SharedDevice> devices = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            devices.add(new SharedDevice("w" + i, 1));
            status("w" + i, WorkerState.JOINED, 1);
        }
        pass();
        for (SharedDevice each : devices) {
            send(each.report(now, 5, 0));
        }
        assertThat(limits()).hasSize(20);
        OperatorSubtaskState all = harness.snapshot(1, now);
        int seen = 0;
        pass();
        for (int index = 0; index < 3; index++) {
            OperatorSubtaskState part =
                    AbstractStreamOperatorTestHarness.repartitionOperatorState(all, MAX_PARALLELISM, 1, 3, index);
            try (var one = harness(3, index)) {
                one.initializeState(part);
                one.open();
                one.setProcessingTime(now);
                int workers = one.numKeyedStateEntries() / 2;
                assertThat(workers).isPositive();
                seen += workers;
            }
        }
        assertThat(seen).isEqualTo(20);
    }
}

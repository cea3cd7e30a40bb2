package io.sluice.launcher.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.GpuTelemetry;
import io.sluice.records.GroupPool;
import io.sluice.records.Limits;
import io.sluice.records.SharingReport;
import io.sluice.records.TenantUse;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SharingStateTest {
    private static final long NOW = 1_000_000;

    private final SharingState state = new SharingState();

    @Test
    void shouldAddUpWhatTheReportsOfAWorkerSay() {
        state.limits(limits(7, NOW + 1_000, 0.8, "epoch 1: quota 0.800 after 0.250"));
        state.limits(limits(7, NOW + 2_000, 0.8, ""));
        state.telemetry(telemetry(7, report(0.8, 10, 1, 3e6, 2, 5, 100)));
        state.telemetry(telemetry(7, report(0.6, 10, 0, 2e6, 1, 4, 50)));

        SharingState.Row row = only();

        assertThat(row.published()).isEqualTo(0.8);
        assertThat(row.quota()).as("the newest").isEqualTo(0.6);
        assertThat(row.sliceMillis()).isEqualTo(2);
        assertThat(row.sideLanes()).isEqualTo(1);
        assertThat(row.excused()).isEqualTo(0.1);
        assertThat(row.stepsPerSecond()).isEqualTo(40);
        assertThat(row.responseP99Millis()).isEqualTo(3);
        assertThat(row.missed()).isEqualTo(0.05);
        assertThat(row.drains()).isEqualTo(3);
        assertThat(row.tokensPerSecond()).isEqualTo(300);
        assertThat(row.deviceShare()).isEqualTo(0.4);
        assertThat(row.waiting()).isEqualTo(4);
        assertThat(row.tenants()).containsExactly("night");
        assertThat(row.why()).isEqualTo("epoch 1: quota 0.800 after 0.250");
    }

    @Test
    void shouldSayWhyNothingMayStart() {
        state.telemetry(telemetry(7, report(0, 1, 0, 1e6, 0, 0, 0)));
        assertThat(only().why()).contains("no limits were published");

        state.limits(limits(7, NOW - 1, 1, ""));
        assertThat(only().published()).isZero();
        assertThat(only().why()).contains("hold no longer");

        state.limits(limits(6, NOW + 1_000, 1, ""));
        assertThat(only().why()).as("those of a former incarnation").contains("hold no longer");

        state.telemetry(telemetry(8, null));
        assertThat(only().why()).contains("--no-best-effort");
    }

    @Test
    void shouldPassOverAnOlderIncarnationAndWorkersThatAreSilent() {
        state.telemetry(telemetry(7, report(0.5, 1, 0, 1e6, 0, 0, 0)));
        state.telemetry(telemetry(6, report(0.9, 1, 1, 9e6, 0, 0, 0)));
        state.limits(Limits.newBuilder(limits(1, NOW + 1, 1, "gone"))
                .setWorker("silent")
                .build());

        assertThat(only().quota()).isEqualTo(0.5);
        assertThat(only().missed()).isZero();
    }

    @Test
    void shouldPrintALineForEachWorker() {
        state.limits(limits(7, NOW + 1_000, 1, "no latency-critical work"));
        state.telemetry(telemetry(7, report(1, 0, 0, 0, 0, 8, 25)));
        StringWriter out = new StringWriter();

        SharingStatusCommand.print(new PrintWriter(out), state.rows(NOW));

        assertThat(out.toString().lines()).hasSize(3);
        assertThat(out.toString().lines().toList().get(1))
                .startsWith("w1 ")
                .contains("1.000 >  1.000", "100.0", "40 %", "8  night");
        assertThat(out.toString().lines().toList().get(2)).endsWith("no latency-critical work");
    }

    @Test
    void shouldSayWhichKernelGroupsHaveCoresOfTheirOwn() {
        Limits limits = limits(7, NOW + 1_000, 1, "decode of night on a core each");
        limits.setGroups(List.of(new GroupPool("night", "decode", 1), new GroupPool("noon", "prefill", 2)));
        state.limits(limits);
        state.telemetry(telemetry(7, report(1, 0, 0, 0, 0, 8, 25)));
        StringWriter out = new StringWriter();

        SharingStatusCommand.print(new PrintWriter(out), state.rows(NOW));

        assertThat(only().pools())
                .containsExactly(
                        new SharingState.Pool("night", "decode", 1), new SharingState.Pool("noon", "prefill", 2));
        assertThat(out.toString().lines().toList().get(2).strip())
                .isEqualTo("pools: decode of night on a core, prefill of noon on 2 cores");
        assertThat(state.rows(NOW + 2_000).getFirst().pools())
                .as("the limits hold no longer")
                .isEmpty();
    }

    private SharingState.Row only() {
        List<SharingState.Row> rows = state.rows(NOW);
        assertThat(rows).hasSize(1);
        return rows.getFirst();
    }

    private static Limits limits(long incarnation, long untilMillis, double quota, String reason) {
        return Limits.newBuilder()
                .setWorker("w1")
                .setIncarnation(incarnation)
                .setEpoch(untilMillis)
                .setQuota(quota)
                .setSliceNs(2_000_000)
                .setLanes(1)
                .setSideLanes(1)
                .setValidUntilMs(untilMillis)
                .setAtMs(NOW)
                .setReason(reason)
                .build();
    }

    private static GpuTelemetry telemetry(long incarnation, SharingReport report) {
        return GpuTelemetry.newBuilder()
                .setWorker("w1")
                .setIncarnation(incarnation)
                .setModel("psalm")
                .setSequence(1)
                .setAtMs(NOW)
                .setIntervalMs(250)
                .setBusyUs(0)
                .setUtilization(0)
                .setPrefillTokens(0)
                .setDecodeTokens(0)
                .setBatches(0)
                .setQueueChunks(0)
                .setSessions(0)
                .setKvUsedTokens(0)
                .setKvCapacityTokens(0)
                .setMemoryUsedBytes(0)
                .setMemoryTotalBytes(0)
                .setSharing(report)
                .build();
    }

    private static SharingReport report(
            double quota, long steps, long missed, double p99Nanos, long drains, long waiting, long tokens) {
        return SharingReport.newBuilder()
                .setLimitsEpoch(1)
                .setLimitsFresh(true)
                .setQuota(quota)
                .setRequests(steps)
                .setViolations(missed)
                .setExcused(steps / 10)
                .setServiceNs(1)
                .setServiceP99Ns(p99Nanos)
                .setResponseP99Ns(p99Nanos)
                .setWaitNs(0)
                .setCausedWaitNs(0)
                .setBesideNs(0)
                .setDrains(drains)
                .setDrainNs(0)
                .setLongestDrainNs(0)
                .setPoolSwitches(0)
                .setTenants(List.of(TenantUse.newBuilder()
                        .setTenant("night")
                        .setWeight(1)
                        .setWaiting(waiting)
                        .setTokens(tokens)
                        .setUnits(1)
                        .setRunNs(1e8)
                        .setLaneNs(1e8)
                        .setOverruns(0)
                        .build()))
                .build();
    }
}

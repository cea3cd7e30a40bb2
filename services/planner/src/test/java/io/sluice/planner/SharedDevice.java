package io.sluice.planner;

import io.sluice.records.GpuTelemetry;
import io.sluice.records.GroupPool;
import io.sluice.records.GroupUse;
import io.sluice.records.SharingReport;
import io.sluice.records.TenantUse;
import java.util.ArrayList;
import java.util.List;

/** What a made-up worker reports of latency-critical and best-effort work on its device. */
final class SharedDevice {
    static final long INTERVAL_MILLIS = 250;
    static final double STEP_NANOS = 20_000_000;

    private final String id;
    private final long incarnation;
    private long sequence;

    SharedDevice(String id, long incarnation) {
        this.id = id;
        this.incarnation = incarnation;
    }

    /** The next report; change what is to be wrong with it. */
    GpuTelemetry report(long atMillis, long steps, long violations, String... tenants) {
        GpuTelemetry telemetry = Records.gpu(id, incarnation, sequence++, atMillis, 100_000, steps);
        telemetry.setSharing(sharing(steps, violations, tenants));
        return telemetry;
    }

    /** The next report of a device of two cores, on which each tenant decodes, {@code slower} times as long on one of them. */
    GpuTelemetry dividedReport(long atMillis, List<GroupPool> pools, double slower, String... tenants) {
        GpuTelemetry telemetry = report(atMillis, 0, 0, tenants);
        telemetry.getSharing().setPoolLanes(List.of(1, 2));
        boolean part = !pools.isEmpty();
        List<GroupUse> uses = new ArrayList<>();
        for (String tenant : tenants) {
            uses.add(GroupUse.newBuilder()
                    .setTenant(tenant)
                    .setGroup("decode")
                    .setLanes(part ? 1 : 2)
                    .setUnits(part ? 800 / slower : 400)
                    .setRunNs(part ? 100e6 : 50e6)
                    .build());
        }
        telemetry.getSharing().setGroups(uses);
        return telemetry;
    }

    long sequence() {
        return sequence;
    }

    private static SharingReport sharing(long steps, long violations, String... tenants) {
        List<TenantUse> uses = new ArrayList<>();
        for (String tenant : tenants) {
            uses.add(TenantUse.newBuilder()
                    .setTenant(tenant)
                    .setWeight(1)
                    .setWaiting(1)
                    .setTokens(100)
                    .setUnits(400)
                    .setRunNs(50e6)
                    .setLaneNs(50e6)
                    .setOverruns(0)
                    .build());
        }
        return SharingReport.newBuilder()
                .setLimitsEpoch(0)
                .setLimitsFresh(true)
                .setQuota(1)
                .setRequests(steps)
                .setViolations(violations)
                .setServiceNs(steps * STEP_NANOS)
                .setServiceP99Ns(steps == 0 ? 0 : STEP_NANOS * 1.2)
                .setResponseP99Ns(STEP_NANOS * 1.5)
                .setWaitNs(steps * 1e6)
                .setCausedWaitNs(steps * 5e5)
                .setBesideNs(0)
                .setDrains(0)
                .setDrainNs(0)
                .setLongestDrainNs(0)
                .setPoolSwitches(0)
                .setTenants(uses)
                .build();
    }
}

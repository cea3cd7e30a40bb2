package io.sluice.planner;

import io.sluice.core.sharing.GpuSample;
import io.sluice.core.sharing.GroupSample;
import io.sluice.core.sharing.KernelGroup;
import io.sluice.core.sharing.PoolSample;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.TenantId;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.GroupPool;
import io.sluice.records.GroupUse;
import io.sluice.records.Limits;
import io.sluice.records.PoolUse;
import io.sluice.records.SharingReport;
import io.sluice.records.TenantLimit;
import io.sluice.records.TenantUse;
import java.util.OptionalDouble;

/** Reports of shared devices from the wire, limits to it. Stateless. */
final class LimitCodec {
    private static final long NANOS = 1_000_000;

    private LimitCodec() {}

    /**
     * What the telemetry says of sharing; it must say something. Whether it is plausible is the planner's business.
     *
     * @throws IllegalArgumentException where a tenant or a kernel group has no name
     */
    static GpuSample decode(GpuTelemetry record) {
        SharingReport s = record.getSharing();
        return new GpuSample(
                record.getIncarnation(),
                record.getSequence(),
                nanos(record.getAtMs()),
                nanos(record.getIntervalMs()),
                new GpuSample.Critical(
                        s.getRequests(),
                        s.getViolations(),
                        s.getServiceNs(),
                        s.getServiceP99Ns(),
                        s.getResponseP99Ns(),
                        s.getWaitNs(),
                        s.getCausedWaitNs(),
                        s.getBesideNs(),
                        optional(s.getDramBytesPerSecond()),
                        optional(s.getL2Bytes()),
                        s.getExcused()),
                s.getTenants().stream().map(LimitCodec::decode).toList(),
                optional(record.getPowerWatts()),
                s.getSideLanes(),
                s.getPools().stream().map(LimitCodec::decode).toList(),
                s.getPoolLanes(),
                s.getGroups().stream().map(LimitCodec::decode).toList());
    }

    private static GroupSample decode(GroupUse use) {
        return new GroupSample(
                new KernelGroup(new TenantId(use.getTenant()), use.getGroup()),
                use.getLanes(),
                use.getUnits(),
                use.getRunNs(),
                optional(use.getJoules()));
    }

    private static PoolSample decode(PoolUse use) {
        return new PoolSample(
                use.getLanes(),
                use.getBatches(),
                use.getServiceNs(),
                use.getAloneNs(),
                use.getRunNs(),
                use.getUnits(),
                use.getKeptNs());
    }

    private static GpuSample.Tenant decode(TenantUse use) {
        return new GpuSample.Tenant(
                new TenantId(use.getTenant()),
                use.getWeight(),
                use.getUnits(),
                use.getRunNs(),
                use.getLaneNs(),
                use.getOverruns(),
                optional(use.getDramBytesPerSecond()),
                optional(use.getL2Bytes()),
                optional(use.getWatts()),
                use.getWaiting());
    }

    private static OptionalDouble optional(Double value) {
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    /** Stays at the ends of the range instead of wrapping round. */
    static long nanos(long millis) {
        boolean fits = millis <= Long.MAX_VALUE / NANOS && millis >= Long.MIN_VALUE / NANOS;
        return fits ? millis * NANOS : millis < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
    }

    static Limits encode(String worker, long incarnation, SharingLimits limits, long atMillis, String reason) {
        return Limits.newBuilder()
                .setWorker(worker)
                .setIncarnation(incarnation)
                .setEpoch(limits.epoch())
                .setQuota(limits.quota())
                .setSliceNs(limits.sliceNanos())
                .setLanes(limits.lanes())
                .setValidUntilMs(limits.validUntilNanos() / NANOS)
                .setAtMs(atMillis)
                .setLevels(limits.levels().stream()
                        .map(level -> new TenantLimit(
                                level.tenant().value(), level.admission(), level.sliceNanos(), level.lanes()))
                        .toList())
                .setReason(reason)
                .setSideLanes(limits.sideLanes())
                .setGroups(limits.groups().stream()
                        .map(pool -> new GroupPool(
                                pool.group().tenant().value(), pool.group().name(), pool.lanes()))
                        .toList())
                .build();
    }
}

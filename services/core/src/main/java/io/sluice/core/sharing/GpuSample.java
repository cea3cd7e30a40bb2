package io.sluice.core.sharing;

import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * What one device did for both service classes in one interval, as reported: nothing is checked here, see
 * {@link SampleJudge}. A figure that a device cannot measure is empty; NaN is a fault.
 *
 * @param incarnation grows with every start of the worker
 * @param sequence grows with each report of an incarnation
 * @param atNanos end of the interval, ns since the epoch, worker's clock
 * @param intervalNanos length of the interval
 * @param tenants best-effort tenants that had work
 * @param watts average power of the device
 * @param sideLanes that the device has, see {@link GateSettings#sideLanes}
 * @param pools what numbers of them brought, of those that were used
 * @param poolLanes sizes of the pools that best-effort slices can run on in the gaps, rising, the last one the whole device;
 *     empty: it cannot be divided
 * @param groups what kernel groups did on them, of those that ran
 */
public record GpuSample(
        long incarnation,
        long sequence,
        long atNanos,
        long intervalNanos,
        Critical critical,
        List<Tenant> tenants,
        OptionalDouble watts,
        int sideLanes,
        List<PoolSample> pools,
        List<Integer> poolLanes,
        List<GroupSample> groups) {
    public GpuSample {
        Objects.requireNonNull(critical, "critical");
        Objects.requireNonNull(watts, "watts");
        tenants = List.copyOf(tenants);
        pools = List.copyOf(pools);
        poolLanes = List.copyOf(poolLanes);
        groups = List.copyOf(groups);
    }

    /**
     * Latency-critical work.
     *
     * @param requests requests (or steps) that ended
     * @param violations how many of them missed the objective, by response time
     * @param serviceNanos time they were served, summed
     * @param serviceP99Nanos 99th percentile of service time
     * @param responseP99Nanos 99th percentile of service and waiting
     * @param waitNanos time they waited, summed
     * @param causedWaitNanos part of it while best-effort work held lanes it had to give up
     * @param besideNanos part of the service while best-effort work ran beside it
     * @param dramBytesPerSecond memory traffic while served
     * @param l2Bytes footprint
     * @param excused how many of those that kept the objective did so by a budget of their session alone, see
     *     {@link StepObjective.Verdict#EXCUSED}
     */
    public record Critical(
            long requests,
            long violations,
            double serviceNanos,
            double serviceP99Nanos,
            double responseP99Nanos,
            double waitNanos,
            double causedWaitNanos,
            double besideNanos,
            OptionalDouble dramBytesPerSecond,
            OptionalDouble l2Bytes,
            long excused) {
        public Critical {
            Objects.requireNonNull(dramBytesPerSecond, "dramBytesPerSecond");
            Objects.requireNonNull(l2Bytes, "l2Bytes");
        }

        /** Without budgets. */
        public Critical(
                long requests,
                long violations,
                double serviceNanos,
                double serviceP99Nanos,
                double responseP99Nanos,
                double waitNanos,
                double causedWaitNanos,
                double besideNanos,
                OptionalDouble dramBytesPerSecond,
                OptionalDouble l2Bytes) {
            this(
                    requests,
                    violations,
                    serviceNanos,
                    serviceP99Nanos,
                    responseP99Nanos,
                    waitNanos,
                    causedWaitNanos,
                    besideNanos,
                    dramBytesPerSecond,
                    l2Bytes,
                    0);
        }
    }

    /**
     * One best-effort tenant.
     *
     * @param weight its share among tenants
     * @param units work done
     * @param runNanos time during which at least one of its slices ran
     * @param laneNanos the same, times the lanes held
     * @param overruns slices that were longer than their bound
     * @param dramBytesPerSecond memory traffic while it ran
     * @param l2Bytes footprint
     * @param watts power above idle while it ran
     * @param waiting steps of it that were ready at the end
     */
    public record Tenant(
            TenantId tenant,
            double weight,
            double units,
            double runNanos,
            double laneNanos,
            long overruns,
            OptionalDouble dramBytesPerSecond,
            OptionalDouble l2Bytes,
            OptionalDouble watts,
            long waiting) {
        public Tenant {
            Objects.requireNonNull(tenant, "tenant");
            Objects.requireNonNull(dramBytesPerSecond, "dramBytesPerSecond");
            Objects.requireNonNull(l2Bytes, "l2Bytes");
            Objects.requireNonNull(watts, "watts");
        }

        /** Of a tenant of which nobody knows what waits. */
        public Tenant(
                TenantId tenant,
                double weight,
                double units,
                double runNanos,
                double laneNanos,
                long overruns,
                OptionalDouble dramBytesPerSecond,
                OptionalDouble l2Bytes,
                OptionalDouble watts) {
            this(tenant, weight, units, runNanos, laneNanos, overruns, dramBytesPerSecond, l2Bytes, watts, 0);
        }
    }
}

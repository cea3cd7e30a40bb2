package io.sluice.core.sharing;

/**
 * How long latency-critical work takes beside best-effort work:
 * <pre>   T = sum over kernels (m / s + c) * max(1, D / 0.85 B) * (1 + alpha C) * F / f + n_pre (b / 2 + t_flag) + n d</pre>
 * s lanes left to it; D demanded and B available memory bandwidth; C share of the L2 that best-effort work fills, with a
 * cliff where the footprints exceed the cache; f the clock, which falls with the power demanded above the cap; n_pre slices
 * met, b their bound; n kernels, d their scheduling delay. The forms are those of iGniter (IEEE TPDS 2023) for cache, power
 * and scheduling, of LithOS (SOSP 2025) for lanes. Stateless.
 */
public record InterferenceModel(DeviceModel device) {
    /**
     * Latency-critical work of one request.
     *
     * @param scalingNanos sum of m: time on one lane that lanes divide
     * @param fixedNanos sum of c
     * @param kernels n
     * @param dramBytesPerSecond bandwidth while it runs
     * @param l2Bytes footprint
     * @param watts power above idle while it runs
     */
    public record Critical(
            double scalingNanos,
            double fixedNanos,
            double kernels,
            double dramBytesPerSecond,
            double l2Bytes,
            double watts) {
        public Critical {
            Shares.notNegative("scaling time in ns", scalingNanos);
            Shares.notNegative("fixed time in ns", fixedNanos);
            Shares.notNegative("kernels", kernels);
            Shares.notNegative("bandwidth", dramBytesPerSecond);
            Shares.notNegative("footprint", l2Bytes);
            Shares.notNegative("power in W", watts);
        }
    }

    /**
     * Best-effort work beside it, all tenants together.
     *
     * @param lanes lanes it holds while latency-critical work runs
     * @param sliceNanos bound of a slice that a request may have to wait for; 0: none
     * @param preemptions slices a request meets, on average
     * @param dramBytesPerSecond bandwidth while it runs
     * @param l2Bytes footprint
     * @param watts power above idle while it runs
     */
    public record Beside(
            double lanes,
            double sliceNanos,
            double preemptions,
            double dramBytesPerSecond,
            double l2Bytes,
            double watts) {
        /** Nothing. */
        public static final Beside NOTHING = new Beside(0, 0, 0, 0, 0, 0);

        public Beside {
            Shares.notNegative("lanes", lanes);
            Shares.notNegative("slice bound in ns", sliceNanos);
            Shares.notNegative("preemptions", preemptions);
            Shares.notNegative("bandwidth", dramBytesPerSecond);
            Shares.notNegative("footprint", l2Bytes);
            Shares.notNegative("power in W", watts);
        }

        /** Both together; the longer bound, the sum of the rest. */
        public Beside plus(Beside other) {
            return new Beside(
                    lanes + other.lanes,
                    Math.max(sliceNanos, other.sliceNanos),
                    preemptions + other.preemptions,
                    dramBytesPerSecond + other.dramBytesPerSecond,
                    l2Bytes + other.l2Bytes,
                    watts + other.watts);
        }
    }

    /** Expected time of a request, ns; infinite when no lane is left to it. */
    public double nanos(Critical critical, Beside beside) {
        double lanes = device.lanes() - beside.lanes();
        if (lanes <= 0) {
            return Double.POSITIVE_INFINITY;
        }
        double alone = critical.scalingNanos() / lanes + critical.fixedNanos();
        double slowed = alone * dramFactor(critical, beside) * cacheFactor(critical, beside) / clock(critical, beside);
        double preempted = beside.preemptions() * (beside.sliceNanos() / 2 + device.flagNanos());
        double scheduling = beside.lanes() > 0 ? critical.kernels() * device.scheduleNanos() : 0;
        return slowed + preempted + scheduling;
    }

    /** Factor by which memory bandwidth slows, at least 1. */
    public double dramFactor(Critical critical, Beside beside) {
        if (device.dramBytesPerSecond() == 0) {
            return 1;
        }
        double demand = critical.dramBytesPerSecond() + beside.dramBytesPerSecond();
        return Math.max(1, demand / (DeviceModel.USABLE_DRAM * device.dramBytesPerSecond()));
    }

    /** Factor by which the L2 slows, at least 1. */
    public double cacheFactor(Critical critical, Beside beside) {
        if (device.l2Bytes() == 0 || beside.l2Bytes() == 0) {
            return 1;
        }
        double filled = Math.min(1, beside.l2Bytes() / device.l2Bytes());
        return (1 + device.l2Slope() * filled) * (fitsCache(critical, beside) ? 1 : device.l2Cliff());
    }

    /** Whether the footprints together stay below the cliff. */
    public boolean fitsCache(Critical critical, Beside beside) {
        return device.l2Bytes() == 0
                || critical.l2Bytes() + beside.l2Bytes() <= DeviceModel.USABLE_L2 * device.l2Bytes();
    }

    /** Power demanded, W. */
    public double watts(Critical critical, Beside beside) {
        return device.idleWatts() + critical.watts() + beside.watts();
    }

    /** Clock as a share of the full one, 0.1 to 1. */
    public double clock(Critical critical, Beside beside) {
        if (device.wattCap() == 0 || device.megahertz() == 0) {
            return 1;
        }
        double above = Math.max(0, watts(critical, beside) - device.wattCap());
        return Math.max(0.1, 1 - device.megahertzPerWatt() * above / device.megahertz());
    }
}

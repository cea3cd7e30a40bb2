package io.sluice.sharing.gpu;

import java.util.Arrays;

/**
 * How fast every running block goes beside the others. Issue slots: a neighbour lengthens a block's throughput part by
 * its share of threads times its issue share. Cache: footprints beyond the capacity turn reuse into memory traffic, by
 * {@link #hitFraction}. Bandwidth of cache and memory: max-min shares, weighted by resident threads. Power:
 * the clock under the cap.
 */
final class Interference {
    /** Part of the cache that what jobs reuse can have: fitted to two copies of 32 and 40 MB in 96 MB. */
    private static final double CACHE_KEPT = 0.9;

    private final GpuSpec spec;
    private final SmGroup[] groups;
    private final double[] issueThreads;
    private double[] rates = new double[16];
    private double[] demands = new double[16];
    private double[] weights = new double[16];
    private boolean[] met = new boolean[16];
    private double watts;
    private double activeSms;
    private double busySms;

    Interference(GpuSpec spec, SmGroup[] groups) {
        this.spec = spec;
        this.groups = groups;
        this.issueThreads = new double[groups.length];
        this.watts = spec.power().idleWatts();
    }

    /** Power at the rates last set. */
    double watts() {
        return watts;
    }

    /**
     * Part of reuse that still hits when footprints of {@code ratio} times the cache are swept again and again and the cache
     * replaces lines at random (loops in a cache, Smith and Goodman, IEEE TC 1985): between two uses of a line {@code (1 -
     * h) * ratio} times the cache's lines come in, and each throws out any line with equal chance, so {@code h = exp(-(1 -
     * h) * ratio)}. With least-recently-used replacement nothing would hit beyond the capacity.
     */
    static double hitFraction(double ratio) {
        if (ratio <= 1) {
            return 1;
        }
        double hit = 0;
        double next = Math.exp(-ratio);
        while (next - hit > 1e-4) { // rises to the smaller solution; the other one is 1
            hit = next;
            next = Math.exp(-(1 - hit) * ratio);
        }
        return next;
    }

    /** Sets the rate of every cohort from {@code now} on. */
    void apply(CohortList cohorts, long now) {
        int count = cohorts.count;
        if (rates.length < count) {
            rates = new double[2 * count];
            demands = new double[2 * count];
            weights = new double[2 * count];
            met = new boolean[2 * count];
        }
        double hit = hitFraction(occupy(cohorts) / (CACHE_KEPT * spec.l2Bytes()));
        boolean mixed = false;
        double cache = 0;
        for (int i = 0; i < count; i++) {
            Cohort cohort = cohorts.at[i];
            rates[i] = plainRate(cohorts, i);
            demands[i] = cohort.blocks * cohort.kernel.trafficBytes() * rates[i];
            weights[i] = (double) cohort.blocks * cohort.threads;
            cache += demands[i];
            mixed |= cohort.launch != cohorts.at[0].launch;
        }
        if (cache > spec.l2BytesPerNano()) {
            share(count, spec.l2BytesPerNano());
        }
        double memory = 0;
        for (int i = 0; i < count; i++) {
            Cohort cohort = cohorts.at[i];
            Kernel kernel = cohort.kernel;
            demands[i] = cohort.blocks * kernel.trafficBytes() * (1 - kernel.reuse() * hit) * rates[i];
            memory += demands[i];
        }
        double limit = spec.dramBytesPerNano() * (mixed ? spec.mixEfficiency() : 1);
        if (memory > limit) {
            share(count, limit);
            memory = limit;
        }
        double demand = spec.power().demandWatts(activeSms, busySms, memory * 1e9);
        double clock = spec.power().clockFraction(demand);
        watts = Math.min(demand, Math.max(spec.power().capWatts(), spec.power().idleWatts()));
        for (int i = 0; i < count; i++) {
            cohorts.at[i].rate(rates[i] * clock, now);
        }
    }

    /** Fills the occupancy of every group; returns the footprints of the running kernels. */
    private double occupy(CohortList cohorts) {
        Arrays.fill(issueThreads, 0);
        double footprints = 0;
        double busyThreads = 0;
        activeSms = 0;
        for (int i = 0; i < cohorts.count; i++) {
            Cohort cohort = cohorts.at[i];
            Kernel kernel = cohort.kernel;
            double issue = (double) cohort.blocks * cohort.threads * kernel.issue();
            issueThreads[cohort.group] += issue;
            busyThreads += issue;
            boolean first = kernel.footprintBytes() > 0;
            for (int j = 0; j < i && first; j++) {
                first = cohorts.at[j].launch != cohort.launch;
            }
            footprints += first ? kernel.footprintBytes() : 0;
        }
        for (SmGroup group : groups) {
            activeSms += Math.min(group.sms, group.slots);
        }
        busySms = busyThreads / spec.threadsPerSm();
        return footprints;
    }

    /** Cohorts of one launch on one group go at the same rate. */
    private double plainRate(CohortList cohorts, int i) {
        Cohort cohort = cohorts.at[i];
        for (int j = i - 1; j >= 0; j--) {
            Cohort other = cohorts.at[j];
            if (other.launch == cohort.launch && other.group == cohort.group) {
                return rates[j];
            }
        }
        return 1 / blockNanos(cohort);
    }

    private double blockNanos(Cohort cohort) {
        Launch launch = cohort.launch;
        Kernel kernel = cohort.kernel;
        int sms = groups[cohort.group].sms;
        int own = launch.runningIn[cohort.group];
        double ownThreads = (double) own * cohort.threads;
        double others = Math.max(0, issueThreads[cohort.group] - ownThreads * kernel.issue());
        double residency = Math.max(1, (double) own / sms);
        return launch.blockNanos(residency + spec.contention() * others / sms / cohort.threads);
    }

    /** Water-filling: nobody gets more than it asks for, the rest is shared by weight; lowers {@link #rates}. */
    private void share(int count, double capacity) {
        double left = capacity;
        double weight = 0;
        for (int i = 0; i < count; i++) {
            weight += demands[i] > 0 ? weights[i] : 0;
        }
        Arrays.fill(met, 0, count, false);
        boolean again = true;
        while (again && weight > 0) {
            again = false;
            double level = left / weight;
            for (int i = 0; i < count; i++) {
                if (!met[i] && demands[i] > 0 && demands[i] <= level * weights[i]) {
                    met[i] = true;
                    left -= demands[i];
                    weight -= weights[i];
                    again = true;
                }
            }
        }
        for (int i = 0; i < count; i++) {
            if (!met[i] && demands[i] > 0) {
                rates[i] *= Math.min(1, left / weight * weights[i] / demands[i]);
            }
        }
    }
}

package io.sluice.sharing.gpu;

import java.util.Arrays;
import java.util.List;

/**
 * How fast every running block goes beside the others. Issue slots: a neighbour lengthens a block's throughput part by
 * its share of threads times its issue share. Cache: footprints beyond the capacity turn reuse into memory traffic, all
 * of it gone at twice the capacity. Bandwidth of cache and memory: max-min shares, weighted by resident threads. Power:
 * the clock under the cap.
 */
final class Interference {
    private final GpuSpec spec;
    private final SmGroup[] groups;
    private final double[] issueThreads;
    private double[] rates = new double[16];
    private double[] demands = new double[16];
    private double[] weights = new double[16];
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

    /** Part of reuse that still hits when footprints fill {@code ratio} of the cache. */
    static double hitFraction(double ratio) {
        if (ratio <= 1) {
            return 1;
        }
        return ratio >= 2 ? 0 : (2 - ratio) * (2 - ratio);
    }

    /** Sets the rate of every cohort from {@code now} on. */
    void apply(List<Cohort> cohorts, long now) {
        int count = cohorts.size();
        if (rates.length < count) {
            rates = new double[2 * count];
            demands = new double[2 * count];
            weights = new double[2 * count];
        }
        double hit = hitFraction(occupy(cohorts) / spec.l2Bytes());
        boolean mixed = false;
        double cache = 0;
        for (int i = 0; i < count; i++) {
            Cohort cohort = cohorts.get(i);
            rates[i] = 1 / blockNanos(cohort);
            demands[i] = cohort.blocks * cohort.launch.kernel().trafficBytes() * rates[i];
            weights[i] = (double) cohort.blocks * cohort.launch.kernel().shape().threads();
            cache += demands[i];
            mixed |= cohort.launch != cohorts.get(0).launch;
        }
        if (cache > spec.l2BytesPerNano()) {
            share(count, spec.l2BytesPerNano(), cohorts);
        }
        double memory = 0;
        for (int i = 0; i < count; i++) {
            Cohort cohort = cohorts.get(i);
            Kernel kernel = cohort.launch.kernel();
            demands[i] = cohort.blocks * kernel.trafficBytes() * (1 - kernel.reuse() * hit) * rates[i];
            memory += demands[i];
        }
        double limit = spec.dramBytesPerNano() * (mixed ? spec.mixEfficiency() : 1);
        if (memory > limit) {
            share(count, limit, cohorts);
            memory = limit;
        }
        double demand = spec.power().demandWatts(activeSms, busySms, memory * 1e9);
        double clock = spec.power().clockFraction(demand);
        watts = Math.min(demand, Math.max(spec.power().capWatts(), spec.power().idleWatts()));
        for (int i = 0; i < count; i++) {
            cohorts.get(i).rate(rates[i] * clock, now);
        }
    }

    /** Fills the occupancy of every group; returns the footprints of the running kernels. */
    private double occupy(List<Cohort> cohorts) {
        Arrays.fill(issueThreads, 0);
        double footprints = 0;
        double busyThreads = 0;
        activeSms = 0;
        for (int i = 0; i < cohorts.size(); i++) {
            Cohort cohort = cohorts.get(i);
            Kernel kernel = cohort.launch.kernel();
            double issue = (double) cohort.blocks * kernel.shape().threads() * kernel.issue();
            issueThreads[cohort.group] += issue;
            busyThreads += issue;
            boolean first = true;
            for (int j = 0; j < i && first; j++) {
                first = cohorts.get(j).launch != cohort.launch;
            }
            footprints += first ? kernel.footprintBytes() : 0;
        }
        for (SmGroup group : groups) {
            activeSms += Math.min(group.sms, group.slots);
        }
        busySms = busyThreads / spec.threadsPerSm();
        return footprints;
    }

    private double blockNanos(Cohort cohort) {
        Launch launch = cohort.launch;
        Kernel kernel = launch.kernel();
        int sms = groups[cohort.group].sms;
        int own = launch.runningIn[cohort.group];
        double ownThreads = (double) own * kernel.shape().threads();
        double others = Math.max(0, issueThreads[cohort.group] - ownThreads * kernel.issue());
        double residency = Math.max(1, (double) own / sms);
        return launch.blockNanos(
                residency + spec.contention() * others / sms / kernel.shape().threads());
    }

    /** Water-filling: nobody gets more than it asks for, the rest is shared by weight; lowers {@link #rates}. */
    private void share(int count, double capacity, List<Cohort> cohorts) {
        double left = capacity;
        double weight = 0;
        for (int i = 0; i < count; i++) {
            weight += demands[i] > 0 ? weights[i] : 0;
        }
        boolean[] met = new boolean[count];
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

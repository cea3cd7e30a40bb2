package io.sluice.worker.sharing;

import io.sluice.core.sharing.SliceHistory;
import io.sluice.core.sharing.StepObjective;
import java.util.Arrays;

/** What latency-critical steps did and suffered: since the start, and since the last report. Not thread-safe. */
final class CriticalSums {
    /** Steps of an interval that percentiles are taken of; beyond it the oldest are overwritten. */
    private static final int SAMPLES = 2_048;

    private final StepObjective objective;
    private final SliceHistory slices;
    private final double[] serviceNanos = new double[SAMPLES];
    private final double[] responseNanos = new double[SAMPLES];
    private long allSteps;
    private long allViolations;
    private long allDrains;
    private double allDrainNanos;
    private double longestDrainNanos;
    private Sums sums = new Sums();

    CriticalSums(StepObjective objective, SliceHistory slices) {
        this.objective = objective;
        this.slices = slices;
    }

    /** Sums of one interval. */
    static final class Sums {
        long steps;
        long violations;
        double serviceNanos;
        double waitNanos;
        double causedNanos;
        double besideNanos;
        long drains;
        double drainNanos;
    }

    /**
     * A batch has ended.
     *
     * @return how many of its steps missed the objective
     */
    int batch(long[] readyNanos, double slowedNanos, long startNanos, long endNanos) {
        double service = Math.max(1, endNanos - startNanos);
        double beside = slices.heldNanos(startNanos, endNanos);
        int missed = 0;
        double drain = 0;
        for (long ready : readyNanos) {
            double wait = Math.max(0, startNanos - ready);
            double caused = wait == 0 ? 0 : slices.heldNanos(ready, startNanos);
            missed += objective.missed(wait, caused, service, slowedNanos) ? 1 : 0;
            drain = Math.max(drain, caused);
            int slot = (int) (sums.steps++ % SAMPLES);
            serviceNanos[slot] = service;
            responseNanos[slot] = wait + service;
            sums.waitNanos += wait;
            sums.causedNanos += caused;
        }
        sums.violations += missed;
        sums.serviceNanos += service * readyNanos.length;
        sums.besideNanos += Math.min(beside, service) * readyNanos.length;
        allSteps += readyNanos.length;
        allViolations += missed;
        if (drain > 0) {
            sums.drains++;
            sums.drainNanos += drain;
            allDrains++;
            allDrainNanos += drain;
            longestDrainNanos = Math.max(longestDrainNanos, drain);
        }
        return missed;
    }

    double serviceP99Nanos() {
        return p99(serviceNanos);
    }

    double responseP99Nanos() {
        return p99(responseNanos);
    }

    /** The sums so far, which begin anew. */
    Sums take() {
        Sums taken = sums;
        sums = new Sums();
        return taken;
    }

    long steps() {
        return allSteps;
    }

    long violations() {
        return allViolations;
    }

    long drains() {
        return allDrains;
    }

    double drainNanos() {
        return allDrainNanos;
    }

    double longestDrainNanos() {
        return longestDrainNanos;
    }

    private double p99(double[] samples) {
        int count = (int) Math.min(sums.steps, SAMPLES);
        if (count == 0) {
            return 0;
        }
        double[] sorted = Arrays.copyOf(samples, count);
        Arrays.sort(sorted);
        return sorted[(int) Math.ceil(0.99 * count) - 1];
    }
}

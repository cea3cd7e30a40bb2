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
    private long allExcused;
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
        long excused;
        double serviceNanos;
        double waitNanos;
        double causedNanos;
        double besideNanos;
        long drains;
        double drainNanos;
    }

    /** How many steps of a batch missed the objective, and how many kept it by their sessions' budgets alone. */
    record Judged(int missed, int excused) {}

    /**
     * A batch has ended.
     *
     * @param budgetNanos of each step, not positive: none
     */
    Judged batch(long[] readyNanos, double[] budgetNanos, double slowedNanos, long startNanos, long endNanos) {
        double service = Math.max(1, endNanos - startNanos);
        double beside = slices.heldNanos(startNanos, endNanos);
        int missed = 0;
        int excused = 0;
        double drain = 0;
        for (int i = 0; i < readyNanos.length; i++) {
            long ready = readyNanos[i];
            double wait = Math.max(0, startNanos - ready);
            double caused = wait == 0 ? 0 : slices.heldNanos(ready, startNanos);
            StepObjective.Verdict verdict = objective.judge(wait, caused, service, slowedNanos, budgetNanos[i]);
            missed += verdict == StepObjective.Verdict.MISSED ? 1 : 0;
            excused += verdict == StepObjective.Verdict.EXCUSED ? 1 : 0;
            drain = Math.max(drain, caused);
            int slot = (int) (sums.steps++ % SAMPLES);
            serviceNanos[slot] = service;
            responseNanos[slot] = wait + service;
            sums.waitNanos += wait;
            sums.causedNanos += caused;
        }
        sums.violations += missed;
        sums.excused += excused;
        allExcused += excused;
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
        return new Judged(missed, excused);
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

    long excused() {
        return allExcused;
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

package io.sluice.sharing.policy;

import java.util.Arrays;
import java.util.List;

/**
 * Chooses one of several plans by what is measured: each runs for a window, then the best one stays until the workers'
 * speed changes by more than {@value #CHANGE}; then all are tried again. Speed is time alone over time taken, of all
 * workers its geometric mean (proportional fairness, Kelly 1997): no worker can be starved for another's sake. The best
 * plan has the least energy times delay, {@code watts / speed^2} (Gonzalez and Horowitz, JSSC 1996): energy is not saved by
 * going slower, nor speed won at any price. Not thread-safe.
 */
final class PlanTrial {
    private static final double CHANGE = 0.1;
    /** Windows that a change must last: a worker between two requests is none. */
    private static final int WINDOWS_CHANGED = 5;

    private final List<int[][]> plans;
    private final double[] speeds;
    private final double[] scores;
    private final double[] soloNanos;
    private final double[] tookNanos;
    private int at;
    private boolean trying = true;
    private int changed;
    private long trials;

    PlanTrial(List<int[][]> plans) {
        this.plans = List.copyOf(plans);
        this.speeds = new double[plans.size()];
        this.scores = new double[plans.size()];
        int workers = plans.get(0).length;
        this.soloNanos = new double[workers];
        this.tookNanos = new double[workers];
    }

    /** The plan to follow now. */
    int[][] plan() {
        return plans.get(at);
    }

    /** How often all plans were tried. */
    long trials() {
        return trials;
    }

    /** A worker's kernel that takes {@code solo} alone took so long. */
    void ran(int worker, double solo, double took) {
        soloNanos[worker] += solo;
        tookNanos[worker] += took;
    }

    /** A window has passed, in which the device drew so many watts on average. */
    void windowPassed(double watts) {
        double speed = 0;
        for (int w = 0; w < soloNanos.length; w++) {
            if (tookNanos[w] == 0) {
                return; // a worker that did nothing yet: the window goes on
            }
            speed += Math.log(soloNanos[w] / tookNanos[w]) / soloNanos.length;
        }
        Arrays.fill(soloNanos, 0);
        Arrays.fill(tookNanos, 0);
        if (trying) {
            speeds[at] = speed;
            scores[at] = 2 * speed - Math.log(watts);
            at++;
            if (at == plans.size()) {
                settle();
            }
            return;
        }
        changed = Math.abs(speed - speeds[at]) > Math.log(1 + CHANGE) ? changed + 1 : 0;
        if (changed == WINDOWS_CHANGED) {
            trying = true;
            at = 0;
        }
    }

    private void settle() {
        trying = false;
        trials++;
        changed = 0;
        at = 0;
        for (int i = 1; i < scores.length; i++) {
            at = scores[i] > scores[at] ? i : at;
        }
    }
}

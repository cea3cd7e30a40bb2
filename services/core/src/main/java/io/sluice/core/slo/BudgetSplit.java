package io.sluice.core.slo;

import java.util.ArrayList;
import java.util.List;

/**
 * The rule by which the stages of a pipeline share one latency objective: what its links take comes off first, the rest is
 * divided in proportion to what the stages are expected to compute, so that links and shares are the whole again. The rule is
 * ours. Immutable.
 *
 * <p>Where stages would need more than is left, the proportion stays, so each has a share that it misses even alone; where links
 * take all, every share is 0. Stages whose time is not known make the proportion that of the layers.
 *
 * @param micros one share per stage, microseconds, never negative
 * @param attainable whether stages that run at their full speed would keep the shares, as far as is known
 */
public record BudgetSplit(List<Long> micros, boolean attainable) {
    private static final double MICROS = 1e6;

    public BudgetSplit {
        micros = List.copyOf(micros);
    }

    /**
     * Divides an objective.
     *
     * @param wholeSeconds what is left of it for links and stages; not positive: nothing
     * @param linkSeconds what the links take
     * @param computeSeconds what each stage computes alone; not above 0 or not finite: not known
     * @param layers of each stage
     */
    public static BudgetSplit of(
            double wholeSeconds, double linkSeconds, List<Double> computeSeconds, List<Integer> layers) {
        if (Double.isNaN(wholeSeconds) || computeSeconds.isEmpty() || computeSeconds.size() != layers.size()) {
            throw new IllegalArgumentException("cannot divide " + wholeSeconds + " s among " + computeSeconds.size()
                    + " stages with the layers " + layers);
        }
        double links = linkSeconds > 0 ? linkSeconds : 0;
        double rest = Math.max(0, wholeSeconds - links);
        boolean known = computeSeconds.stream().allMatch(s -> s > 0 && Double.isFinite(s));
        double[] parts = new double[layers.size()];
        double sum = 0;
        for (int i = 0; i < parts.length; i++) {
            parts[i] = known ? computeSeconds.get(i) : layers.get(i);
            sum += parts[i];
        }
        long total = Math.round(Math.min(rest * MICROS, StageBudget.MOST_MICROS));
        List<Long> micros = new ArrayList<>(parts.length);
        double before = 0;
        long given = 0;
        for (int i = 0; i < parts.length; i++) {
            before += parts[i];
            long until = i == parts.length - 1 ? total : Math.clamp(Math.round(total * (before / sum)), given, total);
            micros.add(until - given);
            given = until;
        }
        return new BudgetSplit(micros, total > 0 && (!known || sum <= rest));
    }
}

package io.sluice.core.sharing;

import java.util.Comparator;
import java.util.stream.IntStream;

/** Prices of the budgets of a {@link LevelKnapsack} that make the priced bound at the root small. Not thread-safe. */
final class BudgetPrices {
    private static final double SHRINK = 0.9;

    private final double[] prices;
    private final double[][] gains;
    private final double[] rest;

    BudgetPrices(LevelOption[][] levels, double[][][] uses, double[] budgets, int steps) {
        this.prices = search(levels, uses, budgets, steps);
        this.gains = new double[levels.length][];
        this.rest = new double[levels.length + 1];
        for (int t = levels.length - 1; t >= 0; t--) {
            gains[t] = new double[levels[t].length];
            double greatest = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < gains[t].length; i++) {
                gains[t][i] = levels[t][i].value() - dot(prices, uses[t][i]);
                greatest = Math.max(greatest, gains[t][i]);
            }
            rest[t] = greatest + rest[t + 1];
        }
    }

    /** Subgradient steps in budgets scaled to 1; the best prices seen. */
    private static double[] search(LevelOption[][] levels, double[][][] uses, double[] budgets, int steps) {
        double[] now = new double[budgets.length];
        double[] best = now.clone();
        double least = Double.POSITIVE_INFINITY;
        double first = Double.NaN;
        for (int step = 1; step <= steps; step++) {
            double bound = dot(now, budgets);
            double[] slack = budgets.clone();
            for (int t = 0; t < levels.length; t++) {
                int chosen = -1;
                double greatest = Double.NEGATIVE_INFINITY;
                for (int i = 0; i < levels[t].length; i++) {
                    double gain = levels[t][i].value() - dot(now, uses[t][i]);
                    if (gain > greatest) {
                        greatest = gain;
                        chosen = i;
                    }
                }
                bound += greatest;
                for (int r = 0; r < slack.length && chosen >= 0; r++) {
                    slack[r] -= uses[t][chosen][r];
                }
            }
            first = Double.isNaN(first) ? Math.abs(bound) : first;
            if (bound < least) {
                least = bound;
                best = now.clone();
            }
            double norm = 0;
            for (int r = 0; r < slack.length; r++) {
                norm += budgets[r] > 0 ? slack[r] * slack[r] / (budgets[r] * budgets[r]) : 0;
            }
            if (norm == 0) {
                break;
            }
            double length = first * Math.pow(SHRINK, step) / (2 * Math.sqrt(norm));
            for (int r = 0; r < slack.length; r++) {
                now[r] = budgets[r] > 0 ? Math.max(0, now[r] - length * slack[r] / (budgets[r] * budgets[r])) : 0;
            }
        }
        return best;
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int r = 0; r < a.length; r++) {
            sum += a[r] * b[r];
        }
        return sum;
    }

    /** Puts the levels of each tenant, and their uses, in the order of falling gain. */
    void sort(LevelOption[][] levels, double[][][] uses) {
        for (int t = 0; t < levels.length; t++) {
            double[] gain = gains[t];
            LevelOption[] of = levels[t].clone();
            double[][] use = uses[t].clone();
            int[] order = IntStream.range(0, gain.length)
                    .boxed()
                    .sorted(Comparator.comparingDouble(i -> -gain[i]))
                    .mapToInt(i -> i)
                    .toArray();
            gains[t] = new double[order.length];
            for (int i = 0; i < order.length; i++) {
                levels[t][i] = of[order[i]];
                uses[t][i] = use[order[i]];
                gains[t][i] = gain[order[i]];
            }
        }
    }

    /** Value of a level less the price of its uses, after {@link #sort}. */
    double gain(int tenant, int level) {
        return gains[tenant][level];
    }

    /** Greatest gain of all tenants from {@code tenant} on. */
    double rest(int tenant) {
        return rest[tenant];
    }

    /** Price of what is left. */
    double of(double[] left) {
        return dot(prices, left);
    }
}

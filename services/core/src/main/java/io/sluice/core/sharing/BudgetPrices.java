package io.sluice.core.sharing;

import java.util.Arrays;

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
        double[][][] columns = new double[levels.length][][];
        int most = 0;
        for (int t = 0; t < levels.length; t++) {
            columns[t] = columns(levels[t], uses[t], budgets.length);
            most = Math.max(most, levels[t].length);
        }
        double[] gains = new double[most];
        double[] now = new double[budgets.length];
        double[] best = now.clone();
        double least = Double.POSITIVE_INFINITY;
        double first = Double.NaN;
        for (int step = 1; step <= steps; step++) {
            double bound = dot(now, budgets);
            double[] slack = budgets.clone();
            for (int t = 0; t < levels.length; t++) {
                int chosen = dearest(columns[t], now, gains);
                bound += chosen < 0 ? Double.NEGATIVE_INFINITY : levels[t][chosen].value() - dot(now, uses[t][chosen]);
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

    /** Values of a tenant's levels, then their uses by budget: columns, which {@link #dearest} runs through without jumps. */
    private static double[][] columns(LevelOption[] levels, double[][] uses, int budgets) {
        double[][] columns = new double[1 + budgets][levels.length];
        for (int i = 0; i < levels.length; i++) {
            columns[0][i] = levels[i].value();
            for (int r = 0; r < budgets; r++) {
                columns[1 + r][i] = uses[i][r];
            }
        }
        return columns;
    }

    /** The level with the greatest value less the price of its uses; -1: there is none. */
    private static int dearest(double[][] columns, double[] prices, double[] gains) {
        int count = columns[0].length;
        System.arraycopy(columns[0], 0, gains, 0, count);
        for (int r = 0; r < prices.length; r++) {
            if (prices[r] != 0) {
                less(gains, prices[r], columns[1 + r]);
            }
        }
        int chosen = -1;
        double greatest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            if (gains[i] > greatest) {
                greatest = gains[i];
                chosen = i;
            }
        }
        return chosen;
    }

    private static void less(double[] gains, double price, double[] uses) {
        for (int i = 0; i < uses.length; i++) {
            gains[i] -= price * uses[i];
        }
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
            int[] order = falling(gain);
            gains[t] = new double[order.length];
            for (int i = 0; i < order.length; i++) {
                levels[t][i] = of[order[i]];
                uses[t][i] = use[order[i]];
                gains[t][i] = gain[order[i]];
            }
        }
    }

    /** Places in the order of falling values, equal ones in their own order: a merge sort from runs of one. */
    private static int[] falling(double[] values) {
        int[] from = new int[values.length];
        Arrays.setAll(from, i -> i);
        int[] to = new int[values.length];
        for (int run = 1; run < values.length; run *= 2) {
            for (int begin = 0; begin < values.length; begin += 2 * run) {
                int left = begin;
                int middle = Math.min(begin + run, values.length);
                int right = middle;
                int end = Math.min(begin + 2 * run, values.length);
                for (int i = begin; i < end; i++) {
                    boolean takeLeft = right == end || (left < middle && values[from[left]] >= values[from[right]]);
                    to[i] = from[takeLeft ? left++ : right++];
                }
            }
            int[] other = from;
            from = to;
            to = other;
        }
        return from;
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

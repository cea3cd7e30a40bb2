package io.sluice.core.sharing;

import java.util.Arrays;
import java.util.List;

/**
 * Chooses one level for each tenant so that the sum of values is greatest and no budget is exceeded: a multiple-choice
 * knapsack with several budgets (lanes, latency, memory bandwidth, L2, power, switches).
 *
 * <p>A depth-first search over the tenants, exact, with two bounds on what the tenants that are left can be worth. One is
 * dynamic programming over a single budget, in {@value #QUANTA} steps with uses rounded down, for each budget. The other
 * prices the budgets (Lagrange multipliers u by {@value #PRICE_STEPS} subgradient steps, Held and Karp 1971): what is left
 * is worth at most {@code u . left} and the greatest {@code value - u . uses} of each tenant. Levels are tried in the
 * order of that difference, so a tenant is done with at the first level that cannot lead to anything better. The first
 * choice found is improved by exchanging two tenants' levels at a time. Budgets are checked with their real numbers. After
 * {@value #MAX_STEPS} steps the best so far is returned with its bound. Stateless.
 */
public final class LevelKnapsack {
    private static final int QUANTA = 64;
    private static final int PRICE_STEPS = 40;
    private static final int MAX_STEPS = 200_000;
    private static final double ROUNDING = 1e-9;

    private LevelKnapsack() {}

    /** What was chosen. */
    public sealed interface Result {
        /** No choice is better. */
        record Optimal(List<LevelOption> chosen, double value) implements Result {}

        /** No choice is worth more than {@code bound}. */
        record Feasible(List<LevelOption> chosen, double value, double bound) implements Result {}

        /** Every choice exceeds a budget; give each tenant a level that uses nothing. */
        record Infeasible() implements Result {}
    }

    /**
     * Solves.
     *
     * @param tenants the levels each tenant could get, at least one each
     * @param budgets greatest sum of uses, not negative
     */
    public static Result solve(List<List<LevelOption>> tenants, double[] budgets) {
        for (double budget : budgets) {
            if (!(budget >= 0)) {
                throw new IllegalArgumentException("a budget is " + budget + ": it must not be negative");
            }
        }
        for (List<LevelOption> levels : tenants) {
            if (levels.isEmpty()) {
                throw new IllegalArgumentException("a tenant has no level to choose: give it one that uses nothing");
            }
            for (LevelOption option : levels) {
                if (option.uses().length != budgets.length) {
                    throw new IllegalArgumentException(
                            "a level of " + option.level().tenant() + " uses " + option.uses().length + " budgets of "
                                    + budgets.length);
                }
            }
        }
        return new Search(tenants, budgets).run();
    }

    private static final class Search {
        private final LevelOption[][] levels;
        private final double[][][] uses;
        private final double[] budgets;
        private final double[][][] bounds;
        private final BudgetPrices prices;
        private final LevelOption[] path;
        private LevelOption[] best;
        private double bestValue = Double.NEGATIVE_INFINITY;
        private int steps;

        Search(List<List<LevelOption>> tenants, double[] budgets) {
            this.budgets = budgets;
            this.levels = new LevelOption[tenants.size()][];
            this.uses = new double[tenants.size()][][];
            for (int t = 0; t < levels.length; t++) {
                levels[t] = fitting(tenants.get(t));
                uses[t] = new double[levels[t].length][];
                for (int i = 0; i < levels[t].length; i++) {
                    uses[t][i] = levels[t][i].uses();
                }
            }
            this.prices = new BudgetPrices(levels, uses, budgets, PRICE_STEPS);
            prices.sort(levels, uses);
            this.path = new LevelOption[levels.length];
            this.bounds = new double[budgets.length][][];
            for (int r = 0; r < budgets.length; r++) {
                bounds[r] = bound(r);
            }
        }

        private LevelOption[] fitting(List<LevelOption> all) {
            return all.stream().filter(this::fits).toArray(LevelOption[]::new);
        }

        private boolean fits(LevelOption option) {
            double[] use = option.uses();
            for (int r = 0; r < budgets.length; r++) {
                if (use[r] > budgets[r] * (1 + ROUNDING)) {
                    return false;
                }
            }
            return true;
        }

        /** Greatest value of tenants t, t+1, ... by quanta of budget {@code r} that remain, other budgets ignored. */
        private double[][] bound(int r) {
            double quantum = budgets[r] / QUANTA;
            double[][] table = new double[levels.length + 1][QUANTA + 1];
            double[] most = new double[QUANTA + 1];
            for (int t = levels.length - 1; t >= 0; t--) {
                mostByQuanta(t, r, quantum, most);
                double[] row = table[t];
                double[] after = table[t + 1];
                Arrays.fill(row, Double.NEGATIVE_INFINITY);
                for (int used = 0; used <= QUANTA; used++) {
                    double value = most[used];
                    for (int q = used; q <= QUANTA && value > Double.NEGATIVE_INFINITY; q++) {
                        row[q] = Math.max(row[q], value + after[q - used]);
                    }
                }
            }
            return table;
        }

        /** Greatest value of one tenant's levels by the quanta they use; a level that is worth no more than a smaller one: none. */
        private void mostByQuanta(int t, int r, double quantum, double[] most) {
            Arrays.fill(most, Double.NEGATIVE_INFINITY);
            for (int i = 0; i < levels[t].length; i++) {
                int used = quantum > 0 ? Math.min(QUANTA, (int) (uses[t][i][r] / quantum)) : 0;
                most[used] = Math.max(most[used], levels[t][i].value());
            }
            double smaller = most[0];
            for (int used = 1; used <= QUANTA; used++) {
                if (most[used] <= smaller) {
                    most[used] = Double.NEGATIVE_INFINITY;
                } else {
                    smaller = most[used];
                }
            }
        }

        Result run() {
            double[] left = budgets.clone();
            double bound = bound(0, left);
            visit(0, 0, left);
            if (best == null) {
                return new Result.Infeasible();
            }
            List<LevelOption> chosen = List.of(best);
            return steps < MAX_STEPS
                    ? new Result.Optimal(chosen, bestValue)
                    : new Result.Feasible(chosen, bestValue, Math.max(bound, bestValue));
        }

        private double bound(int t, double[] left) {
            double least = Double.POSITIVE_INFINITY;
            for (int r = 0; r < budgets.length; r++) {
                double quantum = budgets[r] / QUANTA;
                // Up, so that the bound stays a bound: the sum of uses rounded down may be less than its parts.
                int q = quantum > 0 ? (int) Math.min(QUANTA, Math.ceil(Math.max(0, left[r]) / quantum)) : QUANTA;
                least = Math.min(least, bounds[r][t][q]);
            }
            return Math.min(least, prices.rest(t) + prices.of(left));
        }

        private void visit(int t, double value, double[] left) {
            if (t == levels.length) {
                if (value > bestValue) {
                    boolean first = best == null;
                    bestValue = value;
                    best = path.clone();
                    if (first) {
                        exchangePairs();
                    }
                }
                return;
            }
            double priced = value + prices.rest(t + 1) + prices.of(left);
            for (int i = 0; i < levels[t].length && steps < MAX_STEPS; i++) {
                if (!better(priced + prices.gain(t, i))) {
                    return;
                }
                steps++;
                double[] rest = rest(left, uses[t][i]);
                if (rest == null) {
                    continue;
                }
                double with = value + levels[t][i].value();
                if (better(with + bound(t + 1, rest))) {
                    path[t] = levels[t][i];
                    visit(t + 1, with, rest);
                }
            }
        }

        /** Two tenants at a time take their best levels beside the others': a good first value spares most of the search. */
        private void exchangePairs() {
            boolean again = levels.length > 1;
            while (again) {
                again = false;
                for (int a = 0; a < levels.length; a++) {
                    for (int b = a + 1; b < levels.length; b++) {
                        again |= exchange(a, b);
                    }
                }
            }
        }

        private boolean exchange(int a, int b) {
            double[] left = budgets.clone();
            for (int t = 0; t < levels.length; t++) {
                double[] use = best[t].uses();
                for (int r = 0; r < left.length && t != a && t != b; r++) {
                    left[r] -= use[r];
                }
            }
            double others = bestValue - best[a].value() - best[b].value();
            double priced = others + prices.of(left);
            boolean found = false;
            for (int i = 0; i < levels[a].length && better(priced + prices.gain(a, i) + prices.gain(b, 0)); i++) {
                double[] rest = rest(left, uses[a][i]);
                double with = others + levels[a][i].value();
                double both = priced + prices.gain(a, i);
                for (int j = 0; rest != null && j < levels[b].length && better(both + prices.gain(b, j)); j++) {
                    double value = with + levels[b][j].value();
                    if (better(value) && rest(rest, uses[b][j]) != null) {
                        bestValue = value;
                        best[a] = levels[a][i];
                        best[b] = levels[b][j];
                        found = true;
                    }
                }
            }
            return found;
        }

        private boolean better(double bound) {
            return best == null || bound > bestValue + Math.abs(bestValue) * ROUNDING;
        }

        private double[] rest(double[] left, double[] use) {
            double[] rest = new double[left.length];
            for (int r = 0; r < left.length; r++) {
                rest[r] = left[r] - use[r];
                if (rest[r] < -ROUNDING * budgets[r]) {
                    return null;
                }
            }
            return rest;
        }
    }
}

package io.sluice.core.sharing;

import java.util.ArrayList;
import java.util.List;

/**
 * Assigns the kernels of several streams to masked pools of one device: ECLIP's programme (ISLPED 2025), solved exactly
 * without an integer solver.
 *
 * <p>ECLIP minimises the sum over kernels of {@code time (1 + overlap / lanes)}, where the overlap of a stream is its own
 * average lanes and those of the others. That sum is the same for all streams, so the objective is {@code F = (1 + A/N) T}:
 * A the sum of average lanes, N the lanes of the device, T the sum of times. F is quasi-concave where A and T are
 * positive, so its least value lies on a vertex of the hull of all points (A, T). Every vertex minimises {@code T + s A}
 * for some slope s, and for a given s the streams are independent: one {@link PoolPath} each, within the switch budget.
 * Its value z bounds all points, {@code T + s A >= z}. The bounds found so far enclose the points in a polygon, over which
 * a quasi-concave function is least at a corner: as long as F at some corner is below the best plan, the lowest corner is
 * cut off by another slope, between those of its two sides; when no corner is below, the best plan is proven. The first
 * slopes follow {@code s <- T / (N + A)}, the slope of F itself, from the slope of the last solution, and mostly end at
 * the optimum after two or three steps; the rest is proof.
 *
 * <p>A switch cost and an energy weight go into T, kernel by kernel, and keep all of this. For overlap by the lanes
 * that two streams really share see {@link PairwiseOverlap}. Keeps arrays between calls. Not thread-safe.
 */
public final class StreamPoolProgramme {
    private static final double EXACT = 1e-12;
    private static final int MAX_SOLVES = 1_000;
    private static final int MAX_DESCENT = 12;

    private final int deviceLanes;
    private final double[] poolLanes;
    private final int switchBudget;
    private final double switchNanos;
    private final double nanosPerJoule;

    /**
     * @param deviceLanes N
     * @param poolLanes lanes of each pool, at most 32 pools
     * @param switchBudget changes of pool that one stream may make
     * @param switchNanos what a change costs, 0: nothing
     * @param nanosPerJoule how much time a joule is worth, 0: nothing
     */
    public StreamPoolProgramme(
            int deviceLanes, int[] poolLanes, int switchBudget, double switchNanos, double nanosPerJoule) {
        this.deviceLanes = (int) Shares.positive("lanes of the device", deviceLanes);
        if (poolLanes.length == 0 || poolLanes.length > 32) {
            throw new IllegalArgumentException(poolLanes.length + " pools: give 1 to 32");
        }
        this.poolLanes = new double[poolLanes.length];
        for (int j = 0; j < poolLanes.length; j++) {
            this.poolLanes[j] = Shares.positive("lanes of pool " + j, poolLanes[j]);
        }
        this.switchBudget = (int) Shares.notNegative("switch budget", switchBudget);
        this.switchNanos = Shares.notNegative("cost of a switch in ns", switchNanos);
        this.nanosPerJoule = Shares.notNegative("ns per joule", nanosPerJoule);
    }

    /** Objective of a plan for these streams. */
    public double objective(double lanes, double cost) {
        return (1 + lanes / deviceLanes) * cost;
    }

    double[] poolLanes() {
        return poolLanes;
    }

    int deviceLanes() {
        return deviceLanes;
    }

    int switchBudget() {
        return switchBudget;
    }

    double switchNanos() {
        return switchNanos;
    }

    /** Additive costs of a stream: times and what its energy is worth, by kernel and pool, ns. */
    double[] base(PoolSequence stream) {
        int pools = poolLanes.length;
        if (stream.pools() != pools) {
            throw new IllegalArgumentException(
                    "a stream has times for " + stream.pools() + " pools: the programme has " + pools);
        }
        double[] base = new double[stream.kernels() * pools];
        for (int k = 0, i = 0; k < stream.kernels(); k++) {
            for (int j = 0; j < pools; j++, i++) {
                double energy = stream.joules() == null ? 0 : stream.joules()[k][j];
                base[i] = stream.nanos()[k][j] + nanosPerJoule * energy;
            }
        }
        return base;
    }

    /** The best plan, without anything to start from. */
    public PoolPlan solve(List<PoolSequence> streams) {
        return solve(streams, Double.NaN, 0);
    }

    /**
     * The best plan.
     *
     * @param slope {@link PoolPlan#slope} of an earlier plan for about the same kernels; NaN: none
     * @param gap stop when no plan is better by more than this share of the objective; 0: the best one
     */
    public PoolPlan solve(List<PoolSequence> streams, double slope, double gap) {
        if (streams.isEmpty()) {
            throw new IllegalArgumentException("no stream to plan for: give at least one");
        }
        Shares.ratio("gap", gap);
        return new Search(streams, gap).run(slope);
    }

    /** The search of one call. */
    private final class Search {
        private final List<double[]> bases = new ArrayList<>();
        private final List<PoolPath> paths = new ArrayList<>();
        private final HullBounds hull;
        private final int[][] best;
        private final double gap;
        private double bestLanes;
        private double bestCost;
        private double bestSlope;
        private double bestObjective = Double.POSITIVE_INFINITY;
        private int solves;

        Search(List<PoolSequence> streams, double gap) {
            this.gap = Math.max(gap, EXACT);
            for (PoolSequence stream : streams) {
                bases.add(base(stream));
                paths.add(new PoolPath(stream.kernels(), poolLanes.length, switchBudget));
            }
            best = new int[streams.size()][];
            hull = new HullBounds(deviceLanes, leastLanes(), leastCost());
        }

        PoolPlan run(double warmSlope) {
            descend(Double.isFinite(warmSlope) && warmSlope > 0 ? warmSlope : leastCost() / (2.0 * deviceLanes));
            double lowest = hull.lowestCorner();
            while (lowest < bestObjective * (1 - gap) && solves < MAX_SOLVES) {
                at(hull.slopeForLowestCorner());
                lowest = hull.lowestCorner();
            }
            return new PoolPlan(
                    best, bestLanes, bestCost, bestObjective, Math.min(lowest, bestObjective), bestSlope, solves);
        }

        private void descend(double from) {
            double slope = from;
            double before = Double.POSITIVE_INFINITY;
            for (int i = 0; i < MAX_DESCENT && at(slope) < before; i++) {
                before = bestObjective;
                slope = bestCost / (deviceLanes + bestLanes);
            }
        }

        /** Solves at a slope; the objective of what was found. */
        private double at(double slope) {
            solves++;
            double lanes = 0;
            double cost = 0;
            int[][] found = new int[bases.size()][];
            for (int w = 0; w < bases.size(); w++) {
                double[] base = bases.get(w);
                int pools = poolLanes.length;
                int kernels = base.length / pools;
                int[] path = paths.get(w).solve(base, slope / kernels, poolLanes, switchNanos);
                double sum = 0;
                for (int k = 0; k < kernels; k++) {
                    sum += poolLanes[path[k]];
                    cost += base[k * pools + path[k]];
                    cost += k > 0 && path[k] != path[k - 1] ? switchNanos : 0;
                }
                lanes += sum / kernels;
                found[w] = path;
            }
            hull.add(slope, lanes, cost);
            double objective = objective(lanes, cost);
            if (objective < bestObjective) {
                bestObjective = objective;
                bestLanes = lanes;
                bestCost = cost;
                bestSlope = slope;
                for (int w = 0; w < found.length; w++) {
                    best[w] = found[w].clone();
                }
            }
            return objective;
        }

        private double leastLanes() {
            double least = Double.POSITIVE_INFINITY;
            for (double lanes : poolLanes) {
                least = Math.min(least, lanes);
            }
            return least * bases.size();
        }

        private double leastCost() {
            double sum = 0;
            int pools = poolLanes.length;
            for (double[] base : bases) {
                for (int k = 0; k < base.length; k += pools) {
                    double least = base[k];
                    for (int j = 1; j < pools; j++) {
                        least = Math.min(least, base[k + j]);
                    }
                    sum += least;
                }
            }
            return sum;
        }
    }
}

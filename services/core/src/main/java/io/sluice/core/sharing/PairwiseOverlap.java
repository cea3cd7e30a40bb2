package io.sluice.core.sharing;

import java.util.ArrayList;
import java.util.List;

/**
 * Improves a plan by the lanes that streams really share, from the masks of their pools, instead of ECLIP's sum of
 * averages: {@code G = sum over streams w of (1 + O_w / N) T_w}, where O_w is the average of w's own lanes plus, for each
 * other stream, the average size of the intersection of the two masks (kernels of different streams meet independently).
 * Where all masks intersect fully on the narrower one's lanes it blames less than ECLIP, never more.
 *
 * <p>G is bilinear across streams, so this is not exact: one stream at a time, the others fixed, G is made linear where
 * it stands and {@link PoolPath} finds the best assignment for it (Frank and Wolfe, 1956), at a few scales; it is taken
 * only if G itself falls. So the plan is never worse than the one it began with. Stateless.
 */
public final class PairwiseOverlap {
    private static final int MAX_ROUNDS = 20;
    private static final double[] SCALES = {1, 0.5, 2, 0.2, 5};

    private final StreamPoolProgramme programme;
    private final long[][] masks;
    private final double lanesPerBit;

    /**
     * @param masks by stream and pool: which lanes, one bit for each or for a group of them
     * @param lanesPerBit lanes that a bit stands for
     */
    public PairwiseOverlap(StreamPoolProgramme programme, long[][] masks, int lanesPerBit) {
        this.programme = programme;
        this.lanesPerBit = Shares.positive("lanes of a bit", lanesPerBit);
        this.masks = new long[masks.length][];
        for (int w = 0; w < masks.length; w++) {
            this.masks[w] = masks[w].clone();
            for (int j = 0; j < masks[w].length; j++) {
                double lanes = Long.bitCount(masks[w][j]) * this.lanesPerBit;
                if (masks[w].length != programme.poolLanes().length
                        || lanes != programme.poolLanes()[j]) {
                    throw new IllegalArgumentException("mask of pool " + j + " of stream " + w + " has " + lanes
                            + " lanes: give one mask for each pool, with the pool's lanes");
                }
            }
        }
    }

    /** A plan that is at least as good by this objective; slope and bound stay those of {@code plan}. */
    public PoolPlan improve(List<PoolSequence> streams, PoolPlan plan) {
        State state = new State(streams, plan.pools());
        int solves = plan.solves();
        boolean better = true;
        for (int round = 0; better && round < MAX_ROUNDS; round++) {
            better = false;
            for (int w = 0; w < streams.size(); w++) {
                for (double scale : SCALES) {
                    solves++;
                    better |= state.tryStream(w, scale);
                }
            }
        }
        double lanes = 0;
        double cost = 0;
        for (int w = 0; w < streams.size(); w++) {
            lanes += state.ownLanes(w);
            cost += state.costs[w];
        }
        return new PoolPlan(state.pools, lanes, cost, state.objective(), 0, plan.slope(), solves);
    }

    /** G of any assignment. */
    public double objective(List<PoolSequence> streams, int[][] pools) {
        return new State(streams, pools).objective();
    }

    private final class State {
        private final List<double[]> bases = new ArrayList<>();
        private final List<PoolPath> paths = new ArrayList<>();
        private final int poolCount = programme.poolLanes().length;
        private final double deviceLanes = programme.deviceLanes();
        private final int[][] pools;
        private final double[][] shares;
        private final double[] costs;

        State(List<PoolSequence> streams, int[][] from) {
            int n = streams.size();
            if (n != masks.length) {
                throw new IllegalArgumentException(n + " streams but masks for " + masks.length);
            }
            pools = new int[n][];
            shares = new double[n][];
            costs = new double[n];
            for (int w = 0; w < n; w++) {
                bases.add(programme.base(streams.get(w)));
                paths.add(new PoolPath(streams.get(w).kernels(), poolCount, programme.switchBudget()));
                set(w, from[w].clone());
            }
        }

        private void set(int w, int[] path) {
            double[] base = bases.get(w);
            double[] share = new double[poolCount];
            double cost = 0;
            for (int k = 0; k < path.length; k++) {
                share[path[k]] += 1.0 / path.length;
                cost += base[k * poolCount + path[k]];
                cost += k > 0 && path[k] != path[k - 1] ? programme.switchNanos() : 0;
            }
            pools[w] = path;
            shares[w] = share;
            costs[w] = cost;
        }

        boolean tryStream(int w, double scale) {
            double before = objective();
            int[] kept = pools[w];
            double factor = 1 + overlap(w) / deviceLanes;
            double[] perPool = new double[poolCount];
            for (int j = 0; j < poolCount; j++) {
                perPool[j] = costs[w] / deviceLanes * programme.poolLanes()[j];
                for (int v = 0; v < pools.length; v++) {
                    if (v != w) {
                        perPool[j] += (costs[w] + costs[v]) / deviceLanes * shared(v, masks[w][j]);
                    }
                }
            }
            double slope = scale / (kept.length * factor);
            set(
                    w,
                    paths.get(w)
                            .solve(bases.get(w), slope, perPool, programme.switchNanos())
                            .clone());
            if (objective() < before * (1 - 1e-12)) {
                return true;
            }
            set(w, kept);
            return false;
        }

        double objective() {
            double sum = 0;
            for (int w = 0; w < pools.length; w++) {
                sum += (1 + overlap(w) / deviceLanes) * costs[w];
            }
            return sum;
        }

        private double overlap(int w) {
            double sum = ownLanes(w);
            for (int v = 0; v < pools.length; v++) {
                for (int j = 0; v != w && j < poolCount; j++) {
                    if (shares[w][j] > 0) {
                        sum += shares[w][j] * shared(v, masks[w][j]);
                    }
                }
            }
            return sum;
        }

        private double ownLanes(int w) {
            double sum = 0;
            for (int j = 0; j < poolCount; j++) {
                sum += shares[w][j] * programme.poolLanes()[j];
            }
            return sum;
        }

        /** Average lanes that stream {@code v} has in common with a mask. */
        private double shared(int v, long mask) {
            double sum = 0;
            for (int i = 0; i < poolCount; i++) {
                sum += shares[v][i] * Long.bitCount(masks[v][i] & mask) * lanesPerBit;
            }
            return sum;
        }
    }
}

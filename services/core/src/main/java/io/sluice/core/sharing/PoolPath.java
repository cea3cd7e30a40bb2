package io.sluice.core.sharing;

/**
 * The cheapest assignment of one stream's kernels to pools with a bounded number of switches, for additive costs: dynamic
 * programming over kernel, switches and pool, O(kernels x switches x pools). Keeps its arrays between calls. Not
 * thread-safe.
 */
final class PoolPath {
    private final int kernels;
    private final int pools;
    private final int budget;
    private final double[] cost;
    private final byte[] from;
    private double[] best;
    private double[] next;
    private final int[] chosen;

    private static final int SWITCHED = 0x40;

    PoolPath(int kernels, int pools, int switchBudget) {
        this.kernels = kernels;
        this.pools = pools;
        this.budget = Math.min(switchBudget, kernels - 1);
        this.cost = new double[kernels * pools];
        this.from = new byte[kernels * (budget + 1) * pools];
        this.best = new double[(budget + 1) * pools];
        this.next = new double[(budget + 1) * pools];
        this.chosen = new int[kernels];
    }

    /** Cost of kernel {@code k} on pool {@code j} is {@code base[k * pools + j] + slope * perPool[j]}. */
    int[] solve(double[] base, double slope, double[] perPool, double switchCost) {
        for (int k = 0, i = 0; k < kernels; k++) {
            for (int j = 0; j < pools; j++, i++) {
                cost[i] = base[i] + slope * perPool[j];
            }
        }
        for (int i = 0; i < best.length; i++) {
            best[i] = i < pools ? cost[i] : Double.POSITIVE_INFINITY;
        }
        for (int k = 1; k < kernels; k++) {
            step(k, switchCost);
            double[] swap = best;
            best = next;
            next = swap;
        }
        return walkBack();
    }

    private void step(int k, double switchCost) {
        int states = (budget + 1) * pools;
        int row = k * states;
        int costs = k * pools;
        // After k kernels no more than k switches can have been made.
        int reach = Math.min(budget, k);
        for (int j = 0; j < pools; j++) {
            next[j] = best[j] + cost[costs + j];
            from[row + j] = (byte) j;
        }
        for (int s = 1; s <= reach; s++) {
            int here = s * pools;
            int below = here - pools;
            int first = 0;
            int second = -1;
            for (int j = 1; j < pools; j++) {
                if (best[below + j] < best[below + first]) {
                    second = first;
                    first = j;
                } else if (second < 0 || best[below + j] < best[below + second]) {
                    second = j;
                }
            }
            double least = best[below + first] + switchCost;
            double other = second < 0 ? Double.POSITIVE_INFINITY : best[below + second] + switchCost;
            for (int j = 0; j < pools; j++) {
                double stay = best[here + j];
                double change = j == first ? other : least;
                if (change < stay) {
                    next[here + j] = change + cost[costs + j];
                    from[row + here + j] = (byte) ((j == first ? second : first) | SWITCHED);
                } else {
                    next[here + j] = stay + cost[costs + j];
                    from[row + here + j] = (byte) j;
                }
            }
        }
        for (int i = (reach + 1) * pools; i < states; i++) {
            next[i] = Double.POSITIVE_INFINITY;
        }
    }

    private int[] walkBack() {
        int states = (budget + 1) * pools;
        int at = 0;
        for (int i = 1; i < states; i++) {
            if (best[i] < best[at]) {
                at = i;
            }
        }
        int s = at / pools;
        int j = at % pools;
        for (int k = kernels - 1; k >= 0; k--) {
            chosen[k] = j;
            if (k > 0) {
                int came = from[k * states + s * pools + j];
                j = came & (SWITCHED - 1);
                s -= (came & SWITCHED) != 0 ? 1 : 0;
            }
        }
        return chosen;
    }
}

package io.sluice.sharing.policy;

import io.sluice.core.sharing.PairwiseOverlap;
import io.sluice.core.sharing.PoolSequence;
import io.sluice.core.sharing.StreamPoolProgramme;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.Kernel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Pools for every kernel of two or three workers on a device of four groups, as ECLIP lays pools out (ISLPED 2025): worker
 * one has group 1, 1+3, 1+2+3, worker two group 4, 2+4, 2+3+4; three workers have pools of two and three groups only; all
 * share the whole device. Three workers always meet in that layout; in the other one, with as many queues, each has a group
 * of its own, and the fourth group with it. A plan is, for each worker and kernel, a place in the worker's masks. Not
 * thread-safe.
 */
final class PoolPlans {
    private static final int[][] TWO = {{0b0001, 0b0101, 0b0111, 0b1111}, {0b1000, 0b1010, 0b1110, 0b1111}};
    private static final int[][] THREE = {{0b0101, 0b0111, 0b1111}, {0b1010, 0b1110, 0b1111}, {0b0110, 0b1101, 0b1111}};
    private static final int[][] THREE_APART = {
        {0b0001, 0b1001, 0b1111}, {0b0010, 0b1010, 0b1111}, {0b0100, 0b1100, 0b1111}
    };
    private static final int GROUPS = 4;
    private static final double KNEE = 1.1;

    private final GpuSpec spec;
    private final int[][] masks;
    private final int[] lanes;
    private final List<PoolSequence> sequences = new ArrayList<>();

    /** @param apart whether three workers have groups of their own */
    PoolPlans(GpuSpec spec, List<List<Kernel>> workers, boolean apart) {
        if (workers.size() < 2 || workers.size() > 3) {
            throw new IllegalArgumentException(
                    "pools are laid out for two or three workers, not for " + workers.size());
        }
        this.spec = spec;
        this.masks = workers.size() == 2 ? TWO : apart ? THREE_APART : THREE;
        this.lanes = Arrays.stream(masks[0]).map(this::sms).toArray();
        for (List<Kernel> kernels : workers) {
            double[][] nanos = new double[kernels.size()][lanes.length];
            for (int k = 0; k < nanos.length; k++) {
                Kernel kernel = kernels.get(k);
                for (int p = 0; p < lanes.length; p++) {
                    nanos[k][p] = kernel.soloNanos(lanes[p], spec.residency(kernel.shape()));
                }
            }
            sequences.add(new PoolSequence(nanos));
        }
    }

    /** The same device cut into four groups, as equal as they can be. */
    static GpuSpec quarters(GpuSpec spec) {
        if (spec.groups().length == GROUPS) {
            return spec;
        }
        int[] groups = new int[GROUPS];
        for (int g = 0; g < GROUPS; g++) {
            groups[g] = (spec.sms() + g) / GROUPS;
        }
        return spec.withGroups(groups);
    }

    int[][] masks() {
        return masks;
    }

    /** Time of a kernel alone on a pool, nanoseconds. */
    double soloNanos(int worker, int kernel, int pool) {
        return sequences.get(worker).nanos()[kernel][pool];
    }

    /** Every kernel on the whole device. */
    int[][] whole() {
        int[] places = new int[sequences.size()];
        Arrays.fill(places, lanes.length - 1);
        return constant(places);
    }

    /** Plans without any switch in which no two workers meet: all that fill the device. */
    List<int[][]> disjoint() {
        List<int[][]> plans = new ArrayList<>();
        int[] places = new int[sequences.size()];
        disjoint(places, 0, 0, plans);
        return plans;
    }

    private void disjoint(int[] places, int worker, int taken, List<int[][]> plans) {
        if (worker == places.length) {
            if (taken == (1 << GROUPS) - 1) {
                plans.add(constant(places));
            }
            return;
        }
        for (int p = 0; p < lanes.length; p++) {
            if ((masks[worker][p] & taken) == 0) {
                places[worker] = p;
                disjoint(places, worker + 1, taken | masks[worker][p], plans);
            }
        }
    }

    private int[][] constant(int... places) {
        int[][] plan = new int[places.length][];
        for (int w = 0; w < plan.length; w++) {
            plan[w] = new int[sequences.get(w).kernels()];
            Arrays.fill(plan[w], places[w]);
        }
        return plan;
    }

    /** The smallest pool that does not slow a kernel by more than a tenth, for each kernel. */
    int[][] smallest() {
        int[][] plan = whole();
        for (int w = 0; w < plan.length; w++) {
            double[][] nanos = sequences.get(w).nanos();
            for (int k = 0; k < nanos.length; k++) {
                int pool = 0;
                while (nanos[k][pool] > KNEE * nanos[k][lanes.length - 1]) {
                    pool++;
                }
                plan[w][k] = pool;
            }
        }
        return plan;
    }

    /**
     * ECLIP's programme within a budget of switches, then improved by the lanes that two workers' masks really share. By its
     * printed sum of averages alone it does not know which lanes overlap.
     *
     * @param weight how much an overlap slows, 1: as ECLIP assumes, all of its share of the device
     */
    int[][] planned(double weight, int switchBudget, double switchNanos) {
        int device = (int) Math.max(1, Math.round(spec.sms() / weight));
        StreamPoolProgramme programme = new StreamPoolProgramme(device, lanes, switchBudget, switchNanos, 0);
        int perGroup = spec.sms() / GROUPS;
        boolean equal = Arrays.stream(spec.groups()).allMatch(sms -> sms == perGroup);
        if (!equal) { // lanes of a mask would depend on which groups it has
            return programme.solve(sequences).pools();
        }
        long[][] bits = Arrays.stream(masks)
                .map(of -> Arrays.stream(of).asLongStream().toArray())
                .toArray(long[][]::new);
        PairwiseOverlap overlap = new PairwiseOverlap(programme, bits, perGroup);
        return overlap.improve(sequences, programme.solve(sequences)).pools();
    }

    private int sms(int mask) {
        int sum = 0;
        int[] groups = spec.groups();
        for (int g = 0; g < groups.length; g++) {
            sum += (mask >> g & 1) * groups[g];
        }
        return sum;
    }
}

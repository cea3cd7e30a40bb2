package io.sluice.sharing.policy;

import io.sluice.core.sharing.PoolPlan;
import io.sluice.core.sharing.PoolSequence;
import io.sluice.core.sharing.StreamPoolProgramme;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.GpuStream;
import io.sluice.sharing.gpu.Kernel;
import java.util.ArrayList;
import java.util.List;

/**
 * Kernels of each client on masked pools of a device of four groups, as ECLIP lays them out (ISLPED 2025): client one has
 * group 1, 1+3, 1+2+3, client two group 4, 2+4, 2+3+4; with three clients each has pools of two and three groups only; all
 * share the whole device. A change of pool waits for a barrier packet; the mask call of an unpooled stream costs more.
 */
public final class PoolPolicy implements SharingPolicy {
    /** How pools are chosen. */
    public enum Choice {
        /** Every kernel on the whole device, one queue per client: no partition. */
        NONE,
        /** The smallest pool that does not slow a kernel by more than a tenth, for each kernel. */
        PER_KERNEL,
        /** The same, by setting the mask of one queue: each change costs the call. */
        PER_KERNEL_BY_CALL,
        /** By the core's programme within a budget of switches. */
        PLANNED
    }

    /** Changes of pool that the plan may make per request (ECLIP chose 14 by profiling). */
    public static final int SWITCH_BUDGET = 14;
    /** Worst mask call seen by ECLIP's authors. */
    public static final long CALL_NANOS = 55_400;
    /** A barrier packet between queues: assumed, of the order of a kernel launch. */
    public static final long BARRIER_NANOS = 10_000;

    private static final int[][] TWO = {{0b0001, 0b0101, 0b0111, 0b1111}, {0b1000, 0b1010, 0b1110, 0b1111}};
    private static final int[][] THREE = {{0b0101, 0b0111, 0b1111}, {0b1010, 0b1110, 0b1111}, {0b0110, 0b1101, 0b1111}};
    private static final double KNEE = 1.1;

    private final Choice choice;
    private SharedGpu shared;
    private final List<GpuStream[]> streams = new ArrayList<>();
    private int[][] pools;
    private int[] before;
    private long switches;

    public PoolPolicy(Choice choice) {
        this.choice = choice;
    }

    /** Changes of pool so far, of all clients. */
    public long switches() {
        return switches;
    }

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        int clients = device.clients().size();
        if (clients < 2 || clients > 3 || device.critical() != null) {
            throw new IllegalArgumentException(
                    "pools are laid out for two or three clients without a server, not for " + clients);
        }
        int[][] masks = clients == 2 ? TWO : THREE;
        pools = choose(masks);
        before = new int[clients];
        GpuStream whole = null;
        for (int c = 0; c < clients; c++) {
            GpuStream[] own = new GpuStream[masks[c].length];
            int last = own.length - 1;
            if (choice == Choice.NONE) {
                own[last] = device.gpu().stream("client-" + c, 0, masks[c][last], 0);
            } else {
                for (int p = 0; p < last; p++) {
                    own[p] = device.gpu().stream("client-" + c + "-pool-" + p, 0, masks[c][p], 0);
                }
                whole = whole == null ? device.gpu().stream("whole", 0, masks[c][last], 0) : whole;
                own[last] = whole;
            }
            streams.add(own);
            before[c] = pools[c][0];
        }
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        int c = shared.clients().indexOf(client);
        int pool = pools[c][client.index()];
        long delay = shared.gpu().spec().kernelGapNanos();
        if (pool != before[c]) {
            switches++;
            delay += choice == Choice.PER_KERNEL_BY_CALL ? CALL_NANOS : BARRIER_NANOS;
            before[c] = pool;
        }
        client.use(streams.get(c)[pool]);
        client.launchAll(delay);
    }

    private int[][] choose(int[][] masks) {
        int clients = masks.length;
        int[] lanes = new int[masks[0].length];
        for (int p = 0; p < lanes.length; p++) {
            lanes[p] = sms(masks[0][p]);
        }
        List<PoolSequence> sequences = new ArrayList<>();
        int[][] chosen = new int[clients][];
        for (int c = 0; c < clients; c++) {
            List<Kernel> kernels = shared.clients().get(c).program().kernels();
            double[][] nanos = new double[kernels.size()][lanes.length];
            chosen[c] = new int[kernels.size()];
            for (int k = 0; k < nanos.length; k++) {
                Kernel kernel = kernels.get(k);
                for (int p = lanes.length - 1; p >= 0; p--) {
                    nanos[k][p] = kernel.soloNanos(lanes[p], spec().residency(kernel.shape()));
                }
                chosen[c][k] = choice == Choice.NONE ? lanes.length - 1 : knee(nanos[k]);
            }
            sequences.add(new PoolSequence(nanos));
        }
        if (choice != Choice.PLANNED) {
            return chosen;
        }
        PoolPlan plan = new StreamPoolProgramme(spec().sms(), lanes, SWITCH_BUDGET, BARRIER_NANOS, 0).solve(sequences);
        return plan.pools();
    }

    private static int knee(double[] nanos) {
        int pool = 0;
        while (nanos[pool] > KNEE * nanos[nanos.length - 1]) {
            pool++;
        }
        return pool;
    }

    private int sms(int mask) {
        int sum = 0;
        int[] groups = spec().groups();
        for (int g = 0; g < groups.length; g++) {
            sum += (mask >> g & 1) * groups[g];
        }
        return sum;
    }

    private GpuSpec spec() {
        return shared.gpu().spec();
    }
}

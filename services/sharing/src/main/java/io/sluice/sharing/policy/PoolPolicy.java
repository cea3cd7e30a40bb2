package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.GpuStream;
import io.sluice.sharing.gpu.Kernel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Kernels of each worker, the server among them, on masked pools made beforehand (ECLIP, ISLPED 2025); see {@link
 * PoolPlans}. A change of pool waits for a barrier packet; the mask call of an unpooled stream costs more.
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
        /** By the core's programme within a budget of switches, once. */
        PLANNED,
        /** The programme solved for several weights of overlap, and pools that never meet: by what is measured of each. */
        ADAPTIVE
    }

    /** Changes of pool that a request may make (ECLIP chose 14 by profiling). */
    public static final int SWITCH_BUDGET = 14;

    /** One is kept for the way back to where the next request begins. */
    private static final int PLANNED_SWITCHES = SWITCH_BUDGET - 1;

    /** Worst mask call seen by ECLIP's authors. */
    public static final long CALL_NANOS = 55_400;
    /** A barrier packet between queues: assumed, of the order of a kernel launch. */
    public static final long BARRIER_NANOS = 10_000;

    /** Long enough for a few requests of every mix. */
    private static final long WINDOW_NANOS = 40_000_000;
    /** An overlap slows by as much as it is of the device, ECLIP's assumption, or by three times that. */
    private static final double[] WEIGHTS = {1, 3};

    private final Choice choice;
    private SharedGpu shared;
    private PoolPlans plans;
    private PlanTrial trial;
    private final List<GpuStream[]> streams = new ArrayList<>();
    private int[] before;
    private int[] kernels;
    private long[] sinceNanos;
    private int first;
    private long switches;
    private double joulesBefore;

    public PoolPolicy(Choice choice) {
        this.choice = choice;
    }

    /** Changes of pool so far, of all workers. */
    @Override
    public long switches() {
        return switches;
    }

    @Override
    public GpuSpec device(GpuSpec spec) {
        return PoolPlans.quarters(spec);
    }

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        List<List<Kernel>> workers = new ArrayList<>();
        if (device.critical() != null) {
            first = 1;
            workers.add(device.critical().program().kernels());
        }
        device.clients().forEach(client -> workers.add(client.program().kernels()));
        plans = new PoolPlans(device.gpu().spec(), workers, choice == Choice.ADAPTIVE);
        trial = new PlanTrial(candidates());
        before = new int[workers.size()];
        kernels = new int[workers.size()];
        Arrays.fill(kernels, -1);
        sinceNanos = new long[workers.size()];
        GpuStream whole = null;
        for (int w = 0; w < workers.size(); w++) {
            int[] masks = plans.masks()[w];
            GpuStream[] own = new GpuStream[masks.length];
            int last = own.length - 1;
            if (choice == Choice.NONE) {
                own[last] = device.gpu().stream("worker-" + w, 0, masks[last], 0);
            } else {
                for (int p = 0; p < last; p++) {
                    own[p] = device.gpu().stream("worker-" + w + "-pool-" + p, 0, masks[p], 0);
                }
                whole = whole == null ? device.gpu().stream("whole", 0, masks[last], 0) : whole;
                own[last] = whole;
            }
            streams.add(own);
            before[w] = trial.plan()[w][0];
        }
        if (choice == Choice.ADAPTIVE) {
            device.gpu().at(WINDOW_NANOS, this::windowPassed);
        }
    }

    private List<int[][]> candidates() {
        return switch (choice) {
            case NONE -> List.<int[][]>of(plans.whole());
            case PER_KERNEL, PER_KERNEL_BY_CALL -> List.<int[][]>of(plans.smallest());
            case PLANNED -> List.<int[][]>of(plans.planned(1, PLANNED_SWITCHES, BARRIER_NANOS));
            case ADAPTIVE -> {
                List<int[][]> all = new ArrayList<>();
                for (double weight : WEIGHTS) {
                    all.add(plans.planned(weight, PLANNED_SWITCHES, BARRIER_NANOS));
                }
                all.addAll(plans.disjoint());
                yield all;
            }
        };
    }

    private void windowPassed() {
        double joules = shared.gpu().joules();
        trial.windowPassed((joules - joulesBefore) / (WINDOW_NANOS * 1e-9));
        joulesBefore = joules;
        shared.gpu().at(shared.gpu().now() + WINDOW_NANOS, this::windowPassed);
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        int worker = first + shared.clients().indexOf(client);
        ended(worker);
        long delay = shared.gpu().spec().kernelGapNanos() + move(worker, client.index());
        client.use(streams.get(worker)[before[worker]]);
        client.launchAll(delay);
    }

    @Override
    public void clientIdle(BestEffortClient client) {
        ended(first + shared.clients().indexOf(client));
    }

    @Override
    public void criticalKernel(Kernel kernel) {
        ended(0);
        long delay = move(0, shared.critical().index());
        shared.critical().use(streams.get(0)[before[0]], delay);
    }

    @Override
    public void requestEnded() {
        ended(0);
    }

    /** Moves a worker to the pool of its next kernel; what that costs, nanoseconds. */
    private long move(int worker, int kernel) {
        int pool = trial.plan()[worker][kernel];
        kernels[worker] = kernel;
        sinceNanos[worker] = shared.gpu().now();
        if (pool == before[worker]) {
            return 0;
        }
        switches++;
        before[worker] = pool;
        return choice == Choice.PER_KERNEL_BY_CALL ? CALL_NANOS : BARRIER_NANOS;
    }

    /** The worker's kernel has ended, if there was one. */
    private void ended(int worker) {
        if (kernels[worker] >= 0) {
            int whole = plans.masks()[worker].length - 1;
            double solo = plans.soloNanos(worker, kernels[worker], whole);
            trial.ran(worker, solo, shared.gpu().now() - sinceNanos[worker]);
            kernels[worker] = -1;
        }
    }
}

package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.GpuStream;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;
import io.sluice.sharing.workload.Program;
import java.util.ArrayList;
import java.util.List;

/**
 * A best-effort client: runs its programme round after round, one kernel after the other; a policy decides when and how
 * each kernel is launched. Progress is counted in nanoseconds of kernel time alone on the device. Not thread-safe.
 */
public final class BestEffortClient {
    private final SimulatedGpu gpu;
    private final Program program;
    private final double[] soloNanos;
    private SharingPolicy policy;
    private GpuStream stream;
    private int kernel;
    private int left;
    private boolean ready;
    private Launch inFlight;
    private double doneNanos;
    private long rounds;
    private long launches;
    private long roundEndNanos;
    private long periodNanos;
    private long dueNanos;
    private final List<Long> roundNanos = new ArrayList<>();

    BestEffortClient(SimulatedGpu gpu, Program program) {
        this.gpu = gpu;
        this.program = program;
        this.soloNanos = new double[program.kernels().size()];
        GpuSpec spec = gpu.spec();
        for (int i = 0; i < soloNanos.length; i++) {
            Kernel k = program.kernels().get(i);
            soloNanos[i] = k.soloNanos(spec.sms(), spec.residency(k.shape()));
        }
        this.left = kernel().blocks();
    }

    void start(SharingPolicy owner) {
        policy = owner;
        if (periodNanos > 0) {
            gpu.at(dueNanos + program.hostNanos(), this::next);
            dueNanos += periodNanos;
            return;
        }
        ready = true;
        policy.kernelReady(this);
    }

    /**
     * Rounds are due every {@code period}, the first one at {@code first}; one that is late begins at once, and those that it
     * kept from beginning in their own period are left out (DISB, Han et al., OSDI'22). The host's time comes before the
     * round.
     */
    public void paced(long period, long first) {
        if (period < 1 || first < 0) {
            throw new IllegalArgumentException("rounds every " + period + " ns from " + first + " ns on");
        }
        periodNanos = period;
        dueNanos = first;
    }

    /** The stream that kernels of this client run on. */
    public void use(GpuStream own) {
        stream = own;
    }

    public GpuStream stream() {
        return stream;
    }

    public Program program() {
        return program;
    }

    /** The kernel that runs or is to be launched. */
    public Kernel kernel() {
        return program.kernels().get(kernel);
    }

    /** Its place in the programme. */
    public int index() {
        return kernel;
    }

    /** Blocks of it that were not run yet. */
    public int left() {
        return left;
    }

    /** Time of this kernel's grid alone on the device. */
    public double kernelSoloNanos() {
        return soloNanos[kernel];
    }

    /** Whether a kernel, or the rest of one, waits to be launched. */
    public boolean ready() {
        return ready;
    }

    /** The launch on the device; null: none. */
    public Launch inFlight() {
        return inFlight;
    }

    /** Kernel time done so far, as it were alone on the device, running blocks not counted. */
    public double doneNanos() {
        return doneNanos;
    }

    /** When the last whole round ended on the device. */
    public long roundEndNanos() {
        return roundEndNanos;
    }

    /** How long each whole round took on the device, the host's pauses between them left out. */
    public long[] roundNanos() {
        return roundNanos.stream().mapToLong(Long::longValue).toArray();
    }

    /** Launches so far. */
    public long launches() {
        return launches;
    }

    /** Whole rounds of the programme done. */
    public long rounds() {
        return rounds;
    }

    /** Launches blocks of the waiting kernel after {@code delayNanos}. */
    public void launch(Launch launch, long delayNanos) {
        if (!ready) {
            throw new IllegalStateException("client of " + program.name() + " has no kernel waiting");
        }
        if (launch.kernel() != kernel() || launch.blocks() > left) {
            throw new IllegalArgumentException("launch of " + launch.blocks() + " blocks of "
                    + launch.kernel().name() + ", but " + left + " of " + kernel().name() + " wait");
        }
        ready = false;
        launches++;
        inFlight = launch.tag(this);
        gpu.submit(stream, launch, gpu.now() + delayNanos);
    }

    /** Launches what is left of the waiting kernel as it is. */
    public void launchAll(long delayNanos) {
        launch(new Launch(kernel(), left), delayNanos);
    }

    void finished(Launch launch) {
        int run = launch.blocks() - launch.left();
        doneNanos += soloNanos[kernel] * run / kernel().blocks();
        left -= run;
        inFlight = null;
        if (left > 0) {
            ready = true;
            policy.kernelReady(this);
            return;
        }
        kernel++;
        if (kernel < soloNanos.length) {
            next();
            return;
        }
        kernel = 0;
        rounds++;
        roundNanos.add(gpu.now() - roundEndNanos - (rounds == 1 ? 0 : program.hostNanos()));
        roundEndNanos = gpu.now();
        if (program.hostNanos() == 0 && periodNanos == 0) {
            next();
            return;
        }
        left = kernel().blocks();
        policy.clientIdle(this);
        gpu.at(due() + program.hostNanos(), this::next);
    }

    /** When the host begins the next round. */
    private long due() {
        if (periodNanos == 0) {
            return gpu.now();
        }
        while (dueNanos + periodNanos < gpu.now()) {
            dueNanos += periodNanos;
        }
        long due = Math.max(gpu.now(), dueNanos);
        dueNanos += periodNanos;
        return due;
    }

    private void next() {
        left = kernel().blocks();
        ready = true;
        policy.kernelReady(this);
    }
}

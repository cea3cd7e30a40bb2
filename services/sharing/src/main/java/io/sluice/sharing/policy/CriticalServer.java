package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.GpuStream;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;
import io.sluice.sharing.workload.Calibration;
import io.sluice.sharing.workload.Program;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;

/**
 * A latency-critical server: requests arrive openly and are served one at a time in order. Service time runs from the
 * request's begin on the server (what Tally and others report), response time from its arrival. Not thread-safe.
 */
public final class CriticalServer {
    private final SimulatedGpu gpu;
    private final Program program;
    private final long[] arrivals;
    private final long launchNanos;
    private final double jitter;
    private final Calibration calibration;
    private final LongSupplier others;
    private long othersAtEnd;
    private final SplittableRandom random;
    private SharingPolicy policy;
    private GpuStream stream;
    private long forwardNanos;
    private double pollNanos;
    private int next;
    private int ended;
    private int kernel;
    private boolean busy;
    private boolean waiting;
    private boolean launched;
    private long beginNanos;
    private double slowdown = 1;
    private long coldNanos;
    private final long[] begins;
    private final long[] ends;
    private long blocksLaunched;
    private long takeovers;
    private long takeoverSumNanos;

    CriticalServer(
            SimulatedGpu gpu,
            Program program,
            long[] arrivals,
            Calibration calibration,
            long seed,
            LongSupplier others) {
        this.gpu = gpu;
        this.program = program;
        this.arrivals = arrivals.clone();
        this.launchNanos = calibration.launchNanos();
        this.jitter = calibration.requestJitter();
        this.calibration = calibration;
        this.others = others;
        this.random = new SplittableRandom(seed);
        this.begins = new long[arrivals.length];
        this.ends = new long[arrivals.length];
    }

    void start(SharingPolicy owner) {
        policy = owner;
        pump();
    }

    /** The stream that requests run on, and what forwarding costs each of their launches. */
    public void use(GpuStream own, long forwardNanosPerLaunch) {
        stream = own;
        forwardNanos = forwardNanosPerLaunch;
    }

    /** A scheduler in a process of its own delays the first kernel of a request that takes the device over. */
    void polled() {
        pollNanos = calibration.pollNanos();
    }

    GpuStream stream() {
        return stream;
    }

    /** Whether a request is being served. */
    public boolean busy() {
        return busy;
    }

    /** Whether the first kernel of the request being served was launched: before that no device knows of it. */
    public boolean launched() {
        return busy && launched;
    }

    /** Whether a request waits behind the one being served, or could begin now. */
    public boolean queued() {
        return next < arrivals.length && arrivals[next] <= gpu.now();
    }

    /** The kernel that runs or is launched next; null: no request is being served. */
    public Kernel kernel() {
        return busy ? program.kernels().get(kernel) : null;
    }

    /** Its place in the programme. */
    public int index() {
        return kernel;
    }

    /** When the host has launched every kernel of the request being served, had it not to wait for the device. */
    public long enqueuedNanos() {
        return beginNanos + calibration.prepareNanos() + (program.kernels().size() + 1) * launchNanos;
    }

    /** When the request being served, or the last one, began. */
    public long beginNanos() {
        return beginNanos;
    }

    /** Blocks of all kernels launched so far. */
    public long blocksLaunched() {
        return blocksLaunched;
    }

    public Program program() {
        return program;
    }

    /** Requests that ended so far. */
    public int ended() {
        return ended;
    }

    /** Service times of the requests that arrived at or after {@code from}, in order of arrival, nanoseconds. */
    public long[] serviceNanos(long from) {
        return differences(begins, from);
    }

    /** Service times of the requests that ended at or after {@code from}, whenever they arrived. */
    public long[] serviceOfEndedNanos(long from) {
        long[] result = new long[endedSince(from)];
        for (int i = 0; i < result.length; i++) {
            int n = ended - result.length + i;
            result[i] = ends[n] - begins[n];
        }
        return result;
    }

    /** Response times of the same requests as {@link #serviceNanos}. */
    public long[] responseNanos(long from) {
        return differences(arrivals, from);
    }

    /** Service time of the request that ended last. */
    public long lastServiceNanos() {
        return ends[ended - 1] - begins[ended - 1];
    }

    /** Response time of the request that ended last. */
    public long lastResponseNanos() {
        return ends[ended - 1] - arrivals[ended - 1];
    }

    /** Requests that began where best-effort work ran since the last one. */
    public long takeovers() {
        return takeovers;
    }

    /** How much longer they lasted for it, together. */
    public long takeoverSumNanos() {
        return takeoverSumNanos;
    }

    /** Arrival of the n-th request. */
    public long arrivalNanos(int n) {
        return arrivals[n];
    }

    /** Requests that ended at or after {@code from}. */
    public int endedSince(long from) {
        int count = 0;
        for (int i = ended - 1; i >= 0 && ends[i] >= from; i--) {
            count++;
        }
        return count;
    }

    /** Nanoseconds in service since {@code from}, the running request included. */
    public long busyNanos(long from) {
        long sum = busy ? gpu.now() - Math.max(from, beginNanos) : 0;
        for (int i = 0; i < ended; i++) {
            sum += Math.max(0, ends[i] - Math.max(from, begins[i]));
        }
        return sum;
    }

    /** How long the requests that arrived at or after {@code from} and have not ended wait by now. */
    public long[] waitingNanos(long from) {
        return Arrays.stream(arrivals)
                .skip(ended)
                .filter(at -> at >= from && at < gpu.now())
                .map(at -> gpu.now() - at)
                .toArray();
    }

    private long[] differences(long[] starts, long from) {
        long[] result = new long[ended];
        int count = 0;
        for (int i = 0; i < ended; i++) {
            if (arrivals[i] >= from) {
                result[count++] = ends[i] - starts[i];
            }
        }
        return Arrays.copyOf(result, count);
    }

    private void pump() {
        if (busy || waiting || next == arrivals.length) {
            return;
        }
        if (arrivals[next] > gpu.now()) {
            waiting = true;
            gpu.at(arrivals[next], () -> {
                waiting = false;
                pump();
            });
            return;
        }
        busy = true;
        beginNanos = gpu.now();
        begins[next] = beginNanos;
        next++;
        kernel = 0;
        slowdown = 1 + Math.max(-3 * jitter, jitter * random.nextGaussian());
        double cold = -Math.log(1 - random.nextDouble());
        double polled = -Math.log(1 - random.nextDouble());
        boolean takesOver = others.getAsLong() != othersAtEnd;
        policy.requestBegan();
        coldNanos = takesOver ? (long) (calibration.takeoverNanos() * cold) : 0;
        long delay = takesOver ? (long) (pollNanos * polled) : 0;
        takeovers += takesOver ? 1 : 0;
        takeoverSumNanos += coldNanos + delay;
        gpu.at(beginNanos + calibration.prepareNanos() + delay, () -> launch(gpu.now()));
    }

    private void launch(long earliest) {
        Kernel current = program.kernels().get(kernel);
        long host = beginNanos + calibration.prepareNanos() + (kernel + 1) * launchNanos;
        launched = true;
        blocksLaunched += current.blocks();
        policy.criticalKernel(current);
        long ready = Math.max(earliest, host) + forwardNanos;
        if (kernel > 0) {
            submit(current, ready);
        } else {
            policy.admit(() -> submit(current, ready));
        }
    }

    private void submit(Kernel current, long ready) {
        gpu.submit(stream, new Launch(current).slowedBy(slowdown).tag(this), ready);
    }

    /** The caches are cold for the first kernel, whenever it started: what that costs comes after whatever it waited for. */
    void finished() {
        long cold = coldNanos;
        if (cold > 0) {
            coldNanos = 0;
            gpu.at(gpu.now() + cold, this::finished);
            return;
        }
        kernel++;
        if (kernel < program.kernels().size()) {
            launch(gpu.now() + gpu.spec().kernelGapNanos());
            return;
        }
        busy = false;
        launched = false;
        ends[ended++] = gpu.now();
        othersAtEnd = others.getAsLong();
        policy.requestEnded();
        pump();
    }
}

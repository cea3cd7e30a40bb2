package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.GpuStream;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;
import io.sluice.sharing.workload.Calibration;
import io.sluice.sharing.workload.Program;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * One device, at most one latency-critical server, any number of best-effort clients and the policy between them. Not
 * thread-safe; {@link #run} may be called again to go on.
 */
public final class SharedGpu {
    private final SimulatedGpu gpu;
    private final Calibration calibration;
    private final SharingPolicy policy;
    private final List<BestEffortClient> clients = new ArrayList<>();
    private final List<BestEffortClient> clientsView = Collections.unmodifiableList(clients);
    private CriticalServer critical;
    private boolean started;

    public SharedGpu(GpuSpec spec, Calibration calibration, SharingPolicy policy) {
        this.gpu = new SimulatedGpu(policy.device(spec));
        this.calibration = calibration;
        this.policy = policy;
        gpu.onFinished(this::finished);
    }

    /** Adds the server; its requests arrive at {@code arrivals}, ascending. */
    public CriticalServer serve(Program program, long[] arrivals, long seed) {
        if (critical != null || started) {
            throw new IllegalStateException("a device has one latency-critical server, set before it runs");
        }
        critical = new CriticalServer(gpu, program, arrivals, calibration, seed, this::bestEffortLaunches);
        return critical;
    }

    /** Adds a best-effort client. */
    public BestEffortClient add(Program program) {
        if (started) {
            throw new IllegalStateException("clients are added before the device runs");
        }
        BestEffortClient client = new BestEffortClient(gpu, program);
        clients.add(client);
        return client;
    }

    /** Runs until this time. */
    public void run(long untilNanos) {
        if (!started) {
            started = true;
            policy.begin(this);
            if (critical != null) {
                critical.start(policy);
            }
            for (BestEffortClient client : clients) {
                client.start(policy);
            }
        }
        gpu.run(untilNanos);
    }

    public SimulatedGpu gpu() {
        return gpu;
    }

    public Calibration calibration() {
        return calibration;
    }

    /** The server; null: there is none. */
    public CriticalServer critical() {
        return critical;
    }

    public List<BestEffortClient> clients() {
        return clientsView;
    }

    /** Whether the server serves a request; false without a server. */
    public boolean criticalBusy() {
        return critical != null && critical.busy();
    }

    /** Whether the device has kernels of a request: what a system that only sees launches knows. */
    boolean criticalLaunched() {
        return critical != null && critical.launched();
    }

    /** A stream for the server on the whole device and one for each client, with these priorities and contexts. */
    public void streams(int criticalPriority, int clientPriority, boolean contexts, long forwardNanos) {
        int all = gpu.spec().allGroups();
        if (critical != null) {
            critical.use(gpu.stream("critical", criticalPriority, all, 0), forwardNanos);
        }
        int number = 0;
        for (BestEffortClient client : clients) {
            number++;
            GpuStream stream = gpu.stream("best-effort-" + number, clientPriority, all, contexts ? number : 0);
            client.use(stream);
        }
    }

    /** Changes of context or of pool so far. */
    public long switches() {
        return gpu.contextSwitches() + policy.switches();
    }

    private long bestEffortLaunches() {
        long sum = 0;
        for (BestEffortClient client : clients) {
            sum += client.launches();
        }
        return sum;
    }

    private void finished(Launch launch) {
        if (launch.tag() instanceof BestEffortClient client) {
            client.finished(launch);
        } else if (launch.tag() == critical) {
            critical.finished();
        }
    }
}

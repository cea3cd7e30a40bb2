package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;

/**
 * Block-level preemption as GPreempt's evaluation compares it (Fan et al., ATC'25, section 5.1, and its repository): every
 * block looks at a flag before it begins. A request sets it by its first kernel and waits until the device has none of the
 * best-effort rounds left: running blocks end, and the kernels behind them, launched in one graph with the whole round, still
 * pass through the device one after the other, each with blocks that end at once. Afterwards each client goes on where it
 * stopped.
 */
final class BlockWaitPolicy implements SharingPolicy {
    /** How much longer blocks last for looking. */
    private static final double CHECK_FACTOR = 1.2;
    /** An empty kernel of a graph from its start to its end: its blocks read the flag from memory; assumed. */
    private static final long EMPTY_NANOS = 1_000;

    private SharedGpu shared;
    private SimulatedGpu gpu;
    private Runnable waiting;
    private int draining;

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        gpu = device.gpu();
        device.streams(1, 0, false, 0);
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        if (!shared.criticalLaunched()) {
            client.launch(
                    new Launch(client.kernel(), client.left())
                            .persistent(CHECK_FACTOR, shared.calibration().persistentBlockNanos()),
                    gpu.spec().kernelGapNanos());
        } else if (waiting != null && client.launches() > 0) {
            int behind = client.index() == 0 && client.left() == client.kernel().blocks()
                    ? 0
                    : client.program().kernels().size() - 1 - client.index();
            gpu.at(gpu.now() + behind * (gpu.spec().kernelGapNanos() + EMPTY_NANOS), this::drained);
        }
    }

    @Override
    public void clientIdle(BestEffortClient client) {
        if (waiting != null) {
            drained();
        }
    }

    @Override
    public void admit(Runnable start) {
        waiting = start;
        draining = 1;
        for (BestEffortClient client : shared.clients()) {
            if (client.inFlight() != null) {
                draining++;
                gpu.retreat(client.inFlight());
            }
        }
        drained();
    }

    @Override
    public void requestEnded() {
        for (BestEffortClient client : shared.clients()) {
            if (client.ready()) {
                kernelReady(client);
            }
        }
    }

    private void drained() {
        draining--;
        if (draining == 0) {
            Runnable start = waiting;
            waiting = null;
            start.run();
        }
    }
}

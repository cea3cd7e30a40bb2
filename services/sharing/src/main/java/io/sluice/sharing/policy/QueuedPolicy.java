package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;

/**
 * Wait-based preemption as GPreempt's evaluation compares it (Fan et al., ATC'25, section 5.1): sequential execution leaves
 * the device to a whole round of a best-effort client; block-level preemption waits for the running blocks.
 */
final class QueuedPolicy implements SharingPolicy {
    private static final double CHECKPOINT_FACTOR = 1.2;

    private final boolean blocks;
    private SharedGpu shared;
    private SimulatedGpu gpu;

    /** @param blocks whether a request waits for running blocks; otherwise for the round */
    QueuedPolicy(boolean blocks) {
        this.blocks = blocks;
    }

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        gpu = device.gpu();
        device.streams(blocks ? 1 : 0, 0, false, 0);
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        if (!blocks) {
            boolean middle =
                    client.index() > 0 || client.left() < client.kernel().blocks();
            if (middle || !shared.criticalBusy()) {
                client.launchAll(gpu.spec().kernelGapNanos());
            }
        } else if (!shared.criticalLaunched()) {
            client.launch(
                    new Launch(client.kernel(), client.left())
                            .persistent(CHECKPOINT_FACTOR, shared.calibration().persistentBlockNanos()),
                    gpu.spec().kernelGapNanos());
        }
    }

    /** A wait-based system learns of a request by its first kernel. */
    @Override
    public void criticalKernel(Kernel kernel) {
        if (blocks && shared.critical().index() == 0) {
            for (BestEffortClient client : shared.clients()) {
                if (client.inFlight() != null) {
                    gpu.retreat(client.inFlight());
                }
            }
        }
    }

    @Override
    public void requestEnded() {
        if (shared.critical().queued()) {
            return;
        }
        for (BestEffortClient client : shared.clients()) {
            if (client.ready()) {
                kernelReady(client);
            }
        }
    }
}

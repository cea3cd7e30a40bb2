package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;

/**
 * Wait-based preemption as GPreempt's evaluation compares it (Fan et al., ATC'25, section 5.1) and atoms as LithOS cuts
 * them (Coppock et al., SOSP'25): sequential execution leaves the device to a whole round of a best-effort client;
 * block-level preemption waits for the running blocks; atoms bound each launch to a
 * duration on a device that runs launches in the order of arrival; whole kernels of a process of its own keep a later launch
 * waiting until all of their blocks have started.
 */
final class QueuedPolicy implements SharingPolicy {
    /** What a request waits for. */
    enum Unit {
        ROUND,
        BLOCK,
        ATOM,
        KERNEL
    }

    private final Unit unit;
    private final double atomNanos;
    private final double checkpointFactor;
    private SharedGpu shared;
    private SimulatedGpu gpu;

    QueuedPolicy(Unit unit, double atomNanos, double checkpointFactor) {
        this.unit = unit;
        this.atomNanos = atomNanos;
        this.checkpointFactor = checkpointFactor;
    }

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        gpu = device.gpu();
        // a best-effort kernel is in the device's queue before the request comes, and always has another behind it
        device.streams(unit == Unit.BLOCK ? 1 : 0, unit == Unit.KERNEL ? 1 : 0, false, 0);
        if (unit == Unit.ATOM) {
            device.shareStream(); // in the order of arrival
        }
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        switch (unit) {
            case ROUND -> {
                boolean middle =
                        client.index() > 0 || client.left() < client.kernel().blocks();
                if (middle || !shared.criticalBusy()) {
                    client.launchAll(gpu.spec().kernelGapNanos());
                }
            }
            case BLOCK -> {
                if (!shared.criticalLaunched()) {
                    client.launch(
                            new Launch(client.kernel(), client.left())
                                    .persistent(
                                            checkpointFactor,
                                            shared.calibration().persistentBlockNanos()),
                            gpu.spec().kernelGapNanos());
                }
            }
            case KERNEL -> client.launchAll(gpu.spec().kernelGapNanos());
            case ATOM -> {
                double part = atomNanos / client.kernelSoloNanos();
                int blocks = (int) Math.max(1, Math.ceil(part * client.kernel().blocks()));
                client.launch(
                        new Launch(client.kernel(), Math.min(blocks, client.left())).slowedBy(checkpointFactor),
                        gpu.spec().kernelGapNanos() + shared.calibration().launchNanos());
            }
        }
    }

    /** A wait-based system learns of a request by its first kernel. */
    @Override
    public void criticalKernel(Kernel kernel) {
        if (unit == Unit.BLOCK && shared.critical().index() == 0) {
            for (BestEffortClient client : shared.clients()) {
                if (client.inFlight() != null) {
                    gpu.retreat(client.inFlight());
                }
            }
        }
    }

    @Override
    public void requestEnded() {
        if (unit == Unit.ATOM || unit == Unit.KERNEL || shared.critical().queued()) {
            return;
        }
        for (BestEffortClient client : shared.clients()) {
            if (client.ready()) {
                kernelReady(client);
            }
        }
    }
}

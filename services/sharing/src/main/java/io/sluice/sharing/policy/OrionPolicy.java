package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.BlockShape;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Kernel.Bound;
import io.sluice.sharing.gpu.SimulatedGpu;

/**
 * Orion (Strati et al., EuroSys'24) and REEF (Han et al., OSDI'22) as Orion's repository codes them.
 *
 * <p>Orion launches a best-effort kernel when the server is idle, or when its grid fits beside and the classes differ.
 * REEF launches one together with a kernel of the server that lasts longer and needs no more SMs; once the server's host
 * has launched everything, after a few polls any kernel runs.
 */
final class OrionPolicy implements SharingPolicy {
    private static final int REEF_POLLS = 12;
    private static final long POLL_NANOS = 1_000;

    private final boolean reef;
    private SharedGpu shared;
    private SimulatedGpu gpu;
    private Kernel current;

    OrionPolicy(boolean reef) {
        this.reef = reef;
    }

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        gpu = device.gpu();
        device.streams(1, 0, false, device.calibration().forwardNanos());
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        if (!shared.criticalLaunched() || admits(client)) {
            client.launchAll(gpu.spec().kernelGapNanos() + shared.calibration().launchNanos());
        } else if (reef) {
            long at = Math.max(gpu.now(), shared.critical().enqueuedNanos()) + REEF_POLLS * POLL_NANOS;
            gpu.at(at, () -> {
                if (client.ready()) {
                    kernelReady(client);
                }
            });
        }
    }

    @Override
    public void criticalKernel(Kernel kernel) {
        current = kernel;
        offer();
    }

    @Override
    public void requestEnded() {
        current = null;
        if (!shared.critical().queued()) {
            offer();
        }
    }

    private void offer() {
        for (BestEffortClient client : shared.clients()) {
            if (client.ready()) {
                kernelReady(client);
            }
        }
    }

    private boolean admits(BestEffortClient client) {
        Kernel kernel = client.kernel();
        if (reef) {
            return gpu.now() >= shared.critical().enqueuedNanos() + REEF_POLLS * POLL_NANOS
                    || (current != null
                            && client.kernelSoloNanos() <= soloNanos(current)
                            && smsOf(kernel) >= smsOf(current));
        }
        boolean fits = smsOf(kernel) <= gpu.spec().sms();
        boolean differs = kernel.bound() == Bound.UNKNOWN
                || current == null
                || current.bound() == Bound.UNKNOWN
                || current.bound() != kernel.bound();
        return fits && differs;
    }

    private double soloNanos(Kernel kernel) {
        return kernel.soloNanos(gpu.spec().sms(), gpu.spec().residency(kernel.shape()));
    }

    private double smsOf(Kernel kernel) {
        BlockShape shape = kernel.shape();
        return Math.ceil((double) kernel.blocks() / gpu.spec().residency(shape));
    }
}

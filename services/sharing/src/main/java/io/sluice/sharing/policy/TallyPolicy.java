package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;
import io.sluice.sharing.policy.KernelTransforms.Choice;
import io.sluice.sharing.policy.KernelTransforms.Form;

/**
 * Tally (Zhao et al., ASPLOS'25, and its repository): best-effort kernels run only while the server is idle, one at a
 * time, in forms that end within a bound; a request makes a persistent form retreat. After 100 ms of idleness kernels run
 * as they are. Ablations: no transforms (kernel granular scheduling), or no
 * scheduling: kernels as they are on a stream of low priority; its published tails are those of MPS with priorities to
 * within 6 % for each pair of the calibration half.
 */
final class TallyPolicy implements SharingPolicy {
    static final double BOUND_NANOS = 31_600;
    private static final long WAIT_NANOS = 100_000;
    private static final long ORIGINAL_AFTER_NANOS = 100_000_000;

    private final boolean transforms;
    private final boolean scheduling;
    private final double boundNanos;
    private SharedGpu shared;
    private SimulatedGpu gpu;
    private KernelTransforms forms;
    private long idleSince = -WAIT_NANOS;
    private int turn;

    TallyPolicy(boolean transforms, boolean scheduling, double boundNanos) {
        this.transforms = transforms;
        this.scheduling = scheduling;
        this.boundNanos = boundNanos;
    }

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        gpu = device.gpu();
        forms = new KernelTransforms(gpu.spec(), device.calibration(), boundNanos);
        device.streams(1, 0, false, device.calibration().forwardNanos());
        if (scheduling && device.critical() != null) {
            device.critical().polled();
        }
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        offer();
    }

    /** It sees calls, so it learns of a request by its first kernel. */
    @Override
    public void criticalKernel(Kernel kernel) {
        if (!scheduling || !transforms || shared.critical().index() > 0) {
            return;
        }
        for (BestEffortClient client : shared.clients()) {
            Launch launch = client.inFlight();
            if (launch != null && forms.choose(launch.kernel()).form() == Form.PERSISTENT) {
                gpu.at(gpu.now() + shared.calibration().flagNanos(), () -> gpu.stop(launch));
            }
        }
    }

    @Override
    public void requestEnded() {
        idleSince = gpu.now();
        gpu.at(idleSince + WAIT_NANOS, this::offer);
    }

    /** Launches for the next client in turn if the server is idle long enough and no other kernel is in flight. */
    private void offer() {
        if (scheduling && (shared.criticalLaunched() || gpu.now() < idleSince + WAIT_NANOS || anyInFlight())) {
            return;
        }
        int count = shared.clients().size();
        for (int i = 0; i < count; i++) {
            BestEffortClient client = shared.clients().get((turn + i) % count);
            if (client.ready()) {
                launch(client);
                if (scheduling) {
                    turn += i + 1;
                    return;
                }
            }
        }
    }

    private boolean anyInFlight() {
        for (BestEffortClient client : shared.clients()) {
            if (client.inFlight() != null) {
                return true;
            }
        }
        return false;
    }

    private void launch(BestEffortClient client) {
        long delay = scheduling
                ? shared.calibration().roundTripNanos()
                : gpu.spec().kernelGapNanos() + shared.calibration().forwardNanos();
        boolean longIdle = scheduling && gpu.now() - idleSince >= ORIGINAL_AFTER_NANOS;
        if (!transforms || !scheduling || longIdle) {
            client.launchAll(delay);
            return;
        }
        Choice choice = forms.choose(client.kernel());
        client.launch(forms.launch(client.kernel(), client.left(), choice), delay);
    }
}

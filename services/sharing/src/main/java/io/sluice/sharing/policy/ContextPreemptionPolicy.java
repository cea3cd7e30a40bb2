package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.SimulatedGpu;

/**
 * GPreempt (Fan et al., ATC'25): a request takes the device by a context switch at its begin and gives it back at its
 * end. With a hint the switch overlaps the preparation of the request: then the device's cost of a switch is what is left of it.
 */
final class ContextPreemptionPolicy implements SharingPolicy {
    private SharedGpu shared;
    private SimulatedGpu gpu;

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        gpu = device.gpu();
        device.streams(1, 0, true, 0);
        gpu.activate(1);
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        client.launchAll(gpu.spec().kernelGapNanos());
    }

    @Override
    public void requestBegan() {
        gpu.activate(0);
    }

    @Override
    public void requestEnded() {
        if (!shared.critical().queued()) {
            gpu.activate(1);
        }
    }
}

package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.SimulatedGpu;

/**
 * The driver's default: contexts take turns of a fixed slice. A context whose request ended, or whose host pauses,
 * yields at once; the next one keeps the device for its whole slice even if it is alone.
 */
final class TimeSlicingPolicy implements SharingPolicy {
    private SharedGpu shared;
    private SimulatedGpu gpu;
    private int active;
    private int turn;

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        gpu = device.gpu();
        device.streams(0, 0, true, 0);
        active = -1;
        gpu.at(0, () -> pass(true));
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        client.launchAll(gpu.spec().kernelGapNanos());
        if (active < 0 && turn > 0) {
            pass(true);
        }
    }

    @Override
    public void clientIdle(BestEffortClient client) {
        if (active == context(client)) {
            gpu.at(gpu.now(), () -> pass(false));
        }
    }

    @Override
    public void requestBegan() {
        if (active < 0 && turn > 0) {
            pass(true);
        }
    }

    @Override
    public void requestEnded() {
        if (active == 0) {
            gpu.at(gpu.now(), () -> yieldIfOthersWait());
        }
    }

    private void yieldIfOthersWait() {
        if (active == 0) {
            pass(true);
        }
    }

    private int context(BestEffortClient client) {
        return shared.clients().indexOf(client) + 1;
    }

    private boolean hasWork(int context) {
        if (context == 0) {
            return shared.critical() != null
                    && (shared.critical().busy() || shared.critical().queued());
        }
        return shared.clients().get(context - 1).inFlight() != null;
    }

    /** The next context with work takes the device for a slice; without any, the device is free. */
    private void pass(boolean force) {
        int contexts = shared.clients().size() + 1;
        int from = active;
        if (!force && from >= 0 && hasWork(from)) {
            return;
        }
        active = -1;
        for (int i = 1; i <= contexts && active < 0; i++) {
            int candidate = Math.floorMod(from + i, contexts);
            if (hasWork(candidate)) {
                active = candidate;
            }
        }
        turn++;
        if (active < 0) {
            return;
        }
        gpu.activate(active);
        int mine = turn;
        gpu.at(gpu.now() + shared.calibration().sliceNanos(), () -> {
            if (turn == mine) {
                pass(true);
            }
        });
    }
}

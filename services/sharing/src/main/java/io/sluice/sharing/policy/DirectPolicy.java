package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.GpuSpec;

/**
 * Launches every best-effort kernel at once and lets the device decide: MPS (equal priorities: blocks in turn), MPS with
 * client priorities (pending blocks of the server first), or nothing at all (no best-effort work). From the third
 * process on every kernel pays a scheduling delay (iGniter's published config), unless all are streams of one process.
 */
final class DirectPolicy implements SharingPolicy {
    private final boolean priority;
    private final boolean bestEffort;
    private final boolean oneProcess;
    private SharedGpu shared;
    private long extraNanos;

    DirectPolicy(boolean priority, boolean bestEffort) {
        this(priority, bestEffort, false);
    }

    DirectPolicy(boolean priority, boolean bestEffort, boolean oneProcess) {
        this.priority = priority;
        this.bestEffort = bestEffort;
        this.oneProcess = oneProcess;
    }

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        int processes = (bestEffort ? device.clients().size() : 0) + (device.critical() == null ? 0 : 1);
        extraNanos = oneProcess
                ? 0
                : Math.max(0, processes - 2) * device.calibration().extraProcessNanos();
        device.streams(priority ? 1 : 0, 0, false, extraNanos);
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        if (bestEffort) {
            GpuSpec spec = shared.gpu().spec();
            client.launchAll(spec.kernelGapNanos() + extraNanos);
        }
    }
}

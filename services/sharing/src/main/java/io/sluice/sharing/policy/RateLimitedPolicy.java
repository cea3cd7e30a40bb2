package io.sluice.sharing.policy;

import io.sluice.sharing.gpu.SimulatedGpu;
import java.util.Arrays;

/**
 * TGS (Wu et al., NSDI'23) as Tally's repository codes its law: the server's rate is the blocks it launched in the last
 * whole 5 s; every 50 ms the limit of best-effort blocks per 50 ms grows by half while that rate stays within 3 % of its
 * largest, and falls otherwise. The largest follows a window of five readings. It regulates arrivals, so a lull looks like
 * interference; without any launches there is no limit.
 */
final class RateLimitedPolicy implements SharingPolicy {
    private static final long TICK_NANOS = 50_000_000;
    private static final int TICKS_PER_READING = 100;
    private static final double FIRST_LIMIT = 20_000;
    private static final double LEAST_STEP = 1_000;
    private static final double NO_LIMIT = 1L << 40;
    private static final double NEAR = 0.03;

    private SharedGpu shared;
    private SimulatedGpu gpu;
    private final double[] window = new double[5];
    private long readAt;
    private double rate;
    private double largest = 1;
    private double limit = NO_LIMIT;
    private double used;
    private long ticks;
    private boolean slowStart = true;
    private boolean grew;
    private int far;

    @Override
    public void begin(SharedGpu device) {
        shared = device;
        gpu = device.gpu();
        device.streams(1, 0, false, device.calibration().forwardNanos());
        gpu.at(TICK_NANOS, this::tick);
    }

    @Override
    public void kernelReady(BestEffortClient client) {
        if (used <= limit) {
            used += client.left();
            client.launchAll(gpu.spec().kernelGapNanos());
        }
    }

    private void tick() {
        gpu.at(gpu.now() + TICK_NANOS, this::tick);
        ticks++;
        used = 0;
        if (ticks % TICKS_PER_READING == 0) {
            long launched = shared.critical() == null ? 0 : shared.critical().blocksLaunched();
            rate = launched - readAt;
            readAt = launched;
        }
        follow(Math.max(1, rate));
        for (BestEffortClient client : shared.clients()) {
            if (client.ready()) {
                kernelReady(client);
            }
        }
    }

    private void follow(double reading) {
        double most = 0;
        for (int i = window.length - 1; i > 0; i--) {
            most = Math.max(most, (window[i] + window[i - 1]) / 2);
            window[i] = window[i - 1];
        }
        window[0] = reading;
        double delta = (most - largest) / largest;
        if (Math.abs(delta) <= 0.1) {
            largest = Math.max(largest, most);
        } else if (Math.abs(delta) > 0.2) {
            largest = Math.max(1, delta > 0 ? most * 0.975 : most * 1.025);
            restart();
            return;
        }
        if (Arrays.stream(window).filter(r -> r < LEAST_STEP).count() > 2) {
            limit = NO_LIMIT;
            slowStart = true;
            return;
        }
        adapt(Math.abs(reading - largest) / largest);
    }

    private void restart() {
        limit = FIRST_LIMIT;
        slowStart = true;
    }

    private void adapt(double delta) {
        if (slowStart) {
            slowStart = delta <= NEAR;
            limit = slowStart ? Math.min(NO_LIMIT, limit * 1.5 + 1) : limit / 1.5;
            grew = slowStart && grew;
        } else {
            grew = delta < NEAR || (!grew && delta <= NEAR);
            limit = grew ? limit + Math.max(largest * 0.00025, LEAST_STEP) : limit - Math.max(limit * 0.08, LEAST_STEP);
            if (delta >= 3 * NEAR) {
                slowStart = true;
                limit /= 10;
            }
        }
        far = delta >= 0.12 ? far + 1 : 0;
        if (far >= 20) {
            largest *= 0.8;
            far = 0;
            slowStart = true;
            limit /= 2;
        }
        limit = Math.max(0, limit);
    }
}

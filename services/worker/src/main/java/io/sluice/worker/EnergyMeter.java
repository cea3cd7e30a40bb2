package io.sluice.worker;

import io.sluice.worker.device.Device;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.function.LongSupplier;

/**
 * Energy that a worker's device took since the worker started, and what work of each class added to it. Thread-safe.
 */
final class EnergyMeter {
    private static final long WINDOW_NANOS = 1_000_000_000L;

    private final Device device;
    private final IntervalStats stats;
    private final LongSupplier nanos;
    private final long sinceNanos;
    private final OptionalDouble firstJoules;
    private long windowNanos;
    private double windowJoules;
    private double watts;

    /** What energy goes to. */
    enum Use {
        IDLE,
        LATENCY_CRITICAL,
        BEST_EFFORT
    }

    EnergyMeter(Device device, IntervalStats stats, LongSupplier nanos) {
        this.device = Objects.requireNonNull(device, "device");
        this.stats = Objects.requireNonNull(stats, "stats");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.sinceNanos = nanos.getAsLong();
        this.windowNanos = sinceNanos;
        this.firstJoules = device.energyJoules(0, 0);
    }

    /** Whether the device's energy is known, measured or estimated. */
    boolean known() {
        return firstJoules.isPresent();
    }

    /** Since the worker started, joules; empty: not known. */
    OptionalDouble joules() {
        if (firstJoules.isEmpty()) {
            return firstJoules;
        }
        long now = nanos.getAsLong();
        OptionalDouble read = device.energyJoules(now - sinceNanos, stats.busyNanos(now));
        return read.isPresent() ? OptionalDouble.of(read.getAsDouble() - firstJoules.getAsDouble()) : read;
    }

    /** Average power between two looks that are at least a second apart, watts; 0 before the second one. */
    synchronized double watts() {
        long now = nanos.getAsLong();
        if (now - windowNanos >= WINDOW_NANOS) {
            double joules = joules().orElse(windowJoules);
            watts = Math.max(0, joules - windowJoules) * 1e9 / (now - windowNanos);
            windowNanos = now;
            windowJoules = joules;
        }
        return watts;
    }

    /** Whether energy can be said by what it went to. */
    boolean divided() {
        return known() && device.workWatts().isPresent();
    }

    /** What the device took for one use since the worker started, joules; work counts with what it adds to idle power. */
    double joules(Use use) {
        long now = nanos.getAsLong();
        double slices = stats.slicesNanos(now);
        double critical = stats.busyNanos(now) - slices;
        double workWatts = device.workWatts().orElse(0);
        return switch (use) {
            case IDLE -> device.energyJoules(now - sinceNanos, 0).orElse(0);
            case LATENCY_CRITICAL -> workWatts * critical / 1e9;
            case BEST_EFFORT -> workWatts * slices / 1e9;
        };
    }
}

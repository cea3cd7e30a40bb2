package io.sluice.worker.device;

import io.sluice.core.sharing.GateSettings;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * An emulated GPU: a batch of p prompt and d decode tokens over k layers lasts {@code max(real computation, k *
 * (promptTime(p) + decodeTime(d)) / speed)}, with the layer times of the profile (Helix, ASPLOS'25). Waiting is
 * precise to some microseconds (park, then spin) and counts as busy time. The speed may be changed by any thread and
 * holds from the next batch on; {@link #pace} is for one thread.
 */
public final class EmulatedDevice implements Device {
    /** The last part of a wait is spun, because a parked thread wakes up late. */
    private static final long SPIN_NANOS = 60_000;
    /** Of a best-effort kernel; the turnaround that Tally keeps. */
    private static final long BLOCK_NANOS = 31_600;

    private final DeviceProfile profile;
    private final LongSupplier nanos;
    private final LongConsumer parkNanos;
    private volatile double speed;

    public EmulatedDevice(DeviceProfile profile, double speed) {
        this(profile, speed, System::nanoTime, LockSupport::parkNanos);
    }

    /**
     * @param nanos time source, nanoseconds
     * @param parkNanos waits for about so many nanoseconds, may return early or late
     */
    public EmulatedDevice(DeviceProfile profile, double speed, LongSupplier nanos, LongConsumer parkNanos) {
        this.profile = Objects.requireNonNull(profile, "profile");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.parkNanos = Objects.requireNonNull(parkNanos, "parkNanos");
        setSpeed(speed);
    }

    @Override
    public String name() {
        double now = speed;
        return DeviceSpec.EMULATED + profile.name() + (now == 1 ? "" : "@" + DeviceSpec.speedText(now));
    }

    @Override
    public boolean emulated() {
        return true;
    }

    @Override
    public boolean sharesCores() {
        return false;
    }

    @Override
    public long memoryBytes() {
        return profile.memoryBytes();
    }

    @Override
    public double linkBytesPerSecond() {
        return profile.linkBytesPerSecond();
    }

    public DeviceProfile profile() {
        return profile;
    }

    @Override
    public double speed() {
        return speed;
    }

    /** Sets the speed factor, above 0: 0.5 makes the device half as fast as its profile. */
    public void setSpeed(double factor) {
        speed = DeviceSpec.requireSpeed(factor);
    }

    @Override
    public long batchNanos(BatchShape shape) {
        double millis = 0;
        double former = 0;
        for (int layer = 0; layer < shape.layerCount(); layer++) {
            boolean same = layer > 0
                    && shape.promptTokens(layer) == shape.promptTokens(layer - 1)
                    && shape.decodeTokens(layer) == shape.decodeTokens(layer - 1);
            if (!same) {
                former = profile.promptMillis(shape.promptTokens(layer))
                        + profile.decodeMillis(shape.decodeTokens(layer));
            }
            millis += former;
        }
        return Math.round(millis * 1e6 / speed);
    }

    /** A slice is as exact as the processor that computes it for real. */
    @Override
    public GateSettings gate() {
        return CpuDevice.GATE;
    }

    /** An estimate by the profile's power, whatever the speed: idle all the time, at the limit while it computes or is paced. */
    @Override
    public OptionalDouble energyJoules(long elapsedNanos, long busyNanos) {
        return OptionalDouble.of(profile.power().joules(elapsedNanos, busyNanos));
    }

    @Override
    public OptionalDouble workWatts() {
        return OptionalDouble.of(profile.power().aboveIdleWatts());
    }

    @Override
    public void pace(long startNanos, BatchShape shape) {
        pace(startNanos + batchNanos(shape), () -> false);
    }

    /**
     * Best-effort kernels give the device back after a block, as those do that look at a flag before each of them (Tally,
     * ASPLOS'25): what is left is a whole number of {@value #BLOCK_NANOS} ns.
     */
    @Override
    public long pace(long dueNanos, BooleanSupplier stop) {
        long untilNanos = dueNanos;
        for (long left = untilNanos - nanos.getAsLong(); left > 0; left = untilNanos - nanos.getAsLong()) {
            if (untilNanos == dueNanos && stop.getAsBoolean()) {
                untilNanos -= (left - 1) / BLOCK_NANOS * BLOCK_NANOS; // the block at hand ends
            } else if (left > SPIN_NANOS) {
                parkNanos.accept(left - SPIN_NANOS);
            } else {
                Thread.onSpinWait();
            }
        }
        return dueNanos - untilNanos;
    }
}

package io.sluice.worker.device;

import io.sluice.core.sharing.GateSettings;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/**
 * What a worker computes on. The computation itself is always real; a device only decides how long it takes.
 *
 * <p>A device of a GPU ({@code cuda}) belongs behind this interface and is to be loaded only where a driver is. It has to
 * give: masked pools (green contexts) as the lanes of {@link #gate}, so that a slice runs on the lanes it was granted; a flag in
 * memory that both sides see, by which a slice stops at the next block when its gate says that it must yield; the energy counter
 * of NVML as {@link #energyJoules}; and {@link #pace} without effect. There is none in this build.
 */
public sealed interface Device permits CpuDevice, EmulatedDevice {

    /** Name as published: {@code cpu} or {@code emulated:<profile>[@<speed>]}. Thread-safe. */
    String name();

    /** True when the pace is emulated; every figure that depends on it must say so. */
    boolean emulated();

    /** True when the stages of one machine compete for the same cores on this device, so that larger batches pay. */
    boolean sharesCores();

    /** Memory, bytes. */
    long memoryBytes();

    /** Network bandwidth, bytes per second. */
    double linkBytesPerSecond();

    /** Speed factor against the profile, 1 for a real device. Thread-safe. */
    double speed();

    /**
     * Called by the compute thread when the real computation of a batch is over; returns when the device would be done.
     *
     * @param startNanos when the batch was started, nanoseconds of the device's time source
     */
    void pace(long startNanos, BatchShape shape);

    /** How long the device takes for a batch, nanoseconds; 0: as long as the real computation. Thread-safe. */
    long batchNanos(BatchShape shape);

    /**
     * As {@link #pace(long, BatchShape)} for best-effort work, which gives the device back in the middle of a layer where the
     * device can do that.
     *
     * @param dueNanos when the device would be done, nanoseconds of the device's time source
     * @param stop whether it is to be given back; asked again and again, and whoever changes the answer unparks the thread
     * @return what was left of it, nanoseconds; 0: it is done
     */
    long pace(long dueNanos, BooleanSupplier stop);

    /** What the gate of best-effort work must know of this device: its lanes, and how exact its slices are. */
    GateSettings gate();

    /**
     * Energy taken in the last {@code elapsedNanos}, or since some moment in the past that stays the same; never less than
     * before when both times have grown. Empty: it is not known here. Thread-safe.
     *
     * @param elapsedNanos since a moment that stays the same
     * @param busyNanos how much of it the device computed, for those that have no counter
     * @return joules
     */
    OptionalDouble energyJoules(long elapsedNanos, long busyNanos);

    /** Power above idle while it computes, watts; empty: not known, or not this device's alone. Thread-safe. */
    OptionalDouble workWatts();
}

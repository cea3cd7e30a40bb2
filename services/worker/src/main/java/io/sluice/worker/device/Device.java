package io.sluice.worker.device;

/** What a worker computes on. The computation itself is always real; a device only decides how long it takes. */
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
}

package io.sluice.worker.device;

import io.sluice.core.sharing.GateSettings;
import java.lang.management.ManagementFactory;
import java.util.OptionalDouble;

/** The CPU, as fast as it goes; one lane, because a layer uses all threads. Thread-safe. */
public final class CpuDevice implements Device {
    /** Assumed network of a machine that declares none: 10 Gb/s. */
    private static final double LINK_BYTES_PER_SECOND = 1.25e9;

    /**
     * Best-effort slices one at a time on all cores. The operating system takes cores away in the middle of a layer: beside
     * compilers (load 6 on two cores) one of a thousand layers of 0.3 ms took 4.5 ms. By the figures for a GPU, where an overrun
     * is the tenant's doing and memory of it lasts a minute, slices of at most 2 ms then filled 0.1 % of the time; with these
     * 69 % (durations of 28,000 layers, replayed). A unit is a layer of the worker's own model here, so nobody can make it long
     * but by its batch, and overruns are still bounded to a tenth of the time.
     */
    static final GateSettings GATE = new GateSettings(1, false, 1, 100_000, 4, 10, 4_000_000);

    private final long memoryBytes = physicalMemoryBytes();
    private final RaplEnergy energy = RaplEnergy.ofMachine();

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public boolean emulated() {
        return false;
    }

    @Override
    public boolean sharesCores() {
        return true;
    }

    @Override
    public long memoryBytes() {
        return memoryBytes;
    }

    @Override
    public double linkBytesPerSecond() {
        return LINK_BYTES_PER_SECOND;
    }

    @Override
    public double speed() {
        return 1;
    }

    @Override
    public void pace(long startNanos, BatchShape shape) {
        // a real device is done when its computation is
    }

    @Override
    public GateSettings gate() {
        return GATE;
    }

    /** That of the machine's processors, whoever uses them. */
    @Override
    public OptionalDouble energyJoules(long elapsedNanos, long busyNanos) {
        return energy.joules();
    }

    @Override
    public OptionalDouble workWatts() {
        return OptionalDouble.empty();
    }

    private static long physicalMemoryBytes() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean os
                ? os.getTotalMemorySize()
                : Runtime.getRuntime().maxMemory();
    }
}

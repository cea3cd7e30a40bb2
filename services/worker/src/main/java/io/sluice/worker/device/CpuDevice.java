package io.sluice.worker.device;

import io.sluice.core.sharing.GateSettings;
import java.lang.management.ManagementFactory;
import java.util.OptionalDouble;

/** The CPU, as fast as it goes; one lane, because a layer uses all threads. Thread-safe. */
public final class CpuDevice implements Device {
    /** Assumed network of a machine that declares none: 10 Gb/s. */
    private static final double LINK_BYTES_PER_SECOND = 1.25e9;

    /**
     * A slice on a shared machine is now and then longer by what the operating system gives to others; only more than this
     * factor counts as the tenant's doing.
     */
    private static final double TOLERANCE = 4;

    /** Best-effort slices one at a time on all cores, all of which compute in the threads of this process. */
    static final GateSettings GATE =
            new GateSettings(1, false, 1, 100_000, TOLERANCE, GateSettings.HOLD_FACTOR, 60_000_000_000L);

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
    public OptionalDouble energyJoules() {
        return energy.joules();
    }

    private static long physicalMemoryBytes() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean os
                ? os.getTotalMemorySize()
                : Runtime.getRuntime().maxMemory();
    }
}

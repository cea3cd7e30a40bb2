package io.sluice.worker.device;

import io.sluice.core.sharing.GateSettings;
import java.lang.management.ManagementFactory;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;

/** The CPU, as fast as it goes; one lane, because a layer uses all threads. Thread-safe. */
public final class CpuDevice implements Device {
    /** Assumed network of a machine that declares none: 10 Gb/s. */
    private static final double LINK_BYTES_PER_SECOND = 1.25e9;

    /**
     * Best-effort slices one at a time on all cores. A slice stops after any layer, so the bound is for a layer, and by what it
     * usually takes: the operating system takes cores away in the middle of one (beside compilers, load 6 on two cores, one
     * of a thousand layers of 0.3 ms took 4.5 ms), and judged by its longest layers a batch never grew beyond one session. A
     * layer is of the worker's own model, so nobody can make it long but by its batch, whose size the worker chooses; what
     * takes more than four times the bound all the same is held back as long as it took. The idle hysteresis grows up to 6.4
     * ms, because the way of a token through broker and router needs the same cores.
     */
    static final GateSettings GATE = new GateSettings(1, false, 1, 100_000, 4, 1, 4_000_000, 8_000_000, 6_400_000);

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
    public long batchNanos(BatchShape shape) {
        return 0;
    }

    @Override
    public long pace(long dueNanos, BooleanSupplier stop) {
        return 0;
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

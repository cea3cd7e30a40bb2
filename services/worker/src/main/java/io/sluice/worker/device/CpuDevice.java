package io.sluice.worker.device;

import java.lang.management.ManagementFactory;

/** The CPU, as fast as it goes. Thread-safe. */
public final class CpuDevice implements Device {
    /** Assumed network of a machine that declares none: 10 Gb/s. */
    private static final double LINK_BYTES_PER_SECOND = 1.25e9;

    private final long memoryBytes = physicalMemoryBytes();

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

    private static long physicalMemoryBytes() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean os
                ? os.getTotalMemorySize()
                : Runtime.getRuntime().maxMemory();
    }
}

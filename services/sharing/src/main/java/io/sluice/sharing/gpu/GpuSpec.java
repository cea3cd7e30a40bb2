package io.sluice.sharing.gpu;

/**
 * The sizes and costs of one device.
 *
 * @param groups SMs of each group; pools are sets of groups (one group: no pools)
 * @param dramBytesPerNano memory bandwidth
 * @param mixEfficiency part of that bandwidth left when several kernels pull at once
 * @param l2BytesPerNano cache bandwidth
 * @param kernelGapNanos from the end of a kernel to the start of the next one on its stream
 * @param flagNanos until a retreat flag written by the host is seen by running blocks
 * @param contextSwitchNanos for which the device stands still when another context takes it
 * @param contention how much of a neighbour's issue share a block pays for (1: all of it)
 */
public record GpuSpec(
        String name,
        int[] groups,
        int threadsPerSm,
        int registersPerSm,
        int sharedBytesPerSm,
        int slotsPerSm,
        double dramBytesPerNano,
        double mixEfficiency,
        double l2BytesPerNano,
        long l2Bytes,
        PowerModel power,
        int hardwareQueues,
        long kernelGapNanos,
        long flagNanos,
        long contextSwitchNanos,
        double contention) {

    public GpuSpec {
        groups = groups.clone();
        if (groups.length == 0 || groups.length > 30) {
            throw new IllegalArgumentException("a device has 1 to 30 groups of SMs, not " + groups.length);
        }
        for (int sms : groups) {
            if (sms < 1) {
                throw new IllegalArgumentException("a group of " + sms + " SMs; each needs at least one");
            }
        }
        if (threadsPerSm < 1 || registersPerSm < 1 || sharedBytesPerSm < 0 || slotsPerSm < 1 || hardwareQueues < 1) {
            throw new IllegalArgumentException("device " + name + ": resources of an SM must be positive");
        }
        if (!(dramBytesPerNano > 0) || !(l2BytesPerNano > 0) || !(mixEfficiency > 0 && mixEfficiency <= 1)) {
            throw new IllegalArgumentException("device " + name + ": bandwidths must be positive");
        }
        if (kernelGapNanos < 0 || flagNanos < 0 || contextSwitchNanos < 0 || !(contention >= 0)) {
            throw new IllegalArgumentException("device " + name + ": costs must not be negative");
        }
    }

    @Override
    public int[] groups() {
        return groups.clone();
    }

    /** SMs of the device. */
    public int sms() {
        int sum = 0;
        for (int sms : groups) {
            sum += sms;
        }
        return sum;
    }

    /** Mask of every group. */
    public int allGroups() {
        return (1 << groups.length) - 1;
    }

    /** Blocks of this shape that fit on one empty SM: the tightest of threads, registers, shared memory and slots. */
    public int residency(BlockShape shape) {
        int fit = Math.min(slotsPerSm, threadsPerSm / shape.threads());
        if (shape.registers() > 0) {
            fit = Math.min(fit, registersPerSm / shape.registers());
        }
        if (shape.sharedBytes() > 0) {
            fit = Math.min(fit, sharedBytesPerSm / shape.sharedBytes());
        }
        if (fit < 1) {
            throw new IllegalArgumentException("a block of " + shape + " does not fit on an SM of " + name);
        }
        return fit;
    }

    /** The same device cut into other groups of as many SMs. */
    public GpuSpec withGroups(int... other) {
        return new GpuSpec(
                name,
                other,
                threadsPerSm,
                registersPerSm,
                sharedBytesPerSm,
                slotsPerSm,
                dramBytesPerNano,
                mixEfficiency,
                l2BytesPerNano,
                l2Bytes,
                power,
                hardwareQueues,
                kernelGapNanos,
                flagNanos,
                contextSwitchNanos,
                contention);
    }

    /** The same device with another cost of a context switch. */
    public GpuSpec withContextSwitchNanos(long nanos) {
        return new GpuSpec(
                name,
                groups,
                threadsPerSm,
                registersPerSm,
                sharedBytesPerSm,
                slotsPerSm,
                dramBytesPerNano,
                mixEfficiency,
                l2BytesPerNano,
                l2Bytes,
                power,
                hardwareQueues,
                kernelGapNanos,
                flagNanos,
                nanos,
                contention);
    }
}

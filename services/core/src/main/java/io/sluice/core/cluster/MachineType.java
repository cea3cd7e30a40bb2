package io.sluice.core.cluster;

/**
 * A kind of machine: one or more GPUs that hold layers together. Immutable.
 *
 * @param name for example {@code A100} or {@code L4x2}
 * @param memoryBytes device memory for weights and KV cache, bytes
 * @param nicInBytesPerSecond network connection inwards, bytes/s
 * @param nicOutBytesPerSecond network connection outwards, bytes/s
 * @param loadBytesPerSecond how fast weights get into device memory, bytes/s
 * @param pricePerHour currency units per hour; 0: unknown
 * @param idleWatts power without work, watts; 0: unknown
 * @param busyWatts power at full load, watts; 0: unknown
 */
public record MachineType(
        String name,
        long memoryBytes,
        double nicInBytesPerSecond,
        double nicOutBytesPerSecond,
        double loadBytesPerSecond,
        double pricePerHour,
        double idleWatts,
        double busyWatts) {
    public MachineType {
        if (name == null || name.isBlank()) {
            throw new IllegalArgumentException("a machine type needs a name");
        }
        if (memoryBytes < 1) {
            throw new IllegalArgumentException(
                    "machine type " + name + ": memory of " + memoryBytes + " bytes must be at least 1");
        }
        Numbers.positive("machine type " + name + ": NIC in, bytes/s", nicInBytesPerSecond);
        Numbers.positive("machine type " + name + ": NIC out, bytes/s", nicOutBytesPerSecond);
        Numbers.positive("machine type " + name + ": load speed, bytes/s", loadBytesPerSecond);
        Numbers.notNegative("machine type " + name + ": price per hour", pricePerHour);
        Numbers.notNegative("machine type " + name + ": idle watts", idleWatts);
        Numbers.notNegative("machine type " + name + ": busy watts", busyWatts);
    }

    /** What a machine of this type draws. */
    public LinearPower power() {
        return new LinearPower(idleWatts, busyWatts);
    }
}

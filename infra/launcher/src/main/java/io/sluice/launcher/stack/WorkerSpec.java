package io.sluice.launcher.stack;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.worker.device.Device;
import io.sluice.worker.device.DeviceProfile;
import io.sluice.worker.device.DeviceSpec;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * One worker to start. Immutable.
 *
 * @param memoryBytes memory of its device; empty: what the device has
 * @param layers layers it holds; empty: the placement decides
 * @param kvMib its KV cache, MiB; empty: the worker's default
 * @param maxLayers most layers it holds at once when placements decide; empty: what fits its memory
 */
public record WorkerSpec(
        WorkerId id,
        DeviceSpec device,
        OptionalLong memoryBytes,
        String region,
        Optional<LayerRange> layers,
        OptionalInt kvMib,
        OptionalInt maxLayers) {
    /** Sequences in a decode step when the speeds of devices are compared before anything was measured. */
    private static final int TYPICAL_BATCH = 8;
    /** Of a CPU, whose speed nobody knows before it was measured; the same for all, so that they count alike. */
    private static final double CPU_LAYER_TOKENS_PER_SECOND = 1000;

    /** A worker that holds as many layers as fit its memory. */
    public WorkerSpec(
            WorkerId id,
            DeviceSpec device,
            OptionalLong memoryBytes,
            String region,
            Optional<LayerRange> layers,
            OptionalInt kvMib) {
        this(id, device, memoryBytes, region, layers, kvMib, OptionalInt.empty());
    }

    public WorkerSpec {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(device, "device");
        Objects.requireNonNull(memoryBytes, "memoryBytes");
        Objects.requireNonNull(region, "region");
        Objects.requireNonNull(layers, "layers");
        Objects.requireNonNull(kvMib, "kvMib");
        if (kvMib.isPresent() && kvMib.getAsInt() < 1) {
            throw new IllegalArgumentException("worker " + id + ": kv_mib " + kvMib.getAsInt() + " must be at least 1");
        }
        if (maxLayers.isPresent() && maxLayers.getAsInt() < 1) {
            throw new IllegalArgumentException(
                    "worker " + id + ": max_layers " + maxLayers.getAsInt() + " must be at least 1");
        }
    }

    /** A worker on {@code device} with that device's memory, placed by the stack. */
    public static WorkerSpec of(String id, String device) {
        return new WorkerSpec(
                new WorkerId(id),
                DeviceSpec.parse(device),
                OptionalLong.empty(),
                "local",
                Optional.empty(),
                OptionalInt.empty(),
                OptionalInt.empty());
    }

    /** The same worker with room for so many layers at once. */
    public WorkerSpec withMaxLayers(int most) {
        return new WorkerSpec(id, device, memoryBytes, region, layers, kvMib, OptionalInt.of(most));
    }

    /** Memory that the placement counts with, bytes. */
    public long placementMemoryBytes() {
        return memoryBytes.orElseGet(() -> {
            Device opened = device.open();
            return opened.memoryBytes();
        });
    }

    /** Decode speed of one layer that the placement counts with, tokens/s, from the published profile. */
    public double layerTokensPerSecond() {
        return device.profile()
                .map(DeviceProfile::named)
                .map(profile -> device.speed() * 1000 * TYPICAL_BATCH / profile.decodeMillis(TYPICAL_BATCH))
                .orElse(CPU_LAYER_TOKENS_PER_SECOND);
    }
}

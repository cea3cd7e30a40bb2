package io.sluice.worker;

import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.weights.LlamaTensors;
import io.sluice.worker.device.Device;
import java.util.OptionalInt;

/** How many layers of a model a worker can hold at once. */
final class LayerCapacity {
    /** KV cache that must remain per layer, tokens; of models with a shorter context, one context. */
    static final int MIN_KV_TOKENS = 1_024;

    private LayerCapacity() {}

    /**
     * The least of: what was configured, the model's layers, the layers over which the KV budget holds
     * {@value #MIN_KV_TOKENS} tokens, and, on a real device, the memory beside the KV budget over the weights of a layer
     * in fp32. Where weights are in memory more than once, so is the head, if the last layer comes here: its further copies are
     * taken off before. The memory of an emulated device is a label, not what this process computes in, and does not bind.
     *
     * @throws IllegalArgumentException when not even one layer fits
     */
    static int maxLayers(OptionalInt configured, ModelConfig model, Device device, long kvBytes) {
        return maxLayers(configured, model, device, kvBytes, 1);
    }

    /** @param copies how often the weights of a layer, and of the head, are in memory */
    static int maxLayers(OptionalInt configured, ModelConfig model, Device device, long kvBytes, int copies) {
        long kvBytesPerLayer = model.kvBytesPerTokenAndLayer() * Math.min(MIN_KV_TOKENS, model.contextLength());
        long byKv = kvBytes / kvBytesPerLayer;
        long heads = (copies - 1) * LlamaTensors.headBytes(model);
        long byMemory = device.emulated()
                ? Long.MAX_VALUE
                : Math.max(0, device.memoryBytes() - kvBytes - heads) / (copies * LlamaTensors.layerBytes(model));
        long fits = Math.min(Math.min(byKv, byMemory), configured.orElse(Integer.MAX_VALUE));
        if (fits < 1) {
            throw new IllegalArgumentException("not one layer of model " + model.name() + " fits: its weights take "
                    + (copies * LlamaTensors.layerBytes(model) + heads) + " bytes and its KV cache at least "
                    + kvBytesPerLayer
                    + " bytes, of " + device.memoryBytes() + " bytes with " + kvBytes
                    + " bytes of KV cache; set --kv-mib accordingly"
                    + (copies > 1 ? ", or leave --best-effort-cores away" : ""));
        }
        return (int) Math.min(fits, model.layerCount());
    }
}

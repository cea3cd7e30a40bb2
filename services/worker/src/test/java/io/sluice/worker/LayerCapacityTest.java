package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.weights.LlamaTensors;
import io.sluice.worker.device.CpuDevice;
import io.sluice.worker.device.Device;
import io.sluice.worker.device.DeviceSpec;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

final class LayerCapacityTest {
    private static final Device EMULATED = DeviceSpec.parse("emulated:t4").open();
    private static final Device CPU = new CpuDevice();
    private static final OptionalInt ANY = OptionalInt.empty();

    @Test
    void shouldBeTheModelsLayersWhereNothingBinds() {
        assertThat(LayerCapacity.maxLayers(ANY, model(80, 4096), EMULATED, 1L << 30))
                .isEqualTo(80);
    }

    @Test
    void shouldBeBoundByWhatWasConfigured() {
        assertThat(LayerCapacity.maxLayers(OptionalInt.of(7), model(80, 4096), EMULATED, 1L << 30))
                .isEqualTo(7);
        assertThat(LayerCapacity.maxLayers(OptionalInt.of(99), model(80, 4096), EMULATED, 1L << 30))
                .isEqualTo(80);
    }

    @Test
    void shouldLeaveKvCacheForOneContextOrAThousandTokensPerLayer() {
        long bytesPerToken = model(80, 4096).kvBytesPerTokenAndLayer();
        assertThat(LayerCapacity.maxLayers(ANY, model(80, 4096), EMULATED, 10 * 1024 * bytesPerToken))
                .isEqualTo(10);
        assertThat(LayerCapacity.maxLayers(ANY, model(80, 256), EMULATED, 10 * 1024 * bytesPerToken))
                .isEqualTo(40);
    }

    @Test
    void shouldBeBoundByTheMemoryOfARealDeviceOnly() {
        ModelConfig huge = model(80, 4096);
        long layer = LlamaTensors.layerBytes(huge);
        long kv = CPU.memoryBytes() - 3 * layer - layer / 2;
        assertThat(LayerCapacity.maxLayers(ANY, huge, CPU, kv)).isEqualTo(3);
        assertThat(LayerCapacity.maxLayers(ANY, huge, EMULATED, kv)).isEqualTo(80);
    }

    @Test
    void shouldCountASecondSetOfLayersAndItsHead() {
        ModelConfig huge = model(80, 4096);
        long layer = LlamaTensors.layerBytes(huge);
        long head = LlamaTensors.headBytes(huge);
        assertThat(head).isEqualTo(4L * 1001 * 1024);
        long left = 8 * layer + head;
        assertThat(LayerCapacity.maxLayers(ANY, huge, CPU, CPU.memoryBytes() - left, 2))
                .isEqualTo(4);
        assertThat(LayerCapacity.maxLayers(ANY, huge, CPU, CPU.memoryBytes() - left + 1, 2))
                .isEqualTo(3);
    }

    @Test
    void shouldSayWhyNotOneLayerFits() {
        assertThatThrownBy(() -> LayerCapacity.maxLayers(ANY, model(80, 4096), EMULATED, 1 << 20))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not one layer of model m fits")
                .hasMessageContaining("--kv-mib");
    }

    private static ModelConfig model(int layers, int context) {
        return new ModelConfig(
                "m", "LlamaForCausalLM", layers, 1024, 2048, 16, 4, 64, 1000, context, 1e-5f, 1e4, true, -1, List.of());
    }
}

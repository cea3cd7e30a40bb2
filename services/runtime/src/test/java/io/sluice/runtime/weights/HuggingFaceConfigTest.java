package io.sluice.runtime.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFormatException;
import io.sluice.runtime.RopeScaling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class HuggingFaceConfigTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path folder;

    @BeforeEach
    void write() throws IOException {
        SyntheticModel.write(folder, SyntheticModel.tiny(), ActivationDtype.FP16, 1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"architectures\":[\"Qwen2ForCausalLM\"]}|architecture Qwen2ForCausalLM",
                "{\"attention_bias\":true}|attention_bias true",
                "{\"mlp_bias\":true}|mlp_bias true",
                "{\"hidden_act\":\"gelu\"}|hidden_act gelu",
                "{\"quantization_config\":{\"quant_method\":\"gptq\"}}|quantised safetensors (gptq)",
                "{\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4}}|rope_scaling yarn",
                "{\"partial_rotary_factor\":0.5}|partial_rotary_factor 0.5",
                "{\"architectures\":[\"MistralForCausalLM\"],\"sliding_window\":64}|sliding_window 64",
            })
    void shouldRefuseWhatItCannotCompute(String change, String named) throws IOException {
        change(json -> json.setAll(object(change)));
        assertThatThrownBy(() -> HuggingFaceConfig.read(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(named)
                .hasMessageContaining("not supported")
                .hasMessageNotContaining("\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hidden_size|has no whole number 'hidden_size'",
                "vocab_size|has no whole number 'vocab_size'",
                "architectures|names no architecture",
            })
    void shouldSayWhatIsMissing(String key, String message) throws IOException {
        change(json -> json.remove(key));
        assertThatThrownBy(() -> HuggingFaceConfig.read(folder)).hasMessageContaining(message);
    }

    @Test
    void shouldRefuseShapesThatMakeNoSense() throws IOException {
        change(json -> json.put("num_key_value_heads", 3));
        assertThatThrownBy(() -> HuggingFaceConfig.read(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("headCount 4 must be a multiple of kvHeadCount 3");
        Files.writeString(folder.resolve("config.json"), "{\"architectures\":");
        assertThatThrownBy(() -> HuggingFaceConfig.read(folder)).hasMessageContaining("is not JSON");
    }

    @Test
    void shouldReadRotaryScaling() throws IOException {
        change(json -> json.setAll(object("{\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}}")));
        assertThat(HuggingFaceConfig.read(folder).ropeScaling()).isEqualTo(new RopeScaling.Linear(2));
        change(json -> json.setAll(object("{\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,"
                + "\"low_freq_factor\":1,\"high_freq_factor\":4,\"original_max_position_embeddings\":8192}}")));
        assertThat(HuggingFaceConfig.read(folder).ropeScaling()).isEqualTo(new RopeScaling.Llama3(8, 1, 4, 8192));
        change(json -> json.setAll(object("{\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8}}")));
        assertThatThrownBy(() -> HuggingFaceConfig.read(folder)).hasMessageContaining("'low_freq_factor'");
    }

    @Test
    void shouldFillDefaultsAndCollectEndTokens() throws IOException {
        change(json -> {
            json.remove(List.of("head_dim", "num_key_value_heads", "rope_theta", "bos_token_id"));
            json.put("sliding_window", 4096);
            json.putArray("architectures").add("MistralForCausalLM");
        });
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\":[0, 5]}");
        ModelConfig config = HuggingFaceConfig.read(folder);
        assertThat(config.headDim()).isEqualTo(16);
        assertThat(config.kvHeadCount()).isEqualTo(4);
        assertThat(config.ropeTheta()).isEqualTo(10000);
        assertThat(config.bosTokenId()).isEqualTo(-1);
        assertThat(config.eosTokenIds()).containsExactly(0, 5);
    }

    private void change(Consumer<ObjectNode> edit) throws IOException {
        Path file = folder.resolve("config.json");
        ObjectNode json = (ObjectNode) JSON.readTree(file.toFile());
        edit.accept(json);
        JSON.writeValue(file.toFile(), json);
    }

    private static ObjectNode object(String text) {
        try {
            return (ObjectNode) JSON.readTree(text);
        } catch (IOException e) {
            throw new IllegalArgumentException(text, e);
        }
    }
}

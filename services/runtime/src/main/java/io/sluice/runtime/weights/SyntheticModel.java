package io.sluice.runtime.weights;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.core.LayerRange;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.RopeScaling;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Writes Hugging Face folders with random weights of a given shape, for tests and benches: every bit follows from the
 * seed. The text such a model writes has no sense; its arithmetic costs the same as a trained one's.
 */
public final class SyntheticModel {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String LLAMA = "LlamaForCausalLM";
    private static final int BLOCK = 1 << 16;

    private SyntheticModel() {}

    /** The shape of SmolLM2-135M. */
    public static ModelConfig smolLm135m() {
        return new ModelConfig(
                "synthetic-135m", LLAMA, 30, 576, 1536, 9, 3, 64, 49152, 8192, 1e-5f, 1e5, true, 0, List.of(0));
    }

    /** A shape that loads in a moment: 6 layers, hidden 64, vocabulary 320. */
    public static ModelConfig tiny() {
        return new ModelConfig(
                "synthetic-tiny", LLAMA, 6, 64, 160, 4, 2, 16, 320, 512, 1e-5f, 1e4, true, 0, List.of(0));
    }

    /** Writes {@code config.json} and {@code model.safetensors} into {@code folder}, which is made if needed. */
    public static Path write(Path folder, ModelConfig config, ActivationDtype dtype, long seed) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), configJson(config));
        writeTensors(
                folder.resolve("model.safetensors"),
                LlamaTensors.ofStage(config, new LayerRange(0, config.layerCount())),
                dtype,
                seed);
        return folder;
    }

    /** Writes tensors of these names and shapes: norms near 1, others uniform with variance 1 / inputs. */
    public static void writeTensors(Path file, Map<String, long[]> shapes, ActivationDtype dtype, long seed)
            throws IOException {
        Map<String, Object> header = new LinkedHashMap<>();
        long offset = 0;
        for (Map.Entry<String, long[]> tensor : shapes.entrySet()) {
            long bytes = elements(tensor.getValue()) * dtype.bytes();
            header.put(
                    tensor.getKey(),
                    Map.of(
                            "dtype",
                            dtype == ActivationDtype.FP16 ? "F16" : "F32",
                            "shape",
                            tensor.getValue(),
                            "data_offsets",
                            new long[] {offset, offset + bytes}));
            offset += bytes;
        }
        String json = JSON.writeValueAsString(header);
        json += " ".repeat((8 - json.length() % 8) % 8);
        SplittableRandom random = new SplittableRandom(seed);
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(json.length())
                    .array());
            out.write(json.getBytes(StandardCharsets.US_ASCII));
            for (long[] shape : shapes.values()) {
                writeTensor(out, shape, dtype, random.split());
            }
        }
    }

    private static void writeTensor(OutputStream out, long[] shape, ActivationDtype dtype, SplittableRandom random)
            throws IOException {
        float width = shape.length == 1 ? 0.2f : (float) Math.sqrt(12.0 / shape[shape.length - 1]);
        float centre = shape.length == 1 ? 1 : 0;
        ByteBuffer block = ByteBuffer.allocate(BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        for (long left = elements(shape); left > 0; left--) {
            float value = centre + width * ((random.nextInt() >>> 8) * 0x1.0p-24f - 0.5f);
            if (dtype == ActivationDtype.FP16) {
                block.putShort(Float.floatToFloat16(value));
            } else {
                block.putFloat(value);
            }
            if (!block.hasRemaining() || left == 1) {
                out.write(block.array(), 0, block.position());
                block.clear();
            }
        }
    }

    private static long elements(long[] shape) {
        long elements = 1;
        for (long dimension : shape) {
            elements *= dimension;
        }
        return elements;
    }

    private static String configJson(ModelConfig c) throws IOException {
        ObjectNode json = JSON.createObjectNode();
        json.putArray("architectures").add(c.architecture());
        json.put("model_type", "llama");
        json.put("num_hidden_layers", c.layerCount());
        json.put("hidden_size", c.hiddenSize());
        json.put("intermediate_size", c.intermediateSize());
        json.put("num_attention_heads", c.headCount());
        json.put("num_key_value_heads", c.kvHeadCount());
        json.put("head_dim", c.headDim());
        json.put("vocab_size", c.vocabSize());
        json.put("max_position_embeddings", c.contextLength());
        json.put("rms_norm_eps", c.normEpsilon());
        json.put("rope_theta", c.ropeTheta());
        json.put("tie_word_embeddings", c.tiedEmbeddings());
        json.put("hidden_act", "silu");
        json.put("bos_token_id", c.bosTokenId());
        c.eosTokenIds().forEach(json.putArray("eos_token_id")::add);
        if (c.ropeScaling() instanceof RopeScaling.Linear linear) {
            json.putObject("rope_scaling").put("rope_type", "linear").put("factor", linear.factor());
        } else if (c.ropeScaling() instanceof RopeScaling.Llama3 llama3) {
            json.putObject("rope_scaling")
                    .put("rope_type", "llama3")
                    .put("factor", llama3.factor())
                    .put("low_freq_factor", llama3.lowFreqFactor())
                    .put("high_freq_factor", llama3.highFreqFactor())
                    .put("original_max_position_embeddings", llama3.originalContextLength());
        }
        return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
    }
}

package io.sluice.runtime.gguf;

import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.RopeScaling;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** Reads a {@link ModelConfig} from the metadata of a GGUF file of the {@code llama} architecture. */
final class LlamaMetadata {
    private static final int MOST = 1 << 24;

    private LlamaMetadata() {}

    static ModelConfig config(GgufFile file, String name) {
        GgufMetadata metadata = file.metadata();
        String architecture = metadata.required("general.architecture", metadata.string("general.architecture"));
        if (!architecture.equals("llama")) {
            throw metadata.error("holds a model of the architecture '" + architecture + "', supported is 'llama'");
        }
        if (metadata.integer("llama.expert_count", 0, MOST).orElse(0) > 0) {
            throw metadata.error("holds a mixture of experts (llama.expert_count), which is not supported");
        }
        int hidden = size(metadata, "llama.embedding_length");
        int heads = size(metadata, "llama.attention.head_count");
        int headDim = metadata.integer("llama.attention.key_length", 1, MOST).orElse(hidden / heads);
        requireOneHeadSize(metadata, headDim);
        try {
            return new ModelConfig(
                    name,
                    "LlamaForCausalLM",
                    size(metadata, "llama.block_count"),
                    hidden,
                    size(metadata, "llama.feed_forward_length"),
                    heads,
                    metadata.integer("llama.attention.head_count_kv", 1, MOST).orElse(heads),
                    headDim,
                    vocabulary(file),
                    size(metadata, "llama.context_length"),
                    number(metadata, "llama.attention.layer_norm_rms_epsilon").floatValue(),
                    metadata.number("llama.rope.freq_base").orElse(10_000.0),
                    file.tensor("output.weight").isEmpty(),
                    metadata.integer("tokenizer.ggml.bos_token_id", 0, MOST).orElse(-1),
                    metadata.has("tokenizer.ggml.tokens") ? List.copyOf(GgufTokenizer.endTokens(metadata)) : List.of(),
                    ropeScaling(file, headDim));
        } catch (IllegalArgumentException e) {
            throw metadata.error("describes an impossible model: " + e.getMessage());
        }
    }

    /** Rows of the embedding; the tokenizer's list may be shorter. */
    private static int vocabulary(GgufFile file) {
        GgufTensor embedding = file.tensor("token_embd.weight")
                .orElseThrow(() -> GgufFile.problem(file.path(), "has no tensor 'token_embd.weight'"));
        if (embedding.shape().size() != 2 || embedding.shape().getFirst() > MOST) {
            throw GgufFile.problem(file.path(), "tensor 'token_embd.weight' has the shape " + embedding.shape());
        }
        return embedding.shape().getFirst().intValue();
    }

    private static void requireOneHeadSize(GgufMetadata metadata, int headDim) {
        int values = metadata.integer("llama.attention.value_length", 1, MOST).orElse(headDim);
        int rotated = metadata.integer("llama.rope.dimension_count", 1, MOST).orElse(headDim);
        if (values != headDim || rotated != headDim) {
            throw metadata.error("has heads of " + headDim + " elements, value heads of " + values + " and turns "
                    + rotated + " of them; supported is one size for all three");
        }
    }

    private static RopeScaling ropeScaling(GgufFile file, int headDim) {
        GgufMetadata metadata = file.metadata();
        GgufTensor factors = file.tensor("rope_freqs.weight").orElse(null);
        if (factors != null) {
            if (factors.elements() != headDim / 2) {
                throw GgufFile.problem(
                        file.path(),
                        "tensor 'rope_freqs.weight' has the shape " + factors.shape() + ", expected [" + headDim / 2
                                + "]");
            }
            FloatBuffer values = FloatBuffer.allocate(headDim / 2);
            file.read(factors, 0, headDim / 2, values);
            List<Float> list = new ArrayList<>();
            for (float value : values.array()) {
                list.add(value);
            }
            return new RopeScaling.Factors(list);
        }
        String type = metadata.string("llama.rope.scaling.type").orElse("none");
        double factor = metadata.number("llama.rope.scaling.factor")
                .or(() -> metadata.number("llama.rope.scale_linear"))
                .orElse(1.0);
        return switch (type) {
            case "none" ->
                metadata.has("llama.rope.scale_linear") && factor != 1.0
                        ? new RopeScaling.Linear(factor)
                        : RopeScaling.NONE;
            case "linear" -> new RopeScaling.Linear(factor);
            default -> throw metadata.error("uses the rotary scaling '" + type + "', supported are none and linear");
        };
    }

    private static int size(GgufMetadata metadata, String key) {
        return metadata.required(key, metadata.integer(key, 1, MOST));
    }

    private static Double number(GgufMetadata metadata, String key) {
        return metadata.required(key, metadata.number(key));
    }
}

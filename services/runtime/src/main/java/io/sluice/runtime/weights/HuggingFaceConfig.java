package io.sluice.runtime.weights;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFormatException;
import io.sluice.runtime.RopeScaling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Reads {@code config.json}, and the end tokens of {@code generation_config.json}, into a {@link ModelConfig}. */
final class HuggingFaceConfig {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> ARCHITECTURES = Set.of("LlamaForCausalLM", "MistralForCausalLM");

    private final Path file;
    private final JsonNode json;

    private HuggingFaceConfig(Path file, JsonNode json) {
        this.file = file;
        this.json = json;
    }

    /** @throws ModelFormatException when the file is missing or describes a model that is not supported */
    static ModelConfig read(Path folder) {
        Path file = folder.resolve("config.json");
        if (!Files.isRegularFile(file)) {
            throw new ModelFormatException("no config.json in " + folder
                    + ": a model is a Hugging Face folder with config.json, *.safetensors and tokenizer.json, or a"
                    + " .gguf"
                    + " file");
        }
        HuggingFaceConfig config = new HuggingFaceConfig(file, parse(file));
        config.refuseWhatIsNotSupported();
        try {
            return config.toModelConfig(folder);
        } catch (IllegalArgumentException e) {
            throw new ModelFormatException(file + ": " + e.getMessage(), e);
        }
    }

    private ModelConfig toModelConfig(Path folder) {
        int hidden = requiredInt("hidden_size");
        int heads = requiredInt("num_attention_heads");
        Path name = folder.toAbsolutePath().normalize().getFileName();
        return new ModelConfig(
                name == null ? "model" : name.toString(),
                architecture(),
                requiredInt("num_hidden_layers"),
                hidden,
                requiredInt("intermediate_size"),
                heads,
                optionalInt("num_key_value_heads", heads),
                optionalInt("head_dim", hidden / heads),
                requiredInt("vocab_size"),
                optionalInt("max_position_embeddings", 2048),
                (float) optionalDouble(json, "rms_norm_eps", 1e-6),
                ropeTheta(),
                json.path("tie_word_embeddings").asBoolean(false),
                optionalInt("bos_token_id", -1),
                endTokens(folder),
                ropeScaling());
    }

    private void refuseWhatIsNotSupported() {
        String architecture = architecture();
        if (!ARCHITECTURES.contains(architecture)) {
            throw unsupported("architecture " + architecture, "supported are " + new TreeSet<>(ARCHITECTURES));
        }
        for (String bias : List.of("attention_bias", "mlp_bias")) {
            if (json.path(bias).asBoolean(false)) {
                throw unsupported(bias + " true", "only models without biases are");
            }
        }
        String activation = json.path("hidden_act").asText("silu");
        if (!activation.equals("silu") && !activation.equals("swish")) {
            throw unsupported("hidden_act " + activation, "only silu is");
        }
        if (json.hasNonNull("quantization_config")) {
            throw unsupported(
                    "quantised safetensors ("
                            + json.path("quantization_config")
                                    .path("quant_method")
                                    .asText("unknown method") + ")",
                    "use the model's unquantised weights or a .gguf file");
        }
        int window = optionalInt("sliding_window", 0);
        if (architecture.startsWith("Mistral") && window > 0 && window < optionalInt("max_position_embeddings", 2048)) {
            throw unsupported("sliding_window " + window, "only full attention is");
        }
        double rotated = optionalDouble(json, "partial_rotary_factor", 1);
        if (rotated != 1) {
            throw unsupported("partial_rotary_factor " + rotated, "only 1 is");
        }
    }

    private String architecture() {
        JsonNode names = json.path("architectures");
        if (!names.isArray() || names.isEmpty()) {
            throw new ModelFormatException(file + " names no architecture: 'architectures' is missing");
        }
        return names.get(0).asText();
    }

    private double ropeTheta() {
        return optionalDouble(json, "rope_theta", optionalDouble(json.path("rope_parameters"), "rope_theta", 10000));
    }

    private RopeScaling ropeScaling() {
        JsonNode scaling = json.hasNonNull("rope_scaling") ? json.get("rope_scaling") : json.path("rope_parameters");
        String type = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
        return switch (type) {
            case "default" -> RopeScaling.NONE;
            case "linear" -> new RopeScaling.Linear(requiredDouble(scaling, "factor"));
            case "llama3" ->
                new RopeScaling.Llama3(
                        requiredDouble(scaling, "factor"),
                        requiredDouble(scaling, "low_freq_factor"),
                        requiredDouble(scaling, "high_freq_factor"),
                        requiredDouble(scaling, "original_max_position_embeddings"));
            default -> throw unsupported("rope_scaling " + type, "supported are default, linear and llama3");
        };
    }

    /** Chat models list their turn ends in generation_config.json only, so both files count. */
    private List<Integer> endTokens(Path folder) {
        List<Integer> tokens = new ArrayList<>();
        addTokens(json.path("eos_token_id"), tokens);
        Path generation = folder.resolve("generation_config.json");
        if (Files.isRegularFile(generation)) {
            addTokens(parse(generation).path("eos_token_id"), tokens);
        }
        return tokens.stream().distinct().toList();
    }

    private static void addTokens(JsonNode node, List<Integer> tokens) {
        if (node.isInt()) {
            tokens.add(node.asInt());
        } else if (node.isArray()) {
            node.forEach(token -> tokens.add(token.asInt()));
        }
    }

    private int requiredInt(String key) {
        JsonNode value = json.path(key);
        if (!value.isInt()) {
            throw new ModelFormatException(file + " has no whole number '" + key + "'; fetch the file again");
        }
        return value.asInt();
    }

    private int optionalInt(String key, int otherwise) {
        return json.path(key).isInt() ? json.get(key).asInt() : otherwise;
    }

    private double requiredDouble(JsonNode node, String key) {
        if (!node.path(key).isNumber()) {
            throw new ModelFormatException(file + " has a rope_scaling without the number '" + key + "'");
        }
        return node.get(key).asDouble();
    }

    private static double optionalDouble(JsonNode node, String key, double otherwise) {
        return node.path(key).isNumber() ? node.get(key).asDouble() : otherwise;
    }

    private ModelFormatException unsupported(String what, String hint) {
        return new ModelFormatException(what + " in " + file + " is not supported: " + hint);
    }

    private static JsonNode parse(Path file) {
        try {
            JsonNode json = JSON.readTree(file.toFile());
            if (json != null && json.isObject()) {
                return json;
            }
            throw new ModelFormatException(file + " is not a JSON object; fetch the file again");
        } catch (IOException e) {
            throw new ModelFormatException(file + " is not JSON; fetch the file again", e);
        }
    }
}

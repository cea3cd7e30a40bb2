package io.sluice.clusters;

import io.sluice.core.cluster.ModelSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/** Models of a cluster file: fields given in it, or those of a Hugging Face {@code config.json}. */
final class ModelReader {
    private static final List<String> EXPERTS = List.of("num_local_experts", "num_experts", "n_routed_experts");

    private final Problems problems;
    private final MachineReader units;
    private final Path folder;

    ModelReader(Problems problems, MachineReader units, Path folder) {
        this.problems = problems;
        this.units = units;
        this.folder = folder;
    }

    /**
     * A model and the width of its weights.
     *
     * @param weightBits bits per weight
     */
    record Model(ModelSpec spec, double weightBits) {}

    /** The model described at {@code at}; empty, with a problem added, when it is wrong. */
    Optional<Model> read(String name, FileValue at) {
        int before = problems.size();
        FileValue config = config(at);
        if (problems.size() > before) {
            return Optional.empty();
        }
        long layers = whole(at, "layers", config, "num_hidden_layers");
        long hidden = whole(at, "hidden_size", config, "hidden_size");
        double weightBits = at.has("weight_bits") ? at.get("weight_bits").number() : configuredBits(config);
        double activationBits = MachineReader.number(at, "activation_bits", 16);
        double layerSize =
                at.has("layer_size") ? units.size(at, "layer_size", 1) : computedLayer(at, config, weightBits);
        double kv = at.has("kv_per_token_layer")
                ? units.size(at, "kv_per_token_layer", 1)
                : 2 * kvWidth(at, config) * MachineReader.number(at, "kv_bits", 16) / 8;
        if (problems.size() > before) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Model(
                    new ModelSpec(
                            name,
                            Math.toIntExact(layers),
                            Math.toIntExact(hidden),
                            (int) activationBits / 8,
                            (int) MachineReader.number(at, "token_bytes", 4),
                            Math.round(layerSize),
                            Math.round(kv)),
                    weightBits));
        } catch (IllegalArgumentException | ArithmeticException e) {
            problems.add(at, e.getMessage());
            return Optional.empty();
        }
    }

    private FileValue config(FileValue at) {
        FileValue path = at.get("config");
        if (path == null) {
            return null;
        }
        try {
            FileValue config = JsonReader.read(folder.resolve(path.text()));
            FileValue text = config.get("text_config");
            return text == null ? config : text;
        } catch (ClusterFileException e) {
            problems.add(path, e.problems().getFirst() + "; give the path of a Hugging Face config.json");
            return null;
        }
    }

    /** Attention with its projections, a gated MLP of three matrices, two norms. */
    private double computedLayer(FileValue at, FileValue config, double weightBits) {
        for (String experts : EXPERTS) {
            if (config != null && config.has(experts)) {
                problems.add(at, "config describes a mixture of experts (" + experts + "); give layer_size, too");
                return 1;
            }
        }
        double hidden = whole(at, "hidden_size", config, "hidden_size");
        double heads = whole(at, "attention_heads", config, "num_attention_heads");
        double intermediate = whole(at, "intermediate_size", config, "intermediate_size");
        double queryWidth = heads * headSize(at, config);
        double parameters =
                2 * hidden * queryWidth + 2 * hidden * kvWidth(at, config) + 3 * hidden * intermediate + 2 * hidden;
        return parameters * weightBits / 8;
    }

    private double kvWidth(FileValue at, FileValue config) {
        if (config != null && config.has("kv_lora_rank")) {
            problems.add(at, "config describes latent attention (kv_lora_rank); give kv_per_token_layer, too");
            return 1;
        }
        double heads = optional(at, "kv_heads", config, "num_key_value_heads")
                .orElseGet(() -> whole(at, "attention_heads", config, "num_attention_heads"));
        return heads * headSize(at, config);
    }

    private double headSize(FileValue at, FileValue config) {
        return optional(at, "head_size", config, "head_dim").orElseGet(() -> {
            double hidden = whole(at, "hidden_size", config, "hidden_size");
            return Math.floor(hidden / whole(at, "attention_heads", config, "num_attention_heads"));
        });
    }

    private static double configuredBits(FileValue config) {
        if (config == null) {
            return 16;
        }
        FileValue quantization = config.get("quantization_config");
        if (quantization != null
                && quantization.has("bits")
                && quantization.get("bits").kind() == FileValue.Kind.NUMBER) {
            return quantization.get("bits").number();
        }
        FileValue type = config.has("torch_dtype") ? config.get("torch_dtype") : config.get("dtype");
        return type != null && type.text().equals("float32") ? 32 : 16;
    }

    private long whole(FileValue at, String key, FileValue config, String configKey) {
        OptionalDouble found = optional(at, key, config, configKey);
        if (found.isEmpty()) {
            problems.add(
                    at,
                    config == null
                            ? "needs the key '" + key + "', or config: the path of a Hugging Face config.json"
                            : "config has no '" + configKey + "'; give " + key + " here");
            return 1;
        }
        return (long) found.getAsDouble();
    }

    private OptionalDouble optional(FileValue at, String key, FileValue config, String configKey) {
        if (at.has(key)) {
            return OptionalDouble.of(at.get(key).number());
        }
        if (config == null || !config.has(configKey) || config.get(configKey).kind() == FileValue.Kind.NULL) {
            return OptionalDouble.empty();
        }
        FileValue value = config.get(configKey);
        if (value.kind() != FileValue.Kind.NUMBER || !(value.number() >= 1) || value.number() > Integer.MAX_VALUE) {
            problems.add(at.get("config"), configKey + " " + value + " in the config is not a whole number above 0");
            return OptionalDouble.of(1);
        }
        return OptionalDouble.of(value.number());
    }
}

package io.sluice.clusters;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.clusters.CapacityTables.BatchLimits;
import io.sluice.core.cluster.CapacityModel;
import io.sluice.core.cluster.CapacityModel.Machine;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.LayerProfile.Held;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.cluster.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Models and layer profiles of a {@link HelixFolder}. Immutable. */
final class HelixProfiles {
    /** A context that is no cluster of the folder names its mix: {@code t4x12}. */
    private static final Pattern MIX = Pattern.compile("([a-z0-9]+?)x(\\d+)");

    private final SortedMap<String, ModelSpec> specs;
    private final CsvTable times;
    private final CsvTable capacities;

    private HelixProfiles(SortedMap<String, ModelSpec> specs, CsvTable times, CsvTable capacities) {
        this.specs = Collections.unmodifiableSortedMap(specs);
        this.times = times;
        this.capacities = capacities;
    }

    static HelixProfiles read(Path folder) {
        Path profiles = folder.resolve("profiles");
        return new HelixProfiles(
                models(folder.resolve("models.json")),
                CsvTable.read(
                        profiles.resolve("layer_time_ms.csv"),
                        "model",
                        "gpu",
                        "phase",
                        "batch_tokens",
                        "time_ms_per_layer"),
                CsvTable.read(
                        profiles.resolve("node_capacity_by_layers.csv"),
                        "model",
                        "cluster_context",
                        "gpu",
                        "layers_on_node",
                        "typical_tokens_per_s",
                        "kv_capacity_tokens_per_layer",
                        "prompt_max_requests",
                        "prompt_max_tokens",
                        "decode_max_tokens",
                        "decode_max_context_tokens"));
    }

    List<String> models() {
        return List.copyOf(specs.keySet());
    }

    /**
     * How the machines of {@code cluster} run {@code model}; types without measured times are left out.
     *
     * @param mixOf number of machines by type of a cluster of the folder; empty when there is none of that name
     */
    ModelProfile profile(String model, Cluster cluster, Function<String, SortedMap<String, Integer>> mixOf) {
        SortedMap<String, Integer> mix = new TreeMap<>();
        for (Node node : cluster.nodes()) {
            mix.merge(node.type(), 1, Integer::sum);
        }
        Optional<String> context = context(model, cluster.name(), mix, mixOf);
        if (context.isEmpty()) {
            return new ModelProfile(specs.get(model), computed(specs.get(model), cluster, mix));
        }
        Map<String, LayerProfile> byType = new TreeMap<>();
        for (String type : mix.keySet()) {
            List<Held> held = held(model, context.get(), type);
            if (!held.isEmpty()) {
                byType.put(type, new LayerProfile(curve(model, type, "prompt"), curve(model, type, "decode"), held));
            }
        }
        return new ModelProfile(specs.get(model), byType);
    }

    /**
     * Capacities of a mix of machines that no context describes. KV cache and batch limits do not depend on the mix and
     * are taken from any context that has the type, else computed from the type's memory.
     */
    private Map<String, LayerProfile> computed(ModelSpec model, Cluster cluster, SortedMap<String, Integer> mix) {
        List<Machine> machines = new ArrayList<>();
        Map<String, List<Held>> known = new TreeMap<>();
        for (MachineType type : cluster.types()) {
            if (times.rows().stream()
                    .noneMatch(row -> row.text("model").equals(model.name())
                            && row.text("gpu").equals(type.name()))) {
                continue;
            }
            List<Held> published = capacities.rows().stream()
                    .filter(row -> row.text("model").equals(model.name())
                            && row.text("gpu").equals(type.name()))
                    .findFirst()
                    .map(row -> held(model.name(), row.text("cluster_context"), type.name()))
                    .orElse(List.of());
            List<Long> kvTokens = published.isEmpty()
                    ? CapacityTables.kvTokensPerLayer(type.memoryBytes(), model)
                    : published.stream().map(Held::kvTokensPerLayer).toList();
            if (!kvTokens.isEmpty()) {
                known.put(type.name(), published);
                machines.add(Machine.of(
                        type.name(),
                        mix.get(type.name()),
                        curve(model.name(), type.name(), "prompt"),
                        curve(model.name(), type.name(), "decode"),
                        kvTokens,
                        CapacityModel.HELIX_WORKLOAD));
            }
        }
        Map<String, LayerProfile> byType = new TreeMap<>();
        if (machines.isEmpty()) {
            return byType;
        }
        CapacityModel capacity = CapacityModel.of(model.layerCount(), CapacityModel.HELIX_WORKLOAD, machines);
        for (Machine machine : machines) {
            List<Held> rows = CapacityTables.held(capacity, machine, BatchLimits.DEFAULT);
            List<Held> published = known.get(machine.type());
            List<Held> held = published.isEmpty() ? rows : withThroughput(published, rows);
            byType.put(machine.type(), new LayerProfile(machine.prompt(), machine.decode(), held));
        }
        return byType;
    }

    private static List<Held> withThroughput(List<Held> published, List<Held> computed) {
        List<Held> rows = new ArrayList<>();
        for (int i = 0; i < published.size(); i++) {
            Held row = published.get(i);
            rows.add(new Held(
                    row.layers(),
                    computed.get(i).tokensPerSecond(),
                    row.kvTokensPerLayer(),
                    row.promptMaxRequests(),
                    row.promptMaxTokens(),
                    row.decodeMaxRequests(),
                    row.decodeMaxContextTokens()));
        }
        return rows;
    }

    private Optional<String> context(
            String model,
            String cluster,
            SortedMap<String, Integer> mix,
            Function<String, SortedMap<String, Integer>> mixOf) {
        List<String> contexts = capacities.rows().stream()
                .filter(row -> row.text("model").equals(model))
                .map(row -> row.text("cluster_context"))
                .distinct()
                .toList();
        if (contexts.contains(cluster)) {
            return Optional.of(cluster);
        }
        return contexts.stream()
                .filter(context -> same(mix, context, mixOf.apply(context)))
                .findFirst();
    }

    private static boolean same(SortedMap<String, Integer> mix, String context, SortedMap<String, Integer> ofCluster) {
        if (!ofCluster.isEmpty()) {
            return ofCluster.equals(mix);
        }
        Matcher matcher = MIX.matcher(context);
        return matcher.matches()
                && mix.size() == 1
                && mix.firstKey().equalsIgnoreCase(matcher.group(1))
                && mix.get(mix.firstKey()) == Integer.parseInt(matcher.group(2));
    }

    private List<Held> held(String model, String context, String type) {
        List<Held> held = new ArrayList<>();
        for (CsvTable.Row row : capacities.rows()) {
            if (row.text("model").equals(model)
                    && row.text("cluster_context").equals(context)
                    && row.text("gpu").equals(type)) {
                if (row.whole("layers_on_node", 1) != held.size() + 1) {
                    throw row.bad("layers_on_node", "must be " + (held.size() + 1) + ": rows count 1, 2, 3, ...");
                }
                held.add(new Held(
                        held.size() + 1,
                        row.notNegative("typical_tokens_per_s"),
                        row.whole("kv_capacity_tokens_per_layer", 0),
                        row.count("prompt_max_requests", 1),
                        row.count("prompt_max_tokens", 1),
                        row.count("decode_max_tokens", 1),
                        row.whole("decode_max_context_tokens", 1)));
            }
        }
        return held;
    }

    private Curve curve(String model, String type, String phase) {
        SortedMap<Double, Double> points = new TreeMap<>();
        for (CsvTable.Row row : times.rows()) {
            if (row.text("model").equals(model)
                    && row.text("gpu").equals(type)
                    && row.text("phase").equals(phase)
                    && points.put(row.notNegative("batch_tokens"), row.notNegative("time_ms_per_layer") / 1e3)
                            != null) {
                throw row.bad("batch_tokens", "is given twice");
            }
        }
        if (points.size() < 2) {
            throw new IllegalArgumentException(times.file() + " has " + points.size() + " rows for " + model + ", "
                    + type + ", " + phase + "; at least two are needed");
        }
        return Curve.of(
                points.keySet().stream().mapToDouble(x -> x).toArray(),
                points.values().stream().mapToDouble(y -> y).toArray());
    }

    private static SortedMap<String, ModelSpec> models(Path file) {
        SortedMap<String, ModelSpec> specs = new TreeMap<>();
        try {
            JsonNode tree = new ObjectMapper().readTree(Files.readString(file));
            tree.properties().forEach(model -> specs.put(model.getKey(), spec(file, model.getKey(), model.getValue())));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(file + " is not JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new IllegalArgumentException(file + " cannot be read: " + e.getMessage(), e);
        }
        return specs;
    }

    private static ModelSpec spec(Path file, String name, JsonNode model) {
        JsonNode config = model.path("hf_config");
        int hidden = (int) whole(file, name, config, "hidden_size");
        int heads = (int) whole(file, name, config, "num_attention_heads");
        int kvHeads =
                config.has("num_key_value_heads") ? (int) whole(file, name, config, "num_key_value_heads") : heads;
        int activation = (int) whole(file, name, model, "activation_bytes_per_token") / hidden;
        return new ModelSpec(
                name,
                (int) whole(file, name, model, "num_layers"),
                hidden,
                activation,
                (int) whole(file, name, model, "token_bytes"),
                whole(file, name, model, "param_bytes_per_layer"),
                2L * kvHeads * (hidden / heads) * 2);
    }

    private static long whole(Path file, String model, JsonNode tree, String field) {
        JsonNode value = tree.path(field);
        if (!value.isNumber() || value.doubleValue() != Math.rint(value.doubleValue()) || value.doubleValue() < 1) {
            throw new IllegalArgumentException(
                    file + ": " + model + "." + field + " '" + value.asText() + "' must be a whole number above 0");
        }
        return (long) value.doubleValue();
    }
}

package io.sluice.clusters;

import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.LayerProfile.Held;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.cluster.Node;
import io.sluice.core.placement.PlacementConstraints;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A cluster description as YAML. */
final class ClusterWriter {
    private final ClusterDescription description;
    private final StringBuilder out = new StringBuilder();

    ClusterWriter(ClusterDescription description) {
        this.description = description;
    }

    String text() {
        Cluster cluster = description.cluster();
        line(0, "cluster: " + quoted(cluster.name()));
        line(
                0,
                "coordinator: {nic_in: " + Units.printRate(cluster.coordinatorInBytesPerSecond()) + ", nic_out: "
                        + Units.printRate(cluster.coordinatorOutBytesPerSecond()) + "}");
        line(0, "machine_types:");
        cluster.types().forEach(this::type);
        line(0, "nodes:");
        cluster.nodes().forEach(this::node);
        new LinkWriter(cluster).write(this::line);
        line(
                0,
                "workload: {prompt_tokens: " + number(description.workload().meanPromptTokens()) + ", output_tokens: "
                        + number(description.workload().meanOutputTokens()) + "}");
        if (!description.models().isEmpty()) {
            line(0, "models:");
            description.models().forEach(this::model);
        }
        return out.toString();
    }

    private void line(int depth, String text) {
        out.append("  ".repeat(depth)).append(text).append('\n');
    }

    private void type(MachineType type) {
        line(1, quoted(type.name()) + ":");
        line(2, "memory: " + Units.printSize(type.memoryBytes()));
        if (type.nicInBytesPerSecond() == type.nicOutBytesPerSecond()) {
            line(2, "nic: " + Units.printRate(type.nicInBytesPerSecond()));
        } else {
            line(2, "nic_in: " + Units.printRate(type.nicInBytesPerSecond()));
            line(2, "nic_out: " + Units.printRate(type.nicOutBytesPerSecond()));
        }
        line(2, "load: " + Units.printRate(type.loadBytesPerSecond()));
        known(2, "price_per_hour", type.pricePerHour());
        known(2, "idle_watts", type.idleWatts());
        known(2, "busy_watts", type.busyWatts());
    }

    private void known(int depth, String key, double value) {
        if (value > 0) {
            line(depth, key + ": " + number(value));
        }
    }

    private void node(Node node) {
        line(
                1,
                "- {id: " + quoted(node.id().value()) + ", type: " + quoted(node.type()) + ", region: "
                        + quoted(node.region()) + "}");
    }

    private void model(String name, ModelProfile profile) {
        ModelSpec model = profile.model();
        line(1, quoted(name) + ":");
        line(2, "layers: " + model.layerCount());
        line(2, "hidden_size: " + model.hiddenSize());
        line(2, "activation_bits: " + model.activationBytes() * 8);
        line(2, "token_bytes: " + model.tokenBytes());
        line(2, "layer_size: " + Units.printSize(model.layerBytes()));
        line(2, "kv_per_token_layer: " + Units.printSize(model.kvBytesPerTokenLayer()));
        if (description.demandOf(name) != 1) {
            line(2, "demand: " + number(description.demandOf(name)));
        }
        constraints(description.constraintsOf(name));
        line(2, "profiles:");
        for (MachineType type : description.cluster().types()) {
            LayerProfile layers = profile.byType().get(type.name());
            if (layers == null || layers.maxLayers() == 0) {
                line(3, quoted(type.name()) + ": none");
            } else {
                line(3, quoted(type.name()) + ":");
                layers(layers);
            }
        }
    }

    private void constraints(PlacementConstraints asked) {
        if (asked.equals(PlacementConstraints.NONE)) {
            return;
        }
        line(2, "placement:");
        if (asked.partialInference()) {
            line(3, "partial_inference: true");
        }
        if (!asked.allowedRegions().isEmpty()) {
            line(3, "allowed_regions: " + list(asked.allowedRegions().stream().toList(), ClusterWriter::quoted));
        }
        if (!asked.emptyNodes().isEmpty()) {
            line(3, "empty: " + list(asked.emptyNodes().stream().toList(), id -> quoted(id.value())));
        }
        if (!asked.pinned().isEmpty()) {
            line(3, "pinned:");
            asked.pinned()
                    .forEach((id, layers) -> line(4, quoted(id.value()) + ": " + layers.first() + "-" + layers.end()));
        }
        known(3, "max_hops", asked.maxHops());
        if (asked.minReplicas() > 1) {
            line(3, "min_replicas: " + asked.minReplicas());
        }
        known(3, "price_ceiling_per_hour", asked.priceCeilingPerHour());
    }

    private void layers(LayerProfile layers) {
        curve("prompt", layers.prompt());
        curve("decode", layers.decode());
        List<Held> held = layers.held();
        line(4, "tokens_per_second: " + list(held, row -> number(row.tokensPerSecond())));
        line(4, "kv_tokens_per_layer: " + list(held, row -> Long.toString(row.kvTokensPerLayer())));
        limit(
                "prompt_max_requests",
                held.stream().map(row -> (long) row.promptMaxRequests()).toList());
        limit(
                "prompt_max_tokens",
                held.stream().map(row -> (long) row.promptMaxTokens()).toList());
        limit(
                "decode_max_requests",
                held.stream().map(row -> (long) row.decodeMaxRequests()).toList());
        limit(
                "decode_max_context_tokens",
                held.stream().map(Held::decodeMaxContextTokens).toList());
    }

    private void limit(String key, List<Long> values) {
        boolean same = values.stream().distinct().count() == 1;
        line(4, key + ": " + (same ? values.getFirst().toString() : list(values, value -> Long.toString(value))));
    }

    private void curve(String key, Curve curve) {
        List<String> times = new ArrayList<>();
        List<String> tokens = new ArrayList<>();
        for (int i = 0; i < curve.xs().length; i++) {
            tokens.add(number(curve.xs()[i]));
            times.add(Units.scaled(curve.ys()[i], -3));
        }
        line(4, key + ":");
        line(5, "tokens: " + list(tokens, text -> text));
        line(5, "ms: " + list(times, text -> text));
    }

    private static <T> String list(List<T> values, Function<T, String> text) {
        return values.stream().map(text).collect(Collectors.joining(", ", "[", "]"));
    }

    /** Reads back as exactly {@code value}. */
    static String number(double value) {
        return Units.scaled(value, 0);
    }

    /** In quotes unless it is a plain word. */
    static String quoted(String text) {
        return text.matches("[A-Za-z][A-Za-z0-9_./-]*") && !text.matches("(?i)true|false|null|none|yes|no|on|off")
                ? text
                : "'" + text.replace("'", "''") + "'";
    }
}

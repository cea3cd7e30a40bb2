package io.sluice.clusters;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.cluster.Node;
import io.sluice.core.placement.PlacementConstraints;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What a cluster file asks of placements: its own {@code placement}, replaced key by key by that of a model. */
final class ConstraintReader {
    private final Problems problems;
    private final Cluster cluster;
    private final FileValue common;
    private final List<String> regions;
    private final Map<String, Node> nodes = new HashMap<>();

    ConstraintReader(Problems problems, Cluster cluster, FileValue common) {
        this.problems = problems;
        this.cluster = cluster;
        this.common = common;
        this.regions =
                cluster.nodes().stream().map(Node::region).distinct().sorted().toList();
        cluster.nodes().forEach(node -> nodes.put(node.id().value(), node));
    }

    /**
     * For one model.
     *
     * @param own its own {@code placement}; null: none
     */
    PlacementConstraints read(ModelSpec model, FileValue own) {
        int before = problems.size();
        FileValue partial = value(own, "partial_inference");
        FileValue hops = value(own, "max_hops");
        FileValue replicas = value(own, "min_replicas");
        Set<WorkerId> empty = empty(value(own, "empty"));
        Map<WorkerId, LayerRange> pinned = pinned(value(own, "pinned"), model);
        for (WorkerId node : pinned.keySet()) {
            if (empty.contains(node)) {
                problems.add(value(own, "pinned"), "node '" + node + "' is also to be left empty; drop one");
            }
        }
        Set<String> allowed = allowed(value(own, "allowed_regions"));
        double ceiling = ceiling(value(own, "price_ceiling_per_hour"));
        if (problems.size() > before) {
            return PlacementConstraints.NONE;
        }
        return new PlacementConstraints(
                partial != null && partial.isTrue(),
                allowed,
                empty,
                pinned,
                hops == null ? 0 : (int) hops.whole(),
                replicas == null ? 1 : (int) replicas.whole(),
                ceiling);
    }

    private FileValue value(FileValue own, String key) {
        if (own != null && own.has(key)) {
            return own.get(key);
        }
        return common == null ? null : common.get(key);
    }

    private Set<String> allowed(FileValue at) {
        Set<String> allowed = new TreeSet<>();
        if (at != null) {
            for (FileValue region : at.items()) {
                if (!regions.contains(region.text())) {
                    problems.add(region, NodeReader.unknown("region", region, regions));
                }
                allowed.add(region.text());
            }
        }
        return allowed;
    }

    private Set<WorkerId> empty(FileValue at) {
        Set<WorkerId> empty = new TreeSet<>();
        if (at != null) {
            for (FileValue id : at.items()) {
                if (known(id.text(), id.line(), id.path())) {
                    empty.add(new WorkerId(id.text()));
                }
            }
        }
        return empty;
    }

    private Map<WorkerId, LayerRange> pinned(FileValue at, ModelSpec model) {
        Map<WorkerId, LayerRange> pinned = new TreeMap<>();
        if (at != null) {
            at.entries().forEach((id, layers) -> {
                if (!known(id, at.lineOfKey(id), at.path())) {
                    return;
                }
                int dash = layers.text().indexOf('-');
                int first = Integer.parseInt(layers.text().substring(0, dash));
                int end = Integer.parseInt(layers.text().substring(dash + 1));
                if (end <= first || end > model.layerCount()) {
                    problems.add(
                            layers,
                            layers + " must be FIRST-END with FIRST below END and END at most the " + model.layerCount()
                                    + " layers of " + model.name());
                } else {
                    pinned.put(new WorkerId(id), new LayerRange(first, end));
                }
            });
        }
        return pinned;
    }

    private boolean known(String id, int line, String path) {
        if (nodes.containsKey(id)) {
            return true;
        }
        problems.add(
                line,
                path,
                NodeReader.unknown(
                        "node",
                        new FileValue(FileValue.Kind.TEXT, line, path, id),
                        nodes.keySet().stream().sorted().toList()));
        return false;
    }

    private double ceiling(FileValue at) {
        if (at == null || at.number() == 0) {
            return 0;
        }
        String unpriced = cluster.types().stream()
                .filter(type -> type.pricePerHour() == 0)
                .map(MachineType::name)
                .collect(Collectors.joining(", "));
        if (!unpriced.isEmpty()) {
            problems.add(at, "a price ceiling needs price_per_hour on every machine type; missing on " + unpriced);
        }
        return at.number();
    }
}

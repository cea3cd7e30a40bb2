package io.sluice.clusters;

import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.Node;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A folder of published data laid out as {@code examples/helix}: clusters, profiles, layouts and results of Helix
 * (ASPLOS'25) and its artefact. Bandwidths are bytes/s, times seconds. Nodes get the id {@code <type>-<node_index>},
 * for example {@code t4-1}, and keep the file's order. Immutable and thread-safe once open.
 */
public final class HelixFolder {
    private static final String SOURCE = "source";
    private static final String SINK = "sink";

    private final Path folder;
    private final CsvTable nodes;
    private final CsvTable links;
    private final CsvTable types;
    private final HelixProfiles profiles;
    private final HelixLayouts layouts;

    private HelixFolder(Path folder) {
        this.folder = folder;
        Path clusters = folder.resolve("clusters");
        this.nodes = CsvTable.read(clusters.resolve("nodes.csv"), "cluster", "node_index", "gpu", "region");
        this.links = CsvTable.read(
                clusters.resolve("links.csv"), "cluster", "from", "to", "bandwidth_bytes_per_s", "latency_s");
        this.types = CsvTable.read(
                clusters.resolve("machine_types.csv"),
                "gpu",
                "vram_bytes",
                "nic_in_bytes_per_s",
                "nic_out_bytes_per_s",
                "disk_bytes_per_s");
        this.profiles = HelixProfiles.read(folder);
        this.layouts = new HelixLayouts(folder);
    }

    /**
     * Opens a folder.
     *
     * @throws IllegalArgumentException when a file is missing or wrong; names file, line, column and value
     */
    public static HelixFolder open(Path folder) {
        return new HelixFolder(folder);
    }

    /** Names of the clusters, in file order. */
    public List<String> clusters() {
        return nodes.rows().stream().map(row -> row.text("cluster")).distinct().toList();
    }

    /** Names of the models. */
    public List<String> models() {
        return profiles.models();
    }

    /**
     * A cluster with every model its machines have profiles for. Capacities come from the {@code cluster_context} of the
     * same name, else from the one with the same mix of machines (typical throughput depends on the mix), else they are
     * computed for this mix.
     *
     * @throws IllegalArgumentException when there is no such cluster; names those there are
     */
    public ClusterDescription cluster(String name) {
        List<Node> members = nodesOf(name);
        List<MachineType> machines = new ArrayList<>();
        for (String type : members.stream().map(Node::type).distinct().toList()) {
            machines.add(machineType(type));
        }
        CsvTable.Row source = typeRow("SourceNode");
        CsvTable.Row sink = typeRow("SinkNode");
        Cluster cluster = new Cluster(
                name,
                machines,
                members,
                linksOf(name, members.size()),
                source.notNegative("nic_out_bytes_per_s"),
                sink.notNegative("nic_in_bytes_per_s"));
        SortedMap<String, ModelProfile> models = new TreeMap<>();
        for (String model : profiles.models()) {
            models.put(model, profiles.profile(model, cluster, this::mixOf));
        }
        return new ClusterDescription(cluster, models);
    }

    /**
     * A published placement. Rows of a method that runs as independent sub-clusters ({@code sub_cluster} is not
     * {@code all}) get that name as group.
     *
     * <p>In such rows {@code node_index} counts within the sub-cluster. A sub-cluster holds all machines of one type in
     * the order of the whole cluster (upstream cut it out so: every link of {@code geo_t4x12} has the bandwidth and
     * latency of the link of {@code geo24} between the T4s of the same rank), hence index {@code i} of sub-cluster
     * {@code t4} is the {@code i}-th T4 of the whole cluster.
     *
     * <p>A cluster without rows of its own takes those of the cluster it was made from: a pruned one
     * ({@code geo24_pruned_deg12}) those of {@code geo24}, a cut-out one ({@code single_t4x12}) the rows of its type in
     * {@code single24}.
     *
     * @throws IllegalArgumentException when cluster, model or method are unknown; names those there are
     */
    public PlacementFile layout(String cluster, String model, String method) {
        return layouts.layout(cluster, nodesOf(cluster), model, method);
    }

    /** Names of the published methods for {@code model} on {@code cluster}, in file order. */
    public List<String> methods(String cluster, String model) {
        return layouts.methods(cluster, nodesOf(cluster), model);
    }

    /** Published results, in file order. */
    public List<ReferenceRow> reference() {
        return CsvTable.read(
                        folder.resolve("reference_results.csv"),
                        "cluster",
                        "model",
                        "method",
                        "mode",
                        "decode_tokens_per_s",
                        "upstream_readme_decode_tokens_per_s",
                        "source")
                .rows()
                .stream()
                .map(row -> new ReferenceRow(
                        row.text("cluster"),
                        row.text("model"),
                        row.text("method"),
                        row.text("mode"),
                        row.text("source"),
                        row::text))
                .toList();
    }

    /** Number of machines by type; empty when there is no such cluster. */
    private SortedMap<String, Integer> mixOf(String cluster) {
        SortedMap<String, Integer> mix = new TreeMap<>();
        for (CsvTable.Row row : nodes.rows()) {
            if (row.text("cluster").equals(cluster)) {
                mix.merge(row.text("gpu"), 1, Integer::sum);
            }
        }
        return mix;
    }

    private List<Node> nodesOf(String cluster) {
        List<Node> members = new ArrayList<>();
        for (CsvTable.Row row : nodes.rows()) {
            if (row.text("cluster").equals(cluster)) {
                if (row.whole("node_index", 0) != members.size()) {
                    throw row.bad(
                            "node_index", "must be " + members.size() + ": nodes of a cluster count 0, 1, 2, ...");
                }
                String type = row.text("gpu");
                String id = type.toLowerCase(Locale.ROOT) + "-" + row.text("node_index");
                members.add(new Node(new WorkerId(id), type, row.text("region")));
            }
        }
        if (members.isEmpty()) {
            throw new IllegalArgumentException(
                    nodes.file() + " describes no cluster '" + cluster + "'; it has " + clusters());
        }
        return members;
    }

    private Links linksOf(String cluster, int size) {
        Links.Builder builder = Links.builder(size);
        for (CsvTable.Row row : links.rows()) {
            if (!row.text("cluster").equals(cluster)) {
                continue;
            }
            double bandwidth = row.notNegative("bandwidth_bytes_per_s");
            double latency = row.notNegative("latency_s");
            if (row.text("from").equals(SOURCE)) {
                builder.set(Links.COORDINATOR, end(row, "to", size), bandwidth, latency);
            } else if (row.text("to").equals(SINK)) {
                builder.set(end(row, "from", size), Links.COORDINATOR, bandwidth, latency);
            } else {
                builder.setBoth(end(row, "from", size), end(row, "to", size), bandwidth, latency);
            }
        }
        return builder.build();
    }

    private static int end(CsvTable.Row row, String column, int size) {
        int node = row.count(column, 0);
        if (node >= size) {
            throw row.bad(column, "is no node: the cluster has nodes 0 to " + (size - 1));
        }
        return node;
    }

    private MachineType machineType(String name) {
        CsvTable.Row row = typeRow(name);
        return new MachineType(
                name,
                row.whole("vram_bytes", 1),
                row.notNegative("nic_in_bytes_per_s"),
                row.notNegative("nic_out_bytes_per_s"),
                row.notNegative("disk_bytes_per_s"),
                0,
                0,
                0);
    }

    private CsvTable.Row typeRow(String name) {
        return types.rows().stream()
                .filter(row -> row.text("gpu").equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(types.file() + " describes no machine type '" + name
                        + "'; it has "
                        + types.rows().stream().map(row -> row.text("gpu")).toList()));
    }
}

package io.sluice.clusters;

import io.sluice.clusters.ModelReader.Model;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.Node;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.PlacementConstraints;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads one cluster file: form by the schema, then meaning, part by part; all problems of a part are said at once. */
final class ClusterReader {
    private final Path file;
    private final Problems problems;
    private final MachineReader machines;

    ClusterReader(Path file) {
        this.file = file;
        this.problems = new Problems(file.toString());
        this.machines = new MachineReader(problems);
    }

    ClusterDescription read() {
        FileValue document = YamlReader.read(file);
        ClusterFiles.SCHEMA.check(document, problems);
        problems.check();
        NodeReader nodes = new NodeReader(problems, machines);
        nodes.read(document);
        problems.check();
        Cluster cluster = cluster(document, nodes);
        problems.check();
        Workload workload = workload(document.get("workload"));
        SortedMap<String, ModelProfile> models = new TreeMap<>();
        SortedMap<String, Double> demand = new TreeMap<>();
        SortedMap<String, PlacementConstraints> constraints = new TreeMap<>();
        ProfileReader profiles = new ProfileReader(problems, nodes.machines(), counts(nodes), workload);
        ModelReader reader = new ModelReader(problems, machines, folder());
        ConstraintReader asked = new ConstraintReader(problems, cluster, document.get("placement"));
        FileValue described = document.get("models");
        if (described != null) {
            described.entries().forEach((name, at) -> {
                Model model = reader.read(name, at).orElse(null);
                if (model != null) {
                    models.put(name, profiles.read(model, at));
                    constraints.put(name, asked.read(model.spec(), at.get("placement")));
                    demand.put(name, MachineReader.number(at, "demand", 1));
                }
            });
        }
        problems.check();
        return new ClusterDescription(cluster, models, demand, workload, constraints);
    }

    private Path folder() {
        Path parent = file.toAbsolutePath().getParent();
        return parent == null ? Path.of(".") : parent;
    }

    private Cluster cluster(FileValue document, NodeReader nodes) {
        FileValue coordinator = document.get("coordinator");
        String region = coordinator == null || !coordinator.has("region")
                ? ""
                : coordinator.get("region").text();
        double nic = coordinator == null
                ? MachineReader.NIC_DEFAULT
                : machines.rate(coordinator, "nic", MachineReader.NIC_DEFAULT);
        double in = coordinator == null ? nic : machines.rate(coordinator, "nic_in", nic);
        double out = coordinator == null ? nic : machines.rate(coordinator, "nic_out", nic);
        if (in <= 0 || out <= 0) {
            problems.add(coordinator, "a coordinator with a bandwidth of 0 serves nobody; write for example 10Gbit");
        }
        Links links = new LinkReader(problems, machines, nodes.nodes(), region).read(document.get("links"));
        problems.check();
        for (int i = 0; i < nodes.nodes().size(); i++) {
            if (!linked(links, i)) {
                Node node = nodes.nodes().get(i);
                problems.add(
                        nodes.origin(node),
                        "node '" + node.id() + "' has no link to anybody; give links a default, a rule for region '"
                                + node.region() + "', or drop the node");
            }
        }
        problems.check();
        return new Cluster(
                document.get("cluster").text(),
                nodes.machines().values().stream()
                        .map(MachineReader.Machine::type)
                        .toList(),
                nodes.nodes(),
                links,
                out,
                in);
    }

    private static boolean linked(Links links, int node) {
        for (int other = Links.COORDINATOR; other < links.nodes(); other++) {
            if (other != node && (links.exists(node, other) || links.exists(other, node))) {
                return true;
            }
        }
        return false;
    }

    private static Map<String, Integer> counts(NodeReader nodes) {
        Map<String, Integer> counts = new LinkedHashMap<>();
        nodes.nodes().forEach(node -> counts.merge(node.type(), 1, Integer::sum));
        return counts;
    }

    private static Workload workload(FileValue at) {
        return at == null
                ? Workload.AZURE_CONVERSATION
                : new Workload(
                        at.get("prompt_tokens").number(),
                        at.get("output_tokens").number());
    }
}

package io.sluice.clusters;

import io.sluice.clusters.MachineReader.Machine;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Node;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Machine types and nodes of a cluster file. A node names its type, or describes its machine itself. */
final class NodeReader {
    static final int MAX_NODES = 5_000;

    private static final String COUNTER = "{n}";
    private static final String DEFAULT_REGION = "local";
    private static final Set<String> OWN_KEYS = Set.of("id", "count", "first", "type", "region");
    private static final Set<String> GPU_KEYS = Set.of("gpu", "gpus");

    private final Problems problems;
    private final MachineReader machineReader;
    private final Map<String, Machine> machines = new LinkedHashMap<>();
    private final Set<String> wrongTypes = new HashSet<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<String, FileValue> origins = new LinkedHashMap<>();

    NodeReader(Problems problems, MachineReader machineReader) {
        this.problems = problems;
        this.machineReader = machineReader;
    }

    /** Reads everything; problems are added. */
    void read(FileValue document) {
        if (document.has("machine_types")) {
            document.get("machine_types").entries().forEach((name, at) -> machineReader
                    .read(name, at)
                    .ifPresentOrElse(machine -> machines.put(name, machine), () -> wrongTypes.add(name)));
        }
        for (FileValue at : document.get("nodes").items()) {
            String type = typeOf(at);
            if (type == null) {
                continue;
            }
            add(at, type);
        }
    }

    /** Machine types by name, in file order; those that nodes describe themselves come last. */
    Map<String, Machine> machines() {
        return machines;
    }

    List<Node> nodes() {
        return nodes;
    }

    /** Where a node is described. */
    FileValue origin(Node node) {
        return origins.get(node.id().value());
    }

    private void add(FileValue at, String type) {
        FileValue id = at.get("id");
        boolean counted = at.has("count");
        long count = counted ? at.get("count").whole() : 1;
        long first = at.has("first") ? at.get("first").whole() : 1;
        if (counted != id.text().contains(COUNTER)) {
            problems.add(
                    id,
                    counted
                            ? "with count the id needs {n}, for example " + id.text() + "-{n}"
                            : "{n} needs a count, for example count: 4");
            return;
        }
        if (nodes.size() + count > MAX_NODES) {
            problems.add(at, "more than " + MAX_NODES + " nodes; split the cluster");
            return;
        }
        String region = at.has("region") ? at.get("region").text() : DEFAULT_REGION;
        for (long n = first; n < first + count; n++) {
            String name = id.text().replace(COUNTER, Long.toString(n));
            FileValue before = origins.get(name);
            if (name.startsWith("-") || name.length() > 64) {
                problems.add(id, "'" + name + "' is not a worker id of 1 to 64 characters a-z, 0-9 and -; shorten it");
                return;
            }
            if (before != null || name.equals(LinkReader.COORDINATOR_NAME)) {
                problems.add(
                        id,
                        "node '" + name + "' "
                                + (before == null
                                        ? "is reserved for where requests come from"
                                        : "is given twice, first in line " + before.line())
                                + "; choose another id");
                return;
            }
            origins.put(name, at);
            nodes.add(new Node(new WorkerId(name), type, region));
        }
    }

    /** Name of the machine type; null, with a problem added, when there is none. */
    private String typeOf(FileValue at) {
        List<String> described = at.entries().keySet().stream()
                .filter(key -> !OWN_KEYS.contains(key))
                .toList();
        if (at.has("type")) {
            FileValue type = at.get("type");
            if (!described.isEmpty()) {
                problems.add(
                        at,
                        "has a type and also '" + described.getFirst() + "'; describe the machine under one of them");
                return null;
            }
            if (wrongTypes.contains(type.text())) {
                return null;
            }
            if (!machines.containsKey(type.text())) {
                problems.add(type, unknown("machine type", type, List.copyOf(machines.keySet())));
                return null;
            }
            return type.text();
        }
        if (described.isEmpty()) {
            problems.add(at, "needs a type of machine_types, or a gpu of the catalogue");
            return null;
        }
        return inline(at, GPU_KEYS.containsAll(described));
    }

    private String inline(FileValue at, boolean gpuOnly) {
        String name = gpuOnly
                ? at.get("gpu") == null
                        ? ""
                        : at.get("gpu").text().toUpperCase(Locale.ROOT)
                                + (at.has("gpus") ? "x" + at.get("gpus").text() : "")
                : at.get("id").text().replace(COUNTER, "").replaceAll("-+$", "");
        Machine machine =
                machineReader.read(name.isEmpty() ? "machine" : name, at).orElse(null);
        if (machine == null) {
            return null;
        }
        Machine known = machines.putIfAbsent(name, machine);
        if (known != null && !known.equals(machine)) {
            problems.add(
                    at, "describes a machine named '" + name + "', which is described differently before; use type");
            return null;
        }
        return name;
    }

    /** What to say of a name that is not among {@code known}. */
    static String unknown(String what, FileValue at, List<String> known) {
        String nearest = SchemaCheck.nearest(at.text(), known);
        String some = known.size() > 12 ? known.subList(0, 12) + " and others" : known.toString();
        return "no " + what + " " + at
                + (nearest.isEmpty() ? "; there are " + some : "; did you mean '" + nearest + "'?");
    }
}

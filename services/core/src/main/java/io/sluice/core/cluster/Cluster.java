package io.sluice.core.cluster;

import io.sluice.core.WorkerId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Machines, links and the coordinator. Immutable; nodes keep the order they were given in, and that order numbers them.
 *
 * @param coordinatorOutBytesPerSecond network connection of the coordinator towards the nodes, bytes/s
 * @param coordinatorInBytesPerSecond the same back from the nodes, bytes/s
 */
public record Cluster(
        String name,
        List<MachineType> types,
        List<Node> nodes,
        Links links,
        double coordinatorOutBytesPerSecond,
        double coordinatorInBytesPerSecond) {
    public Cluster {
        types = List.copyOf(types);
        nodes = List.copyOf(nodes);
        Numbers.positive("cluster " + name + ": coordinator out, bytes/s", coordinatorOutBytesPerSecond);
        Numbers.positive("cluster " + name + ": coordinator in, bytes/s", coordinatorInBytesPerSecond);
        Set<String> typeNames = new HashSet<>();
        for (MachineType type : types) {
            if (!typeNames.add(type.name())) {
                throw new IllegalArgumentException(
                        "cluster " + name + ": machine type " + type.name() + " is given twice");
            }
        }
        Set<WorkerId> ids = new HashSet<>();
        for (Node node : nodes) {
            if (!ids.add(node.id())) {
                throw new IllegalArgumentException("cluster " + name + ": node " + node.id() + " is given twice");
            }
            if (!typeNames.contains(node.type())) {
                throw new IllegalArgumentException("cluster " + name + ": node " + node.id()
                        + " is of the unknown type " + node.type() + "; describe it under machine types");
            }
        }
        if (links.nodes() != nodes.size()) {
            throw new IllegalArgumentException(
                    "cluster " + name + ": " + nodes.size() + " nodes, but links for " + links.nodes());
        }
    }

    /** The machine type of node {@code index}. */
    public MachineType typeOf(int index) {
        String type = nodes.get(index).type();
        return types.stream().filter(t -> t.name().equals(type)).findFirst().orElseThrow();
    }

    /** Number of every node, by id. */
    public Map<WorkerId, Integer> indexById() {
        Map<WorkerId, Integer> index = new HashMap<>();
        for (int i = 0; i < nodes.size(); i++) {
            index.put(nodes.get(i).id(), i);
        }
        return index;
    }
}

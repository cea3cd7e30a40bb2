package io.sluice.launcher.plan;

import java.util.List;

/**
 * A placement with its flow, ready to be shown: what people see in tables, JSON and the picture. Immutable.
 *
 * @param layers of the model
 * @param nodes in cluster order, those without layers too
 * @param edges that carry flow; {@code from} or {@code to} is {@link #COORDINATOR} or an index of {@code nodes}
 */
record PlanGraph(int layers, List<Node> nodes, List<Edge> edges) {
    static final int COORDINATOR = -1;

    PlanGraph {
        nodes = List.copyOf(nodes);
        edges = List.copyOf(edges);
    }

    /**
     * A node.
     *
     * @param end equal to {@code first}: it holds nothing
     * @param flow tokens/s it carries
     * @param capacity tokens/s it could carry with these layers
     * @param kvTokens KV cache, tokens in every layer held
     * @param bottleneck whether it limits the flow
     */
    record Node(
            String id,
            String type,
            String region,
            int first,
            int end,
            double flow,
            double capacity,
            long kvTokens,
            boolean bottleneck) {
        boolean holds() {
            return end > first;
        }

        int held() {
            return end - first;
        }

        /** Part of its capacity that the flow uses, 0 to 1. */
        double used() {
            return capacity > 0 ? flow / capacity : 0;
        }

        String range() {
            return holds() ? first + "-" + end : "-";
        }
    }

    /**
     * A link that carries flow.
     *
     * @param flow tokens/s
     * @param capacity tokens/s
     * @param bottleneck whether it limits the flow
     */
    record Edge(int from, int to, double flow, double capacity, double latencySeconds, boolean bottleneck) {}

    /** Whether the edge leaves a region; the coordinator is in none. */
    boolean crosses(Edge edge) {
        return edge.from() >= 0
                && edge.to() >= 0
                && !nodes.get(edge.from()).region().equals(nodes.get(edge.to()).region());
    }
}

package io.sluice.core.placement;

import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A problem with one more machine, linked like the mean of its region. Stateless. */
final class OneMore {
    private OneMore() {}

    /** The region, among those that may hold the model, whose machines have the most bandwidth to all others. */
    static String bestConnectedRegion(PlacementProblem problem) {
        Map<String, double[]> sums = new TreeMap<>();
        for (int i = 0; i < problem.nodes(); i++) {
            if (problem.maxLayers(i) == 0) {
                continue;
            }
            double[] sum = sums.computeIfAbsent(problem.cluster().nodes().get(i).region(), k -> new double[2]);
            for (int j = Links.COORDINATOR; j < problem.nodes(); j++) {
                sum[0] += i == j ? 0 : problem.linkCapacity(i, j);
            }
            sum[1]++;
        }
        String best = problem.cluster().nodes().get(0).region();
        double most = -1;
        for (var region : sums.entrySet()) {
            double mean = region.getValue()[0] / region.getValue()[1];
            if (mean > most) {
                most = mean;
                best = region.getKey();
            }
        }
        return best;
    }

    /** {@code problem} with a machine of this type as its last node. */
    static PlacementProblem of(PlacementProblem problem, MachineType type, String region) {
        Cluster old = problem.cluster();
        int added = problem.nodes();
        List<Node> nodes = new ArrayList<>(old.nodes());
        String name = "one-more";
        while (old.indexById().containsKey(new WorkerId(name))) {
            name += "-x";
        }
        nodes.add(new Node(new WorkerId(name), type.name(), region));
        Links.Builder links = Links.builder(added + 1);
        for (int from = Links.COORDINATOR; from < added; from++) {
            for (int to = Links.COORDINATOR; to < added; to++) {
                if (from != to) {
                    links.set(
                            from,
                            to,
                            old.links().bytesPerSecond(from, to),
                            old.links().latencySeconds(from, to));
                }
            }
        }
        for (int other = Links.COORDINATOR; other < added; other++) {
            double[] in = mean(old, region, other, true);
            double[] out = mean(old, region, other, false);
            links.set(other, added, in[0], in[1]);
            links.set(added, other, out[0], out[1]);
        }
        Cluster larger = new Cluster(
                old.name(),
                old.types(),
                nodes,
                links.build(),
                old.coordinatorOutBytesPerSecond(),
                old.coordinatorInBytesPerSecond());
        return new PlacementProblem(larger, problem.profile(), problem.workload(), problem.constraints());
    }

    /** The layout with nothing on the new node. */
    static Layout grown(Layout layout) {
        int[] first = new int[layout.nodes() + 1];
        int[] end = new int[layout.nodes() + 1];
        for (int i = 0; i < layout.nodes(); i++) {
            first[i] = layout.first(i);
            end[i] = layout.end(i);
        }
        return Layout.of(first, end);
    }

    /** Mean bandwidth and latency between the region's machines and {@code other}. */
    private static double[] mean(Cluster cluster, String region, int other, boolean inwards) {
        double bandwidth = 0;
        double latency = 0;
        int count = 0;
        for (int i = 0; i < cluster.nodes().size(); i++) {
            if (i == other || !cluster.nodes().get(i).region().equals(region)) {
                continue;
            }
            int from = inwards ? other : i;
            int to = inwards ? i : other;
            bandwidth += cluster.links().bytesPerSecond(from, to);
            latency += cluster.links().latencySeconds(from, to);
            count++;
        }
        if (count == 0) {
            // The region's only machine: it is linked to the new one as to nobody else, so take its best link.
            for (int j = 0; j < cluster.nodes().size(); j++) {
                if (j != other) {
                    bandwidth = Math.max(
                            bandwidth, cluster.links().bytesPerSecond(inwards ? other : j, inwards ? j : other));
                }
            }
            return new double[] {bandwidth, 0};
        }
        return new double[] {bandwidth / count, latency / count};
    }
}

package io.sluice.simulator;

import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.cluster.Node;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.solver.OrToolsMaxFlow;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Clusters of equal machines with round numbers: a token id takes 2 bytes, an activation 98, links 1000 bytes/s and 0.5
 * s. One layer takes 0.01 s per prompt token and 0.1 s per decode batch.
 */
final class SmallCluster {
    static final double COPY_SECONDS_PER_TOKEN = 98 * (1 / 4e9 + 1 / 5e9);

    private SmallCluster() {}

    /** Nodes fully connected, each with [first, end) as given, KV cache in tokens per layer. */
    static Topology of(int layers, long kvTokens, boolean partial, int[]... ranges) {
        PlacementProblem problem = problem(layers, kvTokens, partial, ranges.length);
        int[] first = new int[ranges.length];
        int[] end = new int[ranges.length];
        for (int i = 0; i < ranges.length; i++) {
            first[i] = ranges[i][0];
            end[i] = ranges[i][1];
        }
        return Topology.of(problem, Layout.of(first, end), new OrToolsMaxFlow());
    }

    static PlacementProblem problem(int layers, long kvTokens, boolean partial, int nodes) {
        List<Node> members = new ArrayList<>();
        Links.Builder links = Links.builder(nodes);
        for (int i = 0; i < nodes; i++) {
            members.add(new Node(new WorkerId("n" + i), "gpu", "here"));
            links.setBoth(Links.COORDINATOR, i, 1000, 0.5);
            for (int j = 0; j < i; j++) {
                links.setBoth(i, j, 1000, 0.5);
            }
        }
        MachineType type = new MachineType("gpu", 1L << 30, 1e9, 1e9, 1e9, 0, 0, 0);
        Cluster cluster = new Cluster("small", List.of(type), members, links.build(), 1e9, 1e9);
        List<LayerProfile.Held> held = new ArrayList<>();
        for (int k = 1; k <= layers; k++) {
            held.add(new LayerProfile.Held(k, 8.0 / k, kvTokens, 2, 100, 3, 1000));
        }
        LayerProfile profile = new LayerProfile(
                Curve.of(new double[] {0, 100}, new double[] {0, 1}),
                Curve.of(new double[] {0, 1, 100}, new double[] {0, 0.1, 0.1}),
                held);
        ModelSpec model = new ModelSpec("m", layers, 49, 2, 2, 1, 1);
        return new PlacementProblem(
                cluster,
                new ModelProfile(model, Map.of("gpu", profile)),
                new Workload(20, 5),
                PlacementConstraints.NONE.withPartialInference(partial));
    }
}

package io.sluice.core.placement;

import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A cluster by hand: {@code big-0}, {@code big-1} in region {@code a}, {@code small-2} to {@code small-5} in {@code b}. */
final class SmallCluster {
    static final int LAYERS = 8;
    static final double FAST = 1e9;

    private SmallCluster() {}

    static PlacementProblem problem(PlacementConstraints constraints) {
        return problem(constraints, links(FAST));
    }

    static PlacementProblem problem(PlacementConstraints constraints, Links links) {
        List<MachineType> types = List.of(type("big", 6), type("small", 1), type("none", 1));
        Map<String, LayerProfile> profiles = new TreeMap<>(Map.of("big", profile(6, 1200), "small", profile(3, 600)));
        return RandomProblems.of(types, nodes(), links, profiles, LAYERS, constraints);
    }

    static MachineType type(String name, double price) {
        return new MachineType(name, 16L << 30, 1e10, 1e10, 1e9, price, 50 * price, 200 * price);
    }

    static List<Node> nodes() {
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            nodes.add(new Node(
                    new WorkerId((i < 2 ? "big-" : "small-") + i), i < 2 ? "big" : "small", i < 2 ? "a" : "b"));
        }
        return nodes;
    }

    static LayerProfile profile(int maxLayers, double tokensPerSecond) {
        List<LayerProfile.Held> held = new ArrayList<>();
        for (int k = 1; k <= maxLayers; k++) {
            held.add(new LayerProfile.Held(k, tokensPerSecond / k, 400_000 / k, 2, 4096, 200, 200_000));
        }
        return new LayerProfile(Curve.line(0.002, 1e-5), Curve.line(0.002, 1e-5), held);
    }

    /** Complete, this fast within a region, a tenth between regions. */
    static Links links(double bytesPerSecond) {
        List<Node> nodes = nodes();
        Links.Builder links = Links.builder(nodes.size());
        for (int from = Links.COORDINATOR; from < nodes.size(); from++) {
            for (int to = Links.COORDINATOR; to < nodes.size(); to++) {
                if (from != to) {
                    boolean near = from >= 0
                            && to >= 0
                            && nodes.get(from).region().equals(nodes.get(to).region());
                    links.set(from, to, near ? bytesPerSecond : bytesPerSecond / 10, near ? 0.001 : 0.02);
                }
            }
        }
        return links.build();
    }

    /** Ranges by node: first and end in turn. */
    static Layout layout(int... ranges) {
        int[] first = new int[ranges.length / 2];
        int[] end = new int[ranges.length / 2];
        for (int i = 0; i < first.length; i++) {
            first[i] = ranges[2 * i];
            end[i] = ranges[2 * i + 1];
        }
        return Layout.of(first, end);
    }

    /** Every layer on two nodes, and any one may fail. */
    static Layout twice() {
        return layout(0, 4, 4, 8, 0, 2, 2, 4, 4, 6, 6, 8);
    }
}

package io.sluice.solver;

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
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.MultiModelProblem.Demand;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Models {@code alto} and {@code bass} on small clusters. */
final class TwoModels {
    private TwoModels() {}

    /** Equal machines {@code n-0}, ... that do {@code 100 / k} tokens/s with k layers and hold {@code most}. */
    static Cluster equal(int nodes, double bytesPerSecond) {
        List<Node> members = new ArrayList<>();
        for (int i = 0; i < nodes; i++) {
            members.add(new Node(new WorkerId("n-" + i), "T0", i % 2 == 0 ? "east" : "west"));
        }
        Links.Builder links = Links.builder(nodes);
        for (int from = Links.COORDINATOR; from < nodes; from++) {
            for (int to = Links.COORDINATOR; to < nodes; to++) {
                if (from != to) {
                    links.set(from, to, bytesPerSecond, 0.001);
                }
            }
        }
        return new Cluster("equal", List.of(type(0)), members, links.build(), 1e10, 1e10);
    }

    static PlacementProblem model(Cluster cluster, String name, int layers, int most, PlacementConstraints asked) {
        List<LayerProfile.Held> held = new ArrayList<>();
        for (int k = 1; k <= most; k++) {
            held.add(new LayerProfile.Held(k, 100.0 / k, 200_000 / k, 2, 4096, 100, 100_000));
        }
        return model(cluster, name, layers, Map.of("T0", profile(held)), asked);
    }

    static PlacementProblem model(
            Cluster cluster, String name, int layers, Map<String, LayerProfile> profiles, PlacementConstraints asked) {
        ModelSpec spec = new ModelSpec(name, layers, 64, 2, 2, 1 << 20, 256);
        return new PlacementProblem(cluster, new ModelProfile(spec, profiles), new Workload(700, 230), asked);
    }

    static MultiModelProblem both(PlacementProblem alto, double altoWeight, PlacementProblem bass, double bassWeight) {
        return new MultiModelProblem(List.of(new Demand(alto, altoWeight), new Demand(bass, bassWeight)));
    }

    /** Three to five machines of up to three types, links of all kinds; two models of up to four layers. */
    static MultiModelProblem any(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int count = random.nextInt(3, 6);
        List<MachineType> types = List.of(type(0), type(1), type(2));
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            nodes.add(new Node(new WorkerId("n-" + i), "T" + random.nextInt(3), "r" + random.nextInt(2)));
        }
        Links.Builder links = Links.builder(count);
        for (int from = Links.COORDINATOR; from < count; from++) {
            for (int to = Links.COORDINATOR; to < count; to++) {
                if (from != to) {
                    double narrow = random.nextInt(12) == 0 ? 0 : 1e4 * Math.pow(10, random.nextDouble(3));
                    links.set(from, to, narrow, 0.001 * random.nextInt(1, 20));
                }
            }
        }
        Cluster cluster = new Cluster("any" + seed, types, nodes, links.build(), 1e10, 1e10);
        PlacementConstraints asked = PlacementConstraints.NONE.withPartialInference(seed % 2 == 1);
        List<Demand> demands = new ArrayList<>();
        for (String name : List.of("alto", "bass")) {
            int layers = random.nextInt(1, 5);
            Map<String, LayerProfile> profiles = new TreeMap<>();
            for (int t = 0; t < 3; t++) {
                List<LayerProfile.Held> held = new ArrayList<>();
                double speed = 200 * (1 + t) * random.nextDouble(0.5, 2);
                int most = random.nextInt(1, layers + 1);
                for (int k = 1; k <= most; k++) {
                    held.add(new LayerProfile.Held(
                            k, speed / k * random.nextDouble(0.8, 1.2), 200_000 / k, 2, 4096, 100, 100_000));
                }
                profiles.put("T" + t, profile(held));
            }
            demands.add(new Demand(model(cluster, name, layers, profiles, asked), random.nextDouble(0.2, 2)));
        }
        return new MultiModelProblem(demands);
    }

    /** Ranges that often meet; several models may be on a node, if they fit. */
    static List<Layout> layouts(MultiModelProblem problem, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int nodes = problem.cluster().nodes().size();
        double[] filled = new double[nodes];
        List<Layout> layouts = new ArrayList<>();
        for (int m = 0; m < problem.models(); m++) {
            PlacementProblem one = problem.problem(m);
            int[] first = new int[nodes];
            int[] end = new int[nodes];
            for (int i = 0; i < nodes; i++) {
                int k = random.nextInt(one.maxLayers(i) + 1);
                if (filled[i] + (double) k / one.maxLayers(i) <= 1) {
                    filled[i] += (double) k / one.maxLayers(i);
                    first[i] = random.nextInt(one.layers() - k + 1);
                    end[i] = first[i] + k;
                }
            }
            layouts.add(Layout.of(first, end));
        }
        return layouts;
    }

    private static MachineType type(int t) {
        return new MachineType("T" + t, 16L << 30, 1e10, 1e10, 1e9, 1 + t, 50, 300);
    }

    private static LayerProfile profile(List<LayerProfile.Held> held) {
        return new LayerProfile(Curve.line(0.001, 2e-5), Curve.line(0.001, 2e-5), held);
    }
}

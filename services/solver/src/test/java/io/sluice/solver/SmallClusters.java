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
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Clusters of up to four nodes and six layers from a seed, small enough to try every layout. */
final class SmallClusters {
    private SmallClusters() {}

    /** Up to three regions, some links narrow or missing; odd seeds with partial inference, every fifth with a constraint. */
    static PlacementProblem any(long seed) {
        return of(seed, false);
    }

    /** One region of links that never bind, which is what the program of counts assumes. */
    static PlacementProblem fast(long seed) {
        return of(seed, true);
    }

    private static PlacementProblem of(long seed, boolean fast) {
        SplittableRandom random = new SplittableRandom(seed);
        int layers = random.nextInt(1, 7);
        int count = random.nextInt(1, 5);
        int typeCount = random.nextInt(1, 4);
        int regions = fast ? 1 : random.nextInt(1, 4);
        List<MachineType> types = new ArrayList<>();
        Map<String, LayerProfile> profiles = new TreeMap<>();
        for (int t = 0; t < typeCount; t++) {
            types.add(new MachineType("T" + t, 16L << 30, 1e10, 1e10, 1e9, 1 + t, 50, 300));
            List<LayerProfile.Held> held = new ArrayList<>();
            double speed = 200 * (1 + t) * random.nextDouble(0.5, 2);
            int most = random.nextInt(1, layers + 1);
            for (int k = 1; k <= most; k++) {
                held.add(new LayerProfile.Held(
                        k, speed / k * random.nextDouble(0.8, 1.2), 200_000 / k, 2, 4096, 100, 100_000));
            }
            profiles.put("T" + t, new LayerProfile(Curve.line(0.001, 2e-5), Curve.line(0.001, 2e-5), held));
        }
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            nodes.add(new Node(new WorkerId("n-" + i), "T" + random.nextInt(typeCount), "r" + random.nextInt(regions)));
        }
        Links.Builder links = Links.builder(count);
        for (int from = Links.COORDINATOR; from < count; from++) {
            for (int to = Links.COORDINATOR; to < count; to++) {
                if (from != to) {
                    double narrow = random.nextInt(10) == 0 ? 0 : 1e4 * Math.pow(10, random.nextDouble(3));
                    links.set(from, to, fast ? 1e9 : narrow, 0.001);
                }
            }
        }
        int ask = (int) (seed % 5 == 4 ? seed / 5 % 3 : -1);
        PlacementConstraints asked = new PlacementConstraints(
                seed % 2 == 1, Set.of(), Set.of(), Map.of(), ask == 0 ? 2 : 0, ask == 1 ? 2 : 1, ask == 2 ? 4 : 0);
        ModelSpec model = new ModelSpec("psalm", layers, 64, 2, 2, 1 << 20, 256);
        return new PlacementProblem(
                new Cluster("small" + seed, types, nodes, links.build(), 1e10, 1e10),
                new ModelProfile(model, profiles),
                new Workload(700, 230),
                asked);
    }
}

package io.sluice.core.placement;

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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** Seeded problems and layouts for tests; also small ones by hand. */
public final class RandomProblems {
    private RandomProblems() {}

    /** Two to four machine types over one to three regions; some links narrow, some missing; capacities jagged. */
    public static PlacementProblem problem(long seed, int nodes, int layers, PlacementConstraints constraints) {
        SplittableRandom random = new SplittableRandom(seed);
        int typeCount = random.nextInt(2, 5);
        int regions = random.nextInt(1, 4);
        List<MachineType> types = new ArrayList<>();
        Map<String, LayerProfile> profiles = new TreeMap<>();
        for (int t = 0; t < typeCount; t++) {
            String name = "T" + t;
            types.add(new MachineType(name, 16L << 30, 1e10, 1e10, 1e9, 1 + t, 50, 300));
            profiles.put(
                    name, profile(random.nextInt(1, layers + 1), 200 * (1 + t) * random.nextDouble(0.5, 2), random));
        }
        List<Node> members = new ArrayList<>();
        for (int i = 0; i < nodes; i++) {
            members.add(
                    new Node(new WorkerId("n-" + i), "T" + random.nextInt(typeCount), "r" + random.nextInt(regions)));
        }
        boolean fast = random.nextInt(3) == 0;
        Links.Builder links = Links.builder(nodes);
        for (int from = Links.COORDINATOR; from < nodes; from++) {
            for (int to = Links.COORDINATOR; to < nodes; to++) {
                if (from != to) {
                    double narrow = random.nextInt(12) == 0 ? 0 : 1e4 * Math.pow(10, random.nextDouble(3));
                    links.set(from, to, fast ? 1e9 : narrow, 0.001 * random.nextInt(1, 50));
                }
            }
        }
        return of(types, members, links.build(), profiles, layers, constraints);
    }

    /** A type whose throughput falls with the layers held, not quite smoothly. */
    public static LayerProfile profile(int maxLayers, double tokensPerSecond, SplittableRandom random) {
        List<LayerProfile.Held> held = new ArrayList<>();
        for (int k = 1; k <= maxLayers; k++) {
            double speed = tokensPerSecond / k * random.nextDouble(0.8, 1.2);
            held.add(new LayerProfile.Held(k, speed, 200_000 / k, 2, 4096, 100, 100_000));
        }
        return new LayerProfile(Curve.line(0.001, 2e-5), Curve.line(0.001, 2e-5), held);
    }

    /** A problem of model {@code psalm} with 64 hidden elements of 2 bytes. */
    public static PlacementProblem of(
            List<MachineType> types,
            List<Node> nodes,
            Links links,
            Map<String, LayerProfile> profiles,
            int layers,
            PlacementConstraints constraints) {
        Cluster cluster = new Cluster("test", types, nodes, links, 1e10, 1e10);
        ModelSpec model = new ModelSpec("psalm", layers, 64, 2, 2, 1 << 20, 256);
        return new PlacementProblem(cluster, new ModelProfile(model, profiles), new Workload(700, 230), constraints);
    }

    /** Ranges that meet often: boundaries come from a few. */
    public static Layout layout(PlacementProblem problem, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] first = new int[problem.nodes()];
        int[] end = new int[problem.nodes()];
        int grid = random.nextInt(1, Math.max(2, problem.layers() / 2 + 1));
        for (int i = 0; i < first.length; i++) {
            if (problem.maxLayers(i) == 0 || random.nextInt(12) == 0) {
                continue;
            }
            int k = random.nextInt(1, problem.maxLayers(i) + 1);
            first[i] = random.nextInt(problem.layers() - k + 1);
            if (random.nextInt(5) > 0) {
                first[i] = first[i] / grid * grid;
                k = Math.min(problem.maxLayers(i), Math.min(grid, problem.layers() - first[i]));
            }
            end[i] = first[i] + k;
        }
        return Layout.of(first, end);
    }
}

package io.sluice.launcher.bench;

import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.LayerProfile.Held;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.cluster.Node;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import io.sluice.solver.PlacementCatalogue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** The MILP against trying every layout, and max-flow against its minimum cut, on small random clusters. */
final class ExactPart {
    private static final double LIMIT_SECONDS = 30;
    private static final double EQUAL = 1e-6;

    private ExactPart() {}

    static void run(Bench.Setting setting, BenchReport report) {
        int seeds = setting.quick() ? 60 : 1000;
        int equal = 0;
        int cuts = 0;
        for (int seed = 0; seed < seeds; seed++) {
            PlacementProblem problem = problem(seed);
            Best best = bruteForce(problem);
            PlacementOutcome outcome = PlacementCatalogue.byName("milp")
                    .place(problem, Objectives.byName("flow"), SearchControl.of(seed, LIMIT_SECONDS, System::nanoTime));
            double found = outcome.found()
                    .map(layout -> new LayoutFlow(problem).value(layout))
                    .orElse(0.0);
            equal += Math.abs(found - best.value()) <= EQUAL * Math.max(1, best.value()) ? 1 : 0;
            cuts += cutEquals(problem, best) ? 1 : 0;
            if ((seed + 1) % Math.max(1, seeds / 10) == 0) {
                setting.progress((seed + 1) + "/" + seeds + " clusters: " + equal + " equal");
            }
        }
        report.add("exact.milp_equals_brute_force", "clusters", equal, (double) seeds, ">= 1.0");
        report.add("exact.max_flow_equals_min_cut", "clusters", cuts, (double) seeds, ">= 1.0");
    }

    private record Best(Layout layout, double value) {}

    private static boolean cutEquals(PlacementProblem problem, Best best) {
        LayoutFlow.Detail detail = new LayoutFlow(problem).detail(best.layout());
        double cut = 0;
        for (int node : detail.cutNodes()) {
            cut += problem.capacity(node, best.layout().layers(node));
        }
        for (LayoutFlow.LinkFlow link : detail.cutLinks()) {
            cut += link.capacity();
        }
        return Math.abs(cut - detail.value()) <= EQUAL * Math.max(1, cut);
    }

    /** Tries every range, or none, on every node. */
    private static Best bruteForce(PlacementProblem problem) {
        int[] first = new int[problem.nodes()];
        int[] end = new int[problem.nodes()];
        LayoutFlow flow = new LayoutFlow(problem);
        Best[] best = {new Best(Layout.empty(problem.nodes()), 0)};
        tryAll(problem, flow, 0, first, end, best);
        return best[0];
    }

    private static void tryAll(
            PlacementProblem problem, LayoutFlow flow, int node, int[] first, int[] end, Best[] best) {
        if (node == problem.nodes()) {
            double value = flow.value(first, end);
            if (value > best[0].value()) {
                best[0] = new Best(Layout.of(first, end), value);
            }
            return;
        }
        first[node] = 0;
        end[node] = 0;
        tryAll(problem, flow, node + 1, first, end, best);
        for (int from = 0; from < problem.layers(); from++) {
            for (int held = 1; held <= problem.maxLayers(node) && from + held <= problem.layers(); held++) {
                first[node] = from;
                end[node] = from + held;
                tryAll(problem, flow, node + 1, first, end, best);
            }
        }
    }

    /** One to four nodes of two types, two to six layers, links from fast to none, now and then partial inference. */
    private static PlacementProblem problem(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int nodes = 1 + random.nextInt(4);
        int layers = 2 + random.nextInt(5);
        ModelSpec model = new ModelSpec("m", layers, 64, 2, 2, 1_000_000, 256);
        Map<String, LayerProfile> profiles = new TreeMap<>();
        List<MachineType> types = new ArrayList<>();
        for (String type : List.of("a", "b")) {
            types.add(new MachineType(type, 1L << 30, 1e9, 1e9, 1e9, 0, 0, 0));
            profiles.put(type, profile(random, 1 + random.nextInt(layers)));
        }
        List<Node> members = new ArrayList<>();
        for (int i = 0; i < nodes; i++) {
            members.add(new Node(new WorkerId("n" + i), random.nextBoolean() ? "a" : "b", "r" + random.nextInt(2)));
        }
        Links.Builder links = Links.builder(nodes);
        for (int a = Links.COORDINATOR; a < nodes; a++) {
            for (int b = Links.COORDINATOR; b < nodes; b++) {
                if (a != b) {
                    double bytes = random.nextInt(8) == 0 ? 0 : 130 * (20 + 400 * random.nextDouble());
                    links.set(a, b, bytes, 0.001);
                }
            }
        }
        PlacementConstraints asked = PlacementConstraints.NONE.withPartialInference(random.nextInt(4) == 0);
        return new PlacementProblem(
                new Cluster("random" + seed, types, members, links.build(), 1e9, 1e9),
                new ModelProfile(model, profiles),
                Workload.AZURE_CONVERSATION,
                asked);
    }

    private static LayerProfile profile(SplittableRandom random, int most) {
        List<Held> held = new ArrayList<>();
        double rate = 100 + 400 * random.nextDouble();
        for (int k = 1; k <= most; k++) {
            held.add(new Held(k, rate / Math.pow(k, 0.6 + random.nextDouble()), 10_000 / k, 4, 8192, 100, 100_000));
        }
        return new LayerProfile(Curve.line(0.001, 0.0001), Curve.line(0.001, 0.0002), held);
    }
}

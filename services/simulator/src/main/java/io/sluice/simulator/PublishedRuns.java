package io.sluice.simulator;

import io.sluice.clusters.Arrivals;
import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.HelixFlows;
import io.sluice.clusters.HelixFolder;
import io.sluice.clusters.PlacementFile;
import io.sluice.clusters.ReferenceRow;
import io.sluice.clusters.RequestLengths;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.RequestShape;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.MaxFlowSolver;
import io.sluice.simulator.helix.PublishedLoads;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** The published runs of Helix's artefact as scenarios, with the very requests and arrivals those runs drew. */
public final class PublishedRuns {
    private final Path folder;
    private final MaxFlowSolver solver;
    private final HelixFolder helix;
    private final List<RequestShape> lengths;
    private final int[] arrivals;

    /**
     * Opens a folder laid out as {@code examples/helix}.
     *
     * @param solver gives each layout its flows where none are published
     * @throws IllegalArgumentException when a file is missing or wrong; names it
     */
    public PublishedRuns(Path folder, MaxFlowSolver solver) {
        this.folder = folder;
        this.solver = solver;
        this.helix = HelixFolder.open(folder);
        this.lengths = RequestLengths.read(folder.resolve("traces/azure_conv_lengths.csv"));
        this.arrivals = Arrivals.perSlot(folder.resolve("traces/azure_conv_arrivals_per_3s.csv"));
    }

    /** {@code examples/helix} of the checkout that {@code inside} is in; empty: it is in none. */
    public static Optional<Path> folder(Path inside) {
        for (Path at = inside.toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.isDirectory(at.resolve("examples/helix"))) {
                return Optional.of(at.resolve("examples/helix"));
            }
        }
        return Optional.empty();
    }

    /** The published results. */
    public List<ReferenceRow> rows() {
        return helix.reference();
    }

    List<RequestShape> lengths() {
        return lengths;
    }

    ReferenceRow row(String cluster, String model, String method, String mode) {
        return rows().stream()
                .filter(row -> row.cluster().equals(cluster)
                        && row.model().equals(model)
                        && row.method().equals(method)
                        && row.mode().equals(mode))
                .findFirst()
                .orElseThrow();
    }

    /** The run behind a published result. */
    public Scenario scenario(ReferenceRow row) {
        boolean online = row.mode().equals("online");
        String[] parts = row.method().split("\\+");
        String placement = parts[0].replace("_placement", "");
        String scheduler = parts.length == 1 ? placement : parts[1].replace("_scheduler", "");
        SimulationPolicy policy = SimulationPolicies.byName(
                switch (scheduler) {
                    case "separate" -> "random";
                    case "shortest_queue" -> "shortest-queue";
                    default -> scheduler;
                });
        // Upstream placed on the pruned cluster, and its baselines use every link they are given.
        boolean pruned = placement.equals("helix_sched_ablation");
        Map<String, Topology> groups =
                topologies(pruned ? "geo24_pruned_deg12" : row.cluster(), row.model(), placement);
        List<Scenario.Group> loaded = new ArrayList<>();
        int index = 0;
        for (var group : groups.entrySet()) {
            Load load = online
                    ? arrivals(offered(row, groups.size(), index))
                    : PublishedLoads.offline(row.cluster(), row.model(), scheduler, group.getKey());
            loaded.add(new Scenario.Group(group.getKey(), group.getValue(), load));
            index++;
        }
        return new Scenario(
                String.join(" ", row.cluster(), row.model(), row.method(), row.mode()),
                loaded,
                policy,
                drawn(),
                Scenario.Draw.IN_ORDER,
                0,
                online ? 0 : Scenario.OFFLINE_WARM_UP_SECONDS,
                online ? Scenario.ONLINE_WINDOW_SECONDS : Scenario.OFFLINE_WINDOW_SECONDS,
                false);
    }

    private static double offered(ReferenceRow row, int groups, int index) {
        List<Double> each = row.numbers("sub_offered_tokens_per_s");
        if (!each.isEmpty()) {
            return each.get(index);
        }
        // Not in the table: the artefact's settings of the 30B runs on geo24.
        List<Double> known = groups == 1 ? List.of(380.0) : List.of(520.0, 100.0, 140.0);
        return known.get(index);
    }

    /** By sub-cluster, in the order a100, l4, t4; with the flows the artefact routes by where they are known. */
    public Map<String, Topology> topologies(String cluster, String model, String placement) {
        ClusterDescription description = helix.cluster(cluster);
        boolean partial = placement.equals("petals");
        PlacementProblem problem = new PlacementProblem(
                description.cluster(),
                description.model(model),
                Workload.AZURE_CONVERSATION,
                PlacementConstraints.NONE.withPartialInference(partial));
        PlacementFile file = helix.layout(cluster, model, placement);
        Set<String> names = new LinkedHashSet<>();
        file.stages().stream().map(PlacementFile.PlacedStage::group).sorted().forEach(names::add);
        Map<String, Topology> topologies = new TreeMap<>();
        for (String name : names) {
            List<Stage> stages = new ArrayList<>();
            Map<WorkerId, Long> kv = new TreeMap<>();
            for (PlacementFile.PlacedStage stage : file.stages()) {
                if (stage.group().equals(name)) {
                    stages.add(new Stage(stage.worker(), stage.layers()));
                    if (stage.kvTokensPerLayer() > 0) {
                        kv.put(stage.worker(), stage.kvTokensPerLayer());
                    }
                }
            }
            Topology topology = Topology.of(problem, Layout.of(problem, stages), kv, solver);
            Map<String, Double> flows = HelixFlows.read(folder, cluster.replace("_pruned_deg12", ""), model, placement);
            topologies.put(name.isEmpty() ? "all" : name, flows.isEmpty() ? topology : topology.withFlow(flows));
        }
        return topologies;
    }

    /** What the artefact's sampler draws from seed 0, far enough for every run. */
    List<RequestShape> drawn() {
        PythonRandom random = new PythonRandom(0);
        List<RequestShape> drawn = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            drawn.add(lengths.get(random.nextInt(lengths.size())));
        }
        return drawn;
    }

    /** The artefact's online trace at that rate. */
    Load arrivals(double tokensPerSecond) {
        PythonRandom random = new PythonRandom(0);
        double tokens = lengths.stream()
                .mapToDouble(shape -> shape.promptTokens() + shape.outputTokens())
                .average()
                .orElseThrow();
        double mean = Arrays.stream(arrivals).average().orElseThrow();
        double scale = 3 * (tokensPerSecond / tokens) / mean;
        List<Double> times = new ArrayList<>();
        List<RequestShape> shapes = new ArrayList<>();
        double carried = 0;
        for (int slot = 0; slot < 600; slot++) {
            double raw = scale * arrivals[random.nextInt(arrivals.length)];
            int count = (int) Math.rint(raw + carried);
            carried = raw + carried - count;
            double[] inSlot = new double[Math.max(0, count)];
            for (int i = 0; i < inSlot.length; i++) {
                inSlot[i] = slot * 3 + 3 * random.nextDouble();
            }
            Arrays.sort(inSlot);
            for (double time : inSlot) {
                times.add(time);
                shapes.add(lengths.get(random.nextInt(lengths.size())));
            }
        }
        return new Load.Given(times.stream().mapToDouble(Double::doubleValue).toArray(), shapes);
    }
}

package io.sluice.launcher.bench;

import io.sluice.clusters.Arrivals;
import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.HelixFolder;
import io.sluice.clusters.RequestLengths;
import io.sluice.core.cluster.RequestShape;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.MaxFlowSolver;
import io.sluice.launcher.UserException;
import io.sluice.launcher.simulate.PlacedGroups.Placed;
import io.sluice.simulator.PublishedRuns;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Helix's published clusters, layouts and traces as the planner's benchmark uses them. Immutable. */
final class HelixCases {
    static final String LLAMA_70B = "llama2_70b";
    static final String LLAMA_30B = "llama1_30b";

    /** Longest prompt that Helix's machines take in a batch; its artefact filters conversations, not code, so. */
    private static final int MOST_PROMPT_TOKENS = 2048;

    private final Path folder;
    private final HelixFolder helix;
    private final MaxFlowSolver solver;
    private final PublishedRuns runs;

    private HelixCases(Path folder, MaxFlowSolver solver) {
        this.folder = folder;
        this.helix = HelixFolder.open(folder);
        this.solver = solver;
        this.runs = new PublishedRuns(folder, solver);
    }

    /**
     * Opens {@code examples/helix} of the repository.
     *
     * @throws UserException when this is not run from a checkout
     */
    static HelixCases open(MaxFlowSolver solver) {
        Path inside = Path.of(System.getProperty("sluice.repository", ""));
        return new HelixCases(
                PublishedRuns.folder(inside)
                        .orElseThrow(() -> new UserException("examples/helix was not found; run ./sluice bench planner"
                                + " from a checkout of Sluice")),
                solver);
    }

    /** A cluster with a model. */
    record Case(String cluster, String model, PlacementProblem problem) {
        /** For rows: {@code single24.70b}. */
        String name() {
            return cluster + "." + (model.equals(LLAMA_70B) ? "70b" : "30b");
        }

        /** The same with pipelines that may enter a node behind its first layer. */
        Case partial() {
            PlacementConstraints asked = problem.constraints().withPartialInference(true);
            return new Case(
                    cluster,
                    model,
                    new PlacementProblem(problem.cluster(), problem.profile(), problem.workload(), asked));
        }
    }

    /** A recorded load: lengths, and arrivals per slot of three seconds. */
    record Recorded(String name, List<RequestShape> shapes, int[] arrivalsPerSlot) {
        double tokensPerRequest() {
            return shapes.stream()
                    .mapToInt(shape -> shape.promptTokens() + shape.outputTokens())
                    .average()
                    .orElseThrow();
        }
    }

    HelixFolder helix() {
        return helix;
    }

    MaxFlowSolver solver() {
        return solver;
    }

    Case of(String cluster, String model) {
        return of(cluster, model, Workload.AZURE_CONVERSATION);
    }

    Case of(String cluster, String model, Workload workload) {
        ClusterDescription description = helix.cluster(cluster);
        return new Case(
                cluster,
                model,
                new PlacementProblem(
                        description.cluster(), description.model(model), workload, PlacementConstraints.NONE));
    }

    /** A published layout, its sub-clusters apart, with the flow split it was routed by. */
    List<Placed> published(Case of, String method) {
        List<Placed> groups = new ArrayList<>();
        runs.topologies(of.cluster(), of.model(), method)
                .forEach((name, topology) -> groups.add(new Placed(name, topology)));
        return groups;
    }

    /** The published runs. */
    PublishedRuns runs() {
        return runs;
    }

    Recorded conversations() {
        return recorded("azure_conv");
    }

    Recorded code() {
        return recorded("azure_code");
    }

    private Recorded recorded(String name) {
        Path traces = folder.resolve("traces");
        return new Recorded(
                name,
                RequestLengths.read(traces.resolve(name + "_lengths.csv")).stream()
                        .filter(shape -> shape.promptTokens() <= MOST_PROMPT_TOKENS)
                        .toList(),
                Arrivals.perSlot(traces.resolve(name + "_arrivals_per_3s.csv")));
    }
}

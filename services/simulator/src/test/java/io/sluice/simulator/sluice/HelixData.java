package io.sluice.simulator.sluice;

import io.sluice.clusters.Arrivals;
import io.sluice.clusters.HelixFolder;
import io.sluice.clusters.RequestLengths;
import io.sluice.core.Stage;
import io.sluice.core.cluster.RequestShape;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.simulator.Scenario;
import io.sluice.simulator.Simulation;
import io.sluice.simulator.SimulationPolicy;
import io.sluice.simulator.SimulationResult;
import io.sluice.simulator.Topology;
import io.sluice.solver.OrToolsMaxFlow;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Helix's published clusters and layouts for LLaMA-2 70B, and short runs on them. */
final class HelixData {
    private static final String MODEL = "llama2_70b";

    private final Path folder = folder();
    private final HelixFolder helix = HelixFolder.open(folder);

    PlacementProblem problem(String cluster) {
        var description = helix.cluster(cluster);
        return new PlacementProblem(
                description.cluster(),
                description.model(MODEL),
                Workload.AZURE_CONVERSATION,
                PlacementConstraints.NONE);
    }

    Layout layout(PlacementProblem problem, String method) {
        var file = helix.layout(problem.cluster().name(), MODEL, method);
        return Layout.of(
                problem,
                file.stages().stream()
                        .map(stage -> new Stage(stage.worker(), stage.layers()))
                        .toList());
    }

    Topology topology(String cluster, String method) {
        PlacementProblem problem = problem(cluster);
        return Topology.of(problem, layout(problem, method), new OrToolsMaxFlow());
    }

    List<RequestShape> conversations() {
        return RequestLengths.read(folder.resolve("traces/azure_conv_lengths.csv"));
    }

    SimulationResult offline(Topology topology, SimulationPolicy policy, double warmUp, double window) {
        return Simulation.run(
                windowed(Scenario.offline("test", topology, policy, conversations(), 11), warmUp, window));
    }

    /** The prompt-heavy load of a coding assistant: 1379 tokens in, 28 out. */
    SimulationResult offlineCode(Topology topology, SimulationPolicy policy, double warmUp, double window) {
        List<RequestShape> shapes = RequestLengths.read(folder.resolve("traces/azure_code_lengths.csv"));
        return Simulation.run(windowed(Scenario.offline("test", topology, policy, shapes, 11), warmUp, window));
    }

    SimulationResult online(Topology topology, SimulationPolicy policy, double tokensPerSecond, double window) {
        int[] arrivals = Arrivals.perSlot(folder.resolve("traces/azure_conv_arrivals_per_3s.csv"));
        return Simulation.run(windowed(
                Scenario.online("test", topology, policy, conversations(), tokensPerSecond, arrivals, 11), 0, window));
    }

    private static Scenario windowed(Scenario s, double warmUp, double window) {
        return new Scenario(
                s.name(), s.groups(), s.policy(), s.shapes(), s.draw(), s.seed(), warmUp, window, s.drain());
    }

    private static Path folder() {
        for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
            if (Files.isDirectory(at.resolve("examples/helix"))) {
                return at.resolve("examples/helix");
            }
        }
        throw new IllegalStateException(
                "examples/helix is in no folder above " + Path.of("").toAbsolutePath());
    }
}

package io.sluice.simulator.sluice;

import io.sluice.core.cluster.RequestShape;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.MaxFlowSolver;
import io.sluice.simulator.Scenario;
import io.sluice.simulator.Simulation;
import io.sluice.simulator.SimulationPolicy;
import io.sluice.simulator.SimulationResult;
import io.sluice.simulator.Topology;
import java.util.List;
import java.util.Objects;

/**
 * What a layout serves in short simulations: mean decode tokens/s over some seeds, the same for every layout, less where
 * prompts take longer than they may. Deterministic. Thread-safe if policy and solver are.
 *
 * @param policy how the cluster is scheduled
 * @param shapes request lengths to draw from
 * @param solver gives each layout its flows
 * @param seeds of the simulations; not those that results are reported for
 * @param warmUpSeconds before measuring: long enough to fill the KV cache
 * @param windowSeconds measured
 * @param mostPromptSeconds mean prompt latency beyond which a layout loses in proportion; infinite: never
 */
public record SimulatedScore(
        SimulationPolicy policy,
        List<RequestShape> shapes,
        MaxFlowSolver solver,
        List<Long> seeds,
        double warmUpSeconds,
        double windowSeconds,
        double mostPromptSeconds) {
    public SimulatedScore {
        Objects.requireNonNull(policy, "policy");
        Objects.requireNonNull(solver, "solver");
        shapes = List.copyOf(shapes);
        seeds = List.copyOf(seeds);
        if (seeds.isEmpty() || shapes.isEmpty() || !(mostPromptSeconds > 0)) {
            throw new IllegalArgumentException(seeds.size() + " seeds, " + shapes.size() + " request lengths and "
                    + mostPromptSeconds + " s for prompts: at least one of each and a positive time are needed");
        }
    }

    /** Score of a layout, tokens/s; 0 when it cannot serve. */
    public double of(PlacementProblem problem, Layout layout) {
        Topology topology;
        try {
            topology = Topology.of(problem, layout, solver);
        } catch (IllegalArgumentException noPipeline) {
            return 0;
        }
        double sum = 0;
        for (long seed : seeds) {
            SimulationResult result = run(topology, seed);
            double late = result.prompt().mean() / mostPromptSeconds;
            sum += result.decodeTokensPerSecond() / Math.max(1, late);
        }
        return sum / seeds.size();
    }

    private SimulationResult run(Topology topology, long seed) {
        Scenario full = Scenario.offline("search", topology, policy, shapes, seed);
        return Simulation.run(new Scenario(
                full.name(),
                full.groups(),
                full.policy(),
                full.shapes(),
                full.draw(),
                full.seed(),
                warmUpSeconds,
                windowSeconds,
                false));
    }
}

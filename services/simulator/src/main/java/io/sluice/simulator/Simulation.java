package io.sluice.simulator;

/**
 * Runs scenarios. Deterministic: the same scenario gives the same result, bit for bit, whatever else runs; no clock is
 * read. Thread-safe when the scenario's policy is.
 */
public final class Simulation {
    private Simulation() {}

    /** Runs {@code scenario} to its end. */
    public static SimulationResult run(Scenario scenario) {
        return GroupRun.sum(
                scenario,
                scenario.groups().stream()
                        .map(group -> new Engine(scenario, group).run())
                        .toList());
    }
}

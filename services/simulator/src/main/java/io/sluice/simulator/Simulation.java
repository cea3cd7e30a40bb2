package io.sluice.simulator;

/** Runs scenarios. Deterministic: the same scenario gives the same result, bit for bit. */
public final class Simulation {
    private Simulation() {}

    /** Runs {@code scenario} to its end. */
    public static SimulationResult run(Scenario scenario) {
        throw new UnsupportedOperationException("the engine comes next: " + scenario.name());
    }
}

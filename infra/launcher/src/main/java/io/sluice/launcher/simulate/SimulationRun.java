package io.sluice.launcher.simulate;

import io.sluice.simulator.SimulationResult;

/**
 * A finished run.
 *
 * @param wallSeconds real time it took
 */
record SimulationRun(String policy, SimulationResult result, double wallSeconds) {
    /** Simulated seconds per second of real time. */
    double speed() {
        return wallSeconds > 0 ? result.simulatedSeconds() / wallSeconds : 0;
    }
}

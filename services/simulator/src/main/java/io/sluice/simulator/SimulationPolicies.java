package io.sluice.simulator;

import io.sluice.simulator.helix.BaselinePolicy;
import io.sluice.simulator.helix.HelixPolicy;
import io.sluice.simulator.sluice.CommonPhysics;
import io.sluice.simulator.sluice.SluicePolicy;
import java.util.List;

/** The policies by name. */
public final class SimulationPolicies {
    private static final List<SimulationPolicy> ALL = List.of(
            new SluicePolicy(),
            new HelixPolicy(),
            new CommonPhysics(new HelixPolicy()),
            BaselinePolicy.swarm(),
            BaselinePolicy.random(),
            BaselinePolicy.shortestQueue());

    private SimulationPolicies() {}

    /** All policies, in the order users see them. */
    public static List<SimulationPolicy> all() {
        return ALL;
    }

    /**
     * The policy of that name.
     *
     * @throws IllegalArgumentException when there is none; names those there are
     */
    public static SimulationPolicy byName(String name) {
        for (SimulationPolicy policy : ALL) {
            if (policy.name().equals(name)) {
                return policy;
            }
        }
        throw new IllegalArgumentException("policy '" + name + "' must be one of "
                + ALL.stream().map(SimulationPolicy::name).toList());
    }
}

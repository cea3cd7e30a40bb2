package io.sluice.simulator.helix;

import io.sluice.simulator.Load;
import java.util.Map;

/**
 * How many requests Helix's artefact keeps in flight in its offline runs of the baselines; Helix itself is fed by its KV
 * mark. Set by hand upstream, per cluster, model, scheduler and sub-cluster.
 */
public final class PublishedLoads {
    private static final Map<String, Integer> IN_FLIGHT = Map.ofEntries(
            Map.entry("single24 llama2_70b swarm all", 180),
            Map.entry("single24 llama1_30b swarm all", 50),
            Map.entry("geo24 llama2_70b swarm all", 180),
            Map.entry("geo24 llama1_30b swarm all", 60),
            Map.entry("single24 llama2_70b separate a100", 18),
            Map.entry("single24 llama2_70b separate l4", 40),
            Map.entry("single24 llama2_70b separate t4", 3),
            Map.entry("single24 llama1_30b separate a100", 30),
            Map.entry("single24 llama1_30b separate l4", 25),
            Map.entry("single24 llama1_30b separate t4", 25),
            Map.entry("geo24 llama2_70b separate a100", 1),
            Map.entry("geo24 llama2_70b separate l4", 60),
            Map.entry("geo24 llama2_70b separate t4", 50),
            Map.entry("geo24 llama1_30b separate a100", 35),
            Map.entry("geo24 llama1_30b separate l4", 40),
            Map.entry("geo24 llama1_30b separate t4", 40));

    private PublishedLoads() {}

    /**
     * The offline load of a published run; 180 in flight where none was published.
     *
     * @param method of the row: {@code helix}, {@code swarm}, {@code separate}
     * @param group {@code all}, or the sub-cluster
     */
    public static Load offline(String cluster, String model, String method, String group) {
        if (method.equals("helix")) {
            return Load.Fill.HELIX;
        }
        return new Load.Constant(IN_FLIGHT.getOrDefault(String.join(" ", cluster, model, method, group), 180));
    }
}

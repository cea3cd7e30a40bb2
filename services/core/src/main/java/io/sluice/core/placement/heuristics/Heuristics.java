package io.sluice.core.placement.heuristics;

import io.sluice.core.placement.PlacementMethod;
import java.util.List;

/** All placement rules, by name. Stateless and thread-safe. */
public final class Heuristics {
    private static final List<PlacementMethod> ALL = List.of(
            new HeuristicMethod(
                    "petals",
                    "Petals' greedy: machines join in random order and take the layers with least throughput (Borzunov"
                            + " et al., 2023); wants partial inference",
                    new Petals()),
            new HeuristicMethod(
                    "swarm",
                    "even stages, each machine to the weakest one (SWARM, Ryabinin et al., ICML'23)",
                    new Swarm()),
            new HeuristicMethod(
                    "separate",
                    "pipelines of like machines, every machine type by itself (baseline of Helix, ASPLOS'25)",
                    new Separate(false)),
            new HeuristicMethod(
                    "separate-plus",
                    "pipelines of like machines, and mixed ones of the types that cannot serve alone (baseline of"
                            + " Helix, ASPLOS'25)",
                    new Separate(true)),
            new HeuristicMethod(
                    "parallax",
                    "many pipelines of few stages, layers by power, the rest replicates (phase 1 of Parallax, Tong et"
                            + " al., 2025)",
                    new Parallax()),
            new HeuristicMethod(
                    "proportional",
                    "layers by memory, machines grouped so that the slowest stage is fastest (Sluice's rule for a few"
                            + " workers)",
                    new Proportional()),
            new HeuristicMethod(
                    "region-chains",
                    "one pipeline of stages of like machines, region after region, largest flow by knapsacks (Sluice)",
                    new RegionChains()));

    private Heuristics() {}

    /** Every rule, in the order to list them. */
    public static List<PlacementMethod> all() {
        return ALL;
    }

    /**
     * The rule of this name.
     *
     * @throws IllegalArgumentException when there is none; the message lists them
     */
    public static PlacementMethod byName(String name) {
        return ALL.stream().filter(m -> m.name().equals(name)).findFirst().orElseThrow(() -> {
            List<String> names = ALL.stream().map(PlacementMethod::name).toList();
            return new IllegalArgumentException("no placement rule '" + name + "'; choose one of " + names);
        });
    }
}

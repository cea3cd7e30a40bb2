package io.sluice.solver;

import io.sluice.core.placement.LocalSearch;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.heuristics.Heuristics;
import java.util.ArrayList;
import java.util.List;

/** Every placement method of core and solver, by name. Stateless and thread-safe. */
public final class PlacementCatalogue {
    /** Name of the method to take when none is asked for. */
    public static final String DEFAULT = "sluice";

    private PlacementCatalogue() {}

    /** All methods, in the order to list them: the default, solvers, search, rules. */
    public static List<PlacementMethod> all() {
        List<PlacementMethod> all = new ArrayList<>(List.of(
                new SluicePlacement(),
                new BlockPlacement(),
                new CountMilpPlacement(),
                new MilpPlacement(),
                new LnsPlacement(),
                new LocalSearch()));
        all.addAll(Heuristics.all());
        return List.copyOf(all);
    }

    /**
     * The method of that name.
     *
     * @throws IllegalArgumentException when there is none; names those there are
     */
    public static PlacementMethod byName(String name) {
        return all().stream().filter(m -> m.name().equals(name)).findFirst().orElseThrow(() -> {
            List<String> names = all().stream().map(PlacementMethod::name).toList();
            return new IllegalArgumentException("no placement method '" + name + "'; choose one of " + names);
        });
    }
}

package io.sluice.solver;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.placement.heuristics.Heuristics;
import java.util.ArrayList;
import java.util.List;

/** Layouts of all placement rules, as starts of a search. Stateless and thread-safe. */
final class Starts {
    private Starts() {}

    /** Every rule's layout, offered to {@code best}; returns them all. */
    static List<Layout> offer(PlacementProblem problem, BestSoFar best, SearchControl control) {
        List<Layout> found = new ArrayList<>();
        SearchControl silent = control.withListener(progress -> {}).withStarts(List.of());
        for (PlacementMethod rule : Heuristics.all()) {
            if (!control.expired()) {
                rule.place(problem, best.objective(), silent).found().ifPresent(layout -> {
                    found.add(layout);
                    best.offer(layout);
                });
            }
        }
        return found;
    }
}

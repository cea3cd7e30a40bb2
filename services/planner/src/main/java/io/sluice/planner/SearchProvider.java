package io.sluice.planner;

import io.sluice.core.placement.LocalSearch;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.planning.live.PlacementSearch;
import java.io.Serializable;
import java.util.List;

/** Opens a placement search where a subtask runs; travels with the job graph. */
@FunctionalInterface
interface SearchProvider extends Serializable {
    /** Opens a search; it is used by one thread. */
    PlacementSearch open();

    /** The search that {@code sluice plan} uses, too, by the objective asked for, from the present layout, with a fixed seed. */
    static SearchProvider shared() {
        // A limit by changes beside the one by time: a handful of workers shall not take two seconds of two cores.
        return () -> (problem, current, objective, seconds) -> new LocalSearch(20_000L * Math.max(1, problem.nodes()))
                .place(
                        problem,
                        objective,
                        SearchControl.of(1, seconds, System::nanoTime).withStarts(List.of(current)));
    }
}

package io.sluice.solver;

import io.sluice.core.placement.Feasibility;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LocalSearch;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Method {@code sluice}, the default: everything in the order in which it pays. The placement rules give starts within
 * milliseconds, {@link CoverBound} the bound, {@link BlockPlacement} layouts of large flow; then, for flow,
 * {@link LnsPlacement} and {@link LocalSearch} in turn close what gap is left, and for any other objective
 * {@link LocalSearch} walks on from all of these with the objective's own value. Anytime; stops on gap, time or
 * {@code stopped}. Stateless and thread-safe.
 */
public final class SluicePlacement implements PlacementMethod {
    private static final double TURN_SECONDS = 8;

    @Override
    public String name() {
        return "sluice";
    }

    @Override
    public String description() {
        return "all of the below in turn: rules, blocks with a bound, search and mixed-integer programs (Sluice; default)";
    }

    @Override
    public PlacementOutcome place(PlacementProblem problem, PlacementObjective objective, SearchControl control) {
        Optional<String> impossible = Feasibility.explain(problem);
        if (impossible.isPresent()) {
            return new PlacementOutcome.Infeasible(impossible.get());
        }
        BestSoFar best = new BestSoFar(name(), problem, objective, control);
        List<Layout> starts = new ArrayList<>(control.starts());
        starts.addAll(Starts.offer(problem, best, control));
        if (best.isFlow()) {
            best.flowBound(new CoverBound(problem).flow(control));
        }
        SearchControl blocks = control.withListener(progress -> progress.best().ifPresent(starts::add));
        BestSoFar byFlow = new BestSoFar(name(), problem, best.objective(), blocks.withStarts(List.of()));
        if (!best.done()) {
            BlockPlacement.improve(problem, byFlow, control);
            starts.forEach(best::offer);
            best.prove();
        }
        if (best.isFlow()) {
            closeGap(problem, best, control);
        } else {
            search(problem, best, control, starts, control.remainingSeconds());
        }
        best.prove();
        return best.outcome(
                "nothing that keeps the constraints was found in time; give more time or fewer constraints");
    }

    private static void closeGap(PlacementProblem problem, BestSoFar best, SearchControl control) {
        double before = -1;
        while (!best.done() && best.value() > before) {
            before = best.value();
            for (int turn = 0; turn < 4 && !best.done(); turn++) {
                search(problem, best, control, best.layout().stream().toList(), TURN_SECONDS);
                LnsPlacement.improve(problem, best, within(control, turn, TURN_SECONDS), Integer.MAX_VALUE);
            }
        }
    }

    private static void search(
            PlacementProblem problem, BestSoFar best, SearchControl control, List<Layout> starts, double seconds) {
        List<Layout> all = new ArrayList<>(best.layout().stream().toList());
        all.addAll(starts);
        SearchControl turn = within(control, starts.size(), seconds)
                .withStarts(all)
                .withListener(progress -> progress.best().ifPresent(best::offer));
        new LocalSearch().place(problem, best.objective(), turn).found().ifPresent(best::offer);
    }

    /** The control for a turn of so many seconds from now. */
    private static SearchControl within(SearchControl control, int turn, double seconds) {
        double left = Math.min(seconds, control.remainingSeconds());
        return new SearchControl(
                control.seed() + turn,
                Math.round(left * 1e9),
                control.nanoTime().getAsLong(),
                control.nanoTime(),
                control.stopped(),
                control.gapTarget(),
                List.of(),
                progress -> {});
    }
}

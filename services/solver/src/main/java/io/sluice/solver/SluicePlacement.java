package io.sluice.solver;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LocalSearch;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.ArrayList;
import java.util.List;

/**
 * Method {@code sluice}, the default: everything in the order in which it pays. The placement rules give starts within
 * milliseconds, {@link CoverBound} the bound, {@link BlockPlacement} layouts of large flow; then, for flow,
 * {@link LnsPlacement} and {@link LocalSearch} in turn close what gap is left, and for any other objective
 * {@link LocalSearch} walks on from all of these with the objective's own value. Anytime; stops on gap, time or
 * {@code stopped}. Stateless and thread-safe.
 */
public final class SluicePlacement implements PlacementMethod {
    private static final double TURN_SECONDS = 8;
    /** Part of the time for the bound, should it be slow. */
    private static final double BOUND_SHARE = 0.1;

    private static final double LEAST_BOUND_SECONDS = 12;

    /** Above so many nodes, moving one at a time gains nothing in minutes. */
    static final int MOST_NODES_ONE_BY_ONE = 260;

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
        return BestSoFar.search(name(), problem, objective, control, best -> run(problem, best, control));
    }

    private PlacementOutcome run(PlacementProblem problem, BestSoFar best, SearchControl control) {
        List<Layout> starts = new ArrayList<>(control.starts());
        starts.addAll(Starts.offer(problem, best, control));
        if (best.isFlow()) {
            best.flowBound(new CoverBound(problem).flow(forBound(control)));
        }
        SearchControl blocks = control.withListener(progress -> progress.best().ifPresent(starts::add));
        BestSoFar byFlow = new BestSoFar(name(), problem, best.objective(), blocks.withStarts(List.of()));
        if (!best.done() && best.isFlow()) {
            BlockPlacement.improve(problem, best, control);
            best.prove();
        } else if (!best.done()) {
            BlockPlacement.improve(problem, byFlow, control);
            starts.forEach(best::offer);
        }
        if (best.isFlow() && problem.nodes() <= MOST_NODES_ONE_BY_ONE) {
            closeGap(problem, best, control);
        } else if (!best.isFlow()) {
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

    /** The control for the bound, which large clusters would spend minutes on. */
    static SearchControl forBound(SearchControl control) {
        return within(control, 0, Math.max(LEAST_BOUND_SECONDS, BOUND_SHARE * control.remainingSeconds()));
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

package io.sluice.core.placement.heuristics;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import io.sluice.core.planning.ProportionalPlacement;
import java.util.ArrayList;
import java.util.List;

/**
 * {@link ProportionalPlacement}, the planner's rule for small groups of workers, for every number of stages: layers by
 * memory, replicas grouped so that the slowest stage is fastest.
 */
final class Proportional implements HeuristicMethod.Rule {
    /** Its improvement compares all pairs of machines again and again. */
    private static final int MOST_NODES = 64;

    @Override
    public List<Layout> layouts(PlacementProblem problem, SearchControl control) throws HeuristicMethod.Impossible {
        List<Integer> free = Draft.free(problem);
        if (free.size() > MOST_NODES) {
            throw new HeuristicMethod.Impossible(
                    "the rule compares all pairs of " + free.size() + " machines, at most " + MOST_NODES);
        }
        var spec = problem.model();
        var model = new ProportionalPlacement.Model(
                spec.name(), spec.layerCount(), spec.hiddenSize(), spec.activationBytes(), 1);
        List<ProportionalPlacement.Candidate> candidates = new ArrayList<>();
        for (int node : free) {
            candidates.add(new ProportionalPlacement.Candidate(
                    problem.cluster().nodes().get(node).id(),
                    problem.maxLayers(node),
                    Math.max(1e-9, Draft.power(problem, node))));
        }
        List<Layout> layouts = new ArrayList<>();
        String reason = "every machine is pinned";
        for (int stages = 1; stages <= Math.min(free.size(), problem.layers()) && !control.expired(); stages++) {
            try {
                var plan = ProportionalPlacement.plan(model, 1, candidates, stages);
                Draft draft = new Draft(problem);
                var index = problem.cluster().indexById();
                plan.stages()
                        .forEach(s -> draft.set(
                                index.get(s.worker()),
                                s.layers().first(),
                                s.layers().end()));
                layouts.add(draft.layout());
            } catch (IllegalArgumentException e) {
                reason = e.getMessage();
            }
        }
        if (layouts.isEmpty()) {
            throw new HeuristicMethod.Impossible(reason);
        }
        return layouts;
    }
}

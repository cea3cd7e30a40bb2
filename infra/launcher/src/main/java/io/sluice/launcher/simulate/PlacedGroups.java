package io.sluice.launcher.simulate;

import io.sluice.clusters.PlacementFile;
import io.sluice.clusters.PlacementFile.PlacedStage;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.MaxFlowSolver;
import io.sluice.launcher.UserException;
import io.sluice.simulator.Topology;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The sub-clusters of a placement file as the simulator wants them; most placements are one. */
public final class PlacedGroups {
    private static final String WHOLE = "all";

    private PlacedGroups() {}

    /** One sub-cluster; no pipeline leaves it. */
    public record Placed(String name, Topology topology) {}

    /**
     * The groups, in the order in which the file names them first.
     *
     * @throws IllegalArgumentException when a group's nodes are unknown or do not hold the whole model
     */
    public static List<Placed> of(PlacementProblem problem, PlacementFile file, MaxFlowSolver solver) {
        Map<String, List<PlacedStage>> byGroup = new LinkedHashMap<>();
        file.stages().forEach(stage -> byGroup.computeIfAbsent(stage.group(), group -> new ArrayList<>())
                .add(stage));
        List<Placed> groups = new ArrayList<>();
        byGroup.forEach((name, stages) -> {
            Map<WorkerId, Long> kv = new LinkedHashMap<>();
            List<Stage> held = new ArrayList<>();
            for (PlacedStage stage : stages) {
                held.add(new Stage(stage.worker(), stage.layers()));
                if (stage.kvTokensPerLayer() > 0) {
                    kv.put(stage.worker(), stage.kvTokensPerLayer());
                }
            }
            Layout layout = Layout.of(problem, held);
            groups.add(new Placed(name.isEmpty() ? WHOLE : name, Topology.of(problem, layout, kv, solver)));
        });
        return groups;
    }

    /**
     * The layout of all groups together.
     *
     * @throws UserException when the file is for another model or layers are out of range
     */
    public static Layout layout(PlacementProblem problem, PlacementFile file) {
        if (!file.model().equals(problem.model().name())) {
            throw new UserException("the placement is of model " + file.model() + ", not of "
                    + problem.model().name() + "; give --model " + file.model());
        }
        for (PlacedStage stage : file.stages()) {
            if (stage.layers().end() > problem.layers()) {
                throw new UserException("the placement gives " + stage.worker() + " layers " + stage.layers() + ", but "
                        + problem.model().name() + " has " + problem.layers());
            }
        }
        return Layout.of(
                problem,
                file.stages().stream()
                        .map(stage -> new Stage(stage.worker(), stage.layers()))
                        .toList());
    }
}

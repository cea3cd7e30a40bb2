package io.sluice.solver;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.Node;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A problem of some of the nodes of another, so that what grows with the square of nodes stays small. Stateless. */
final class SubProblem {
    private SubProblem() {}

    /** The problem of {@code nodes} alone, numbered in the order given. */
    static PlacementProblem of(PlacementProblem problem, List<Integer> nodes) {
        Cluster old = problem.cluster();
        List<Node> kept = new ArrayList<>();
        Set<WorkerId> ids = new HashSet<>();
        for (int node : nodes) {
            kept.add(old.nodes().get(node));
            ids.add(old.nodes().get(node).id());
        }
        Links.Builder links = Links.builder(nodes.size());
        for (int a = Links.COORDINATOR; a < nodes.size(); a++) {
            for (int b = Links.COORDINATOR; b < nodes.size(); b++) {
                if (a != b) {
                    int u = a == Links.COORDINATOR ? a : nodes.get(a);
                    int v = b == Links.COORDINATOR ? b : nodes.get(b);
                    links.set(
                            a, b, old.links().bytesPerSecond(u, v), old.links().latencySeconds(u, v));
                }
            }
        }
        PlacementConstraints asked = problem.constraints();
        Map<WorkerId, LayerRange> pinned = new HashMap<>(asked.pinned());
        pinned.keySet().retainAll(ids);
        Set<WorkerId> empty = new HashSet<>(asked.emptyNodes());
        empty.retainAll(ids);
        return new PlacementProblem(
                new Cluster(
                        old.name(),
                        old.types(),
                        kept,
                        links.build(),
                        old.coordinatorOutBytesPerSecond(),
                        old.coordinatorInBytesPerSecond()),
                problem.profile(),
                problem.workload(),
                new PlacementConstraints(
                        asked.partialInference(),
                        asked.allowedRegions(),
                        empty,
                        pinned,
                        asked.maxHops(),
                        asked.minReplicas(),
                        asked.priceCeilingPerHour()));
    }
}

package io.sluice.core.placement;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What the owner of a cluster asks of a placement. Immutable.
 *
 * @param partialInference whether a pipeline may enter a node behind its first layer
 * @param allowedRegions regions that may hold the model (data locality); empty: all
 * @param emptyNodes nodes to leave empty
 * @param pinned nodes whose range is given
 * @param maxHops most stages in a pipeline; 0: any number
 * @param minReplicas every layer is on at least so many nodes; 2 survives the loss of any one node
 * @param priceCeilingPerHour most the nodes used may cost together; 0: anything
 */
public record PlacementConstraints(
        boolean partialInference,
        Set<String> allowedRegions,
        Set<WorkerId> emptyNodes,
        Map<WorkerId, LayerRange> pinned,
        int maxHops,
        int minReplicas,
        double priceCeilingPerHour) {
    /** Nothing asked, partial inference off as in Helix's published layouts. */
    public static final PlacementConstraints NONE =
            new PlacementConstraints(false, Set.of(), Set.of(), Map.of(), 0, 1, 0);

    public PlacementConstraints {
        allowedRegions = Collections.unmodifiableSet(new TreeSet<>(allowedRegions));
        emptyNodes = Collections.unmodifiableSet(new TreeSet<>(emptyNodes));
        pinned = Collections.unmodifiableMap(new TreeMap<>(pinned));
        if (maxHops < 0 || minReplicas < 1 || !(priceCeilingPerHour >= 0)) {
            throw new IllegalArgumentException("most hops " + maxHops + " and price ceiling " + priceCeilingPerHour
                    + " must not be negative, replicas " + minReplicas + " must be at least 1");
        }
        for (WorkerId node : pinned.keySet()) {
            if (emptyNodes.contains(node)) {
                throw new IllegalArgumentException("node " + node + " is both pinned and to be left empty; drop one");
            }
        }
    }

    public PlacementConstraints withPartialInference(boolean partial) {
        return new PlacementConstraints(
                partial, allowedRegions, emptyNodes, pinned, maxHops, minReplicas, priceCeilingPerHour);
    }

    /** The same with other nodes to leave empty, in place of those so far. */
    public PlacementConstraints withEmptyNodes(Set<WorkerId> empty) {
        return new PlacementConstraints(
                partialInference, allowedRegions, empty, pinned, maxHops, minReplicas, priceCeilingPerHour);
    }

    /** The same with other nodes whose range is given, in place of those so far. */
    public PlacementConstraints withPinned(Map<WorkerId, LayerRange> ranges) {
        return new PlacementConstraints(
                partialInference, allowedRegions, emptyNodes, ranges, maxHops, minReplicas, priceCeilingPerHour);
    }
}

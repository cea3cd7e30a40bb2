package io.sluice.launcher.plan;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.placement.PlacementConstraints;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/** What the owner of a cluster asks of a placement, as flags; a flag replaces what the cluster file says. */
final class ConstraintOptions {
    @Option(
            names = "--allowed-regions",
            paramLabel = "REGION",
            split = ",",
            description = "Only nodes of these regions may hold layers (data locality).")
    private List<String> allowedRegions = List.of();

    @Option(names = "--empty", paramLabel = "NODE", split = ",", description = "Leave these nodes empty.")
    private List<String> empty = List.of();

    @Option(
            names = "--pin",
            paramLabel = "NODE=FIRST-END",
            split = ",",
            description = "This node holds these layers, for example a100-0=0-8 for layers 0 to 7; may be repeated.")
    private Map<String, String> pins = new LinkedHashMap<>();

    @Option(names = "--max-hops", paramLabel = "N", description = "Most nodes in a pipeline; 0: any number.")
    private Integer maxHops;

    @Option(
            names = "--min-replicas",
            paramLabel = "N",
            description = "Every layer is on at least so many nodes; 2 survives the loss of any one node.")
    private Integer minReplicas;

    @Option(
            names = "--price-ceiling",
            paramLabel = "PRICE",
            description = "Most the nodes used may cost per hour together; 0: anything.")
    private Double priceCeiling;

    @Option(
            names = "--partial-inference",
            description = "Pipelines may enter a node behind its first layer, as in Petals.")
    private boolean partialInference;

    /**
     * The constraints: those of the cluster file, each replaced where a flag says otherwise.
     *
     * @throws IllegalArgumentException when a value makes no sense; names it
     */
    PlacementConstraints over(PlacementConstraints file) {
        Map<WorkerId, LayerRange> pinned = new LinkedHashMap<>();
        pins.forEach((node, layers) -> pinned.put(new WorkerId(node.trim()), LayerRange.parse(layers)));
        Set<WorkerId> emptied =
                empty.stream().map(String::trim).map(WorkerId::new).collect(Collectors.toCollection(TreeSet::new));
        Set<String> regions = allowedRegions.stream().map(String::trim).collect(Collectors.toCollection(TreeSet::new));
        return new PlacementConstraints(
                partialInference || file.partialInference(),
                regions.isEmpty() ? file.allowedRegions() : regions,
                emptied.isEmpty() ? file.emptyNodes() : emptied,
                pinned.isEmpty() ? file.pinned() : pinned,
                maxHops == null ? file.maxHops() : maxHops,
                minReplicas == null ? file.minReplicas() : minReplicas,
                priceCeiling == null ? file.priceCeilingPerHour() : priceCeiling);
    }
}

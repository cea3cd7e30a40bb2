package io.sluice.clusters;

import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a cluster file holds: the cluster, the models that can be placed on it, and what is asked of their placement.
 * Immutable.
 *
 * @param models by name
 * @param demand share of the load each model gets, any positive unit; a model that is not named has 1
 * @param workload what requests look like on average
 * @param constraints what is asked of the placement of each model; a model that is not named has none
 */
public record ClusterDescription(
        Cluster cluster,
        SortedMap<String, ModelProfile> models,
        SortedMap<String, Double> demand,
        Workload workload,
        SortedMap<String, PlacementConstraints> constraints) {
    public ClusterDescription {
        Objects.requireNonNull(cluster, "cluster");
        Objects.requireNonNull(workload, "workload");
        models = Collections.unmodifiableSortedMap(new TreeMap<>((Map<String, ModelProfile>) models));
        demand = Collections.unmodifiableSortedMap(new TreeMap<>((Map<String, Double>) demand));
        constraints = Collections.unmodifiableSortedMap(new TreeMap<>((Map<String, PlacementConstraints>) constraints));
    }

    /** Nothing asked of placements, equal demand, the requests of {@link Workload#AZURE_CONVERSATION}. */
    public ClusterDescription(Cluster cluster, SortedMap<String, ModelProfile> models) {
        this(cluster, models, new TreeMap<>(), Workload.AZURE_CONVERSATION, new TreeMap<>());
    }

    /**
     * The model of that name.
     *
     * @throws IllegalArgumentException when there is none; names those there are
     */
    public ModelProfile model(String name) {
        ModelProfile found = models.get(name);
        if (found == null) {
            throw new IllegalArgumentException(
                    "cluster " + cluster.name() + " describes no model '" + name + "'; it has " + models.keySet());
        }
        return found;
    }

    /** Share of the load of {@code model}. */
    public double demandOf(String model) {
        return demand.getOrDefault(model, 1.0);
    }

    /** What is asked of the placement of {@code model}. */
    public PlacementConstraints constraintsOf(String model) {
        return constraints.getOrDefault(model, PlacementConstraints.NONE);
    }

    /**
     * The placement of {@code model} on this cluster as a problem to solve.
     *
     * @throws IllegalArgumentException when there is no such model
     */
    public PlacementProblem problem(String model) {
        return new PlacementProblem(cluster, model(model), workload, constraintsOf(model));
    }
}

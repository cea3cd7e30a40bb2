package io.sluice.core.placement;

import io.sluice.core.cluster.Cluster;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Several models to be placed on one cluster, each with its part of the demand. Immutable and thread-safe.
 *
 * @param demands one per model, all on the same cluster, in the order in which results are given
 */
public record MultiModelProblem(List<Demand> demands) {
    /**
     * A model, what is asked of its placement, and its part of all tokens.
     *
     * @param weight relative to the other models'; positive
     */
    public record Demand(PlacementProblem problem, double weight) {
        public Demand {
            Objects.requireNonNull(problem, "problem");
            if (!(weight > 0) || Double.isInfinite(weight)) {
                throw new IllegalArgumentException("the demand of model "
                        + problem.model().name() + " is " + weight + "; give a positive number, for example 0.7");
            }
        }

        /** The model's name. */
        public String model() {
            return problem.model().name();
        }
    }

    public MultiModelProblem {
        demands = List.copyOf(demands);
        if (demands.isEmpty()) {
            throw new IllegalArgumentException("there is no model to place; name at least one");
        }
        Cluster cluster = demands.get(0).problem().cluster();
        Set<String> names = new HashSet<>();
        for (Demand demand : demands) {
            if (!demand.problem().cluster().equals(cluster)) {
                throw new IllegalArgumentException("model " + demand.model() + " is on cluster "
                        + demand.problem().cluster().name() + ", another one on " + cluster.name()
                        + "; plan clusters one by one");
            }
            if (!names.add(demand.model())) {
                throw new IllegalArgumentException(
                        "model " + demand.model() + " is given twice; give it once with the sum of both weights");
            }
        }
    }

    public Cluster cluster() {
        return demands.get(0).problem().cluster();
    }

    /** Number of models. */
    public int models() {
        return demands.size();
    }

    /** The model numbered {@code model} as a problem of its own. */
    public PlacementProblem problem(int model) {
        return demands.get(model).problem();
    }

    public double weight(int model) {
        return demands.get(model).weight();
    }

    /** The name of the model numbered {@code model}. */
    public String name(int model) {
        return demands.get(model).model();
    }
}

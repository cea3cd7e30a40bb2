package io.sluice.clusters;

import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.ModelProfile;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a cluster file holds: the cluster and the models that can be placed on it, by name. Immutable. */
public record ClusterDescription(Cluster cluster, SortedMap<String, ModelProfile> models) {
    public ClusterDescription {
        Objects.requireNonNull(cluster, "cluster");
        models = Collections.unmodifiableSortedMap(new TreeMap<>((Map<String, ModelProfile>) models));
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
}

package io.sluice.core.cluster;

import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** A model and how every machine type of a cluster runs its layers. A type without a profile cannot hold it. Immutable. */
public record ModelProfile(ModelSpec model, Map<String, LayerProfile> byType) {
    public ModelProfile {
        Objects.requireNonNull(model, "model");
        byType = Collections.unmodifiableMap(new TreeMap<>(byType));
    }
}

package io.sluice.core.cluster;

import io.sluice.core.WorkerId;
import java.util.Objects;

/**
 * A machine that can hold layers; in service it is a worker of the same id. Immutable.
 *
 * @param type name of its {@link MachineType}
 */
public record Node(WorkerId id, String type, String region) {
    public Node {
        Objects.requireNonNull(id, "id");
        Objects.requireNonNull(type, "type");
        if (region == null || region.isBlank()) {
            throw new IllegalArgumentException("node " + id + ": a region is needed");
        }
    }
}

package io.sluice.planner;

import io.sluice.schemas.SchemaRegistry;
import java.io.Serializable;
import java.time.Duration;

/** Opens a schema registry where a subtask runs; travels with the job graph. */
@FunctionalInterface
public interface RegistryProvider extends Serializable {
    /** Opens a registry; the caller closes it. */
    SchemaRegistry open();

    /** Waits up to {@code startTimeout} for the registry at {@code url}; the job then restarts and waits again. */
    static RegistryProvider at(String url, Duration startTimeout) {
        return () -> new SchemaRegistry(url, startTimeout);
    }
}

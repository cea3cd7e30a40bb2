package io.sluice.router;

import java.util.Optional;
import java.util.SortedSet;

/** The models this router serves. Thread-safe. */
public interface ModelCatalog {

    Optional<ServedModel> find(String name);

    /** Names of all served models, for messages and for the allocations to follow. */
    SortedSet<String> names();
}

package io.sluice.worker;

import io.sluice.core.sharing.SliceOffer;
import java.util.Objects;

/**
 * What a best-effort tenant would run next: its batch under way, or one that is begun then. Immutable; of the moment at which it
 * was made.
 *
 * @param kind what its next unit is
 * @param unitsLeft units of that kind
 * @param computes positions that a unit computes
 * @param rows most decode steps of a new batch
 * @param positions most positions of a new batch of anything else
 * @param pooled whether it is to run on a core of its own, beside another tenant's
 */
record NextBatch(
        BestEffortTenant tenant, SliceKind kind, int unitsLeft, int computes, int rows, int positions, boolean pooled) {
    NextBatch {
        Objects.requireNonNull(tenant, "tenant");
        Objects.requireNonNull(kind, "kind");
    }

    /** What the gate is asked for. */
    SliceOffer offer(String model) {
        String name = pooled ? SliceKind.poolName(model, kind.phase(), kind.size()) : kind.name(model);
        return new SliceOffer(tenant.id, tenant.weight, name, unitsLeft, 1, 0);
    }
}

package io.sluice.core.sharing;

import java.util.Objects;

/**
 * Best-effort work of a tenant that is ready to run. Immutable.
 *
 * @param weight share among tenants that are ready at the same time
 * @param kind what the length of a unit depends on (model, layer, kernel); names a profile of this tenant
 * @param units how many units (layers, rows, blocks) are ready; a slice takes as many as fit its bound
 * @param lanes how many lanes the work can use
 * @param claimedUnitNanos what the tenant says a unit takes on the lanes it asks for; 0: it does not say. Only a claim
 *     that is longer than what was seen has an effect.
 */
public record SliceOffer(TenantId tenant, double weight, String kind, long units, int lanes, long claimedUnitNanos) {
    public SliceOffer {
        Objects.requireNonNull(tenant, "tenant");
        Objects.requireNonNull(kind, "kind");
        Shares.weight("weight of " + tenant, weight);
        Shares.positive("units of " + tenant, units);
        Shares.positive("lanes of " + tenant, lanes);
        Shares.notNegative("claimed ns of a unit of " + tenant, claimedUnitNanos);
    }
}

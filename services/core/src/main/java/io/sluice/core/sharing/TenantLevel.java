package io.sluice.core.sharing;

import java.util.Objects;

/**
 * What one best-effort tenant may use at most, within the limits of the device. Immutable.
 *
 * @param admission share of device time, 0 to 1; 0: nothing
 * @param sliceNanos longest slice; 0: none
 * @param lanes lanes at once; 0: none
 */
public record TenantLevel(TenantId tenant, double admission, long sliceNanos, int lanes) {
    public TenantLevel {
        Objects.requireNonNull(tenant, "tenant");
        Shares.ratio("admission of " + tenant, admission);
        Shares.notNegative("slice bound of " + tenant + " in ns", sliceNanos);
        Shares.notNegative("lanes of " + tenant, lanes);
    }

    /** Whether this level lets nothing start. */
    public boolean none() {
        return admission == 0 || sliceNanos == 0 || lanes == 0;
    }
}

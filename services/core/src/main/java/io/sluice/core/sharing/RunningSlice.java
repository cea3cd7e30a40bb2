package io.sluice.core.sharing;

/**
 * A slice that the gate let start. Immutable.
 *
 * @param id names the slice at its gate
 * @param units how many units to run, at most
 * @param lanes on how many lanes
 * @param boundNanos how long it may take; a device that can stop a slice should stop it then
 * @param startNanos when it started
 * @param probe whether it is one of the first of its kind, whose length is not known yet
 * @param pooled whether it runs on a pool: one side lane in a gap, where others may run on the others
 */
public record RunningSlice(
        long id,
        TenantId tenant,
        String kind,
        long units,
        int lanes,
        long boundNanos,
        long startNanos,
        boolean probe,
        boolean pooled) {

    /** A slice that is on no pool. */
    public RunningSlice(
            long id,
            TenantId tenant,
            String kind,
            long units,
            int lanes,
            long boundNanos,
            long startNanos,
            boolean probe) {
        this(id, tenant, kind, units, lanes, boundNanos, startNanos, probe, false);
    }
}

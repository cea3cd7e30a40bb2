package io.sluice.worker.sharing;

/**
 * How a worker shares its device at one moment, and since its start. Immutable.
 *
 * @param epoch of the newest limits; 0: none
 * @param fresh whether they hold
 * @param publishedQuota what they allow, 0 to 1; 0 where they do not hold
 * @param ownQuota what this worker's own steps allow, 0 to 1
 * @param lanes lanes that best-effort work may hold now at most
 * @param sliceBoundNanos longest slice allowed now, ns
 * @param steps latency-critical steps judged
 * @param violations those of them that missed the objective
 * @param excused those of them that kept it by their sessions' budgets alone
 * @param slices best-effort slices ended
 * @param overruns those of them that were longer than their bound
 * @param sliceNanos time that slices took together, ns
 * @param drains times that a latency-critical batch had to wait for a slice
 * @param drainNanos how long it did together, ns
 * @param longestDrainNanos the longest of these times, ns
 * @param poolSwitches changes of {@code sideLanes}, and of which kernel groups are on pools
 * @param suspendedBatches best-effort batches that are neither running nor done
 * @param sideLanes side lanes that best-effort work may use now beside latency-critical work
 * @param usualSlowdown how many times as long steps usually are with so many in use, or with one where none may be; 1: not, or
 *     unknown
 * @param besideUnits layers times positions that best-effort work has computed on side lanes
 * @param gapUnits the same in the gaps
 * @param pooledSlices slices ended that ran on pools: in the gaps, on a core of their own
 * @param pooledGroups kernel groups that the limits have on pools
 * @param lanesHeld side lanes on which slices run now, on pools or beside latency-critical work
 */
public record SharingView(
        long epoch,
        boolean fresh,
        double publishedQuota,
        double ownQuota,
        int lanes,
        long sliceBoundNanos,
        long steps,
        long violations,
        long excused,
        long slices,
        long overruns,
        long sliceNanos,
        long drains,
        double drainNanos,
        double longestDrainNanos,
        long poolSwitches,
        int suspendedBatches,
        int sideLanes,
        double usualSlowdown,
        double besideUnits,
        double gapUnits,
        long pooledSlices,
        int pooledGroups,
        int lanesHeld) {
    /** The quota in force: the lower of both, and 0 where no limits hold. */
    public double quota() {
        return fresh ? Math.min(publishedQuota, ownQuota) : 0;
    }
}

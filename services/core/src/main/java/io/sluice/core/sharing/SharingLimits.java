package io.sluice.core.sharing;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What best-effort work may use of one device, until when. Immutable.
 *
 * <p>The quota is one knob from nothing to everything; how a device turns it into a share of its time and of its lanes is
 * said at {@link SliceGate}. A quota of 0 means that nothing starts.
 *
 * @param epoch grows with every change; 0: never set
 * @param quota 0 to 1
 * @param sliceNanos longest slice; 0: none
 * @param lanes lanes (masked pools, groups of multiprocessors, cores) best-effort work may hold at once; 0: none
 * @param validUntilNanos from this moment on the limits allow nothing; ns of the clock of whoever uses them, see
 *     {@link #onClock}
 * @param levels what single tenants may use at most; a tenant without a level may use all of the above
 * @param sideLanes side lanes ({@link GateSettings#sideLanes}) that best-effort work may hold beside latency-critical work
 * @param groups kernel groups that run on a part of the device; all others run on all of it
 */
public record SharingLimits(
        long epoch,
        double quota,
        long sliceNanos,
        int lanes,
        long validUntilNanos,
        List<TenantLevel> levels,
        int sideLanes,
        List<GroupPool> groups) {
    /** Nothing may start, ever. */
    public static final SharingLimits NONE = new SharingLimits(0, 0, 0, 0, Long.MIN_VALUE, List.of());

    public SharingLimits {
        Shares.notNegative("epoch", epoch);
        Shares.ratio("quota", quota);
        Shares.notNegative("slice bound in ns", sliceNanos);
        Shares.notNegative("lanes", lanes);
        Shares.notNegative("side lanes", sideLanes);
        levels = List.copyOf(levels);
        groups = List.copyOf(groups);
        if (groups.stream().map(GroupPool::group).distinct().count() < groups.size()) {
            throw new IllegalArgumentException("a kernel group has two pools: give it one: " + groups);
        }
        Set<TenantId> seen = levels.size() > 1 ? new HashSet<>() : Set.of();
        for (TenantLevel level : levels) {
            if (levels.size() > 1 && !seen.add(level.tenant())) {
                throw new IllegalArgumentException("tenant " + level.tenant() + " has two levels: give it one");
            }
        }
    }

    /** Nothing beside latency-critical work on side lanes, and all kernel groups on the whole device. */
    public SharingLimits(
            long epoch, double quota, long sliceNanos, int lanes, long validUntilNanos, List<TenantLevel> levels) {
        this(epoch, quota, sliceNanos, lanes, validUntilNanos, levels, 0, List.of());
    }

    /** Limits for all tenants alike. */
    public SharingLimits(long epoch, double quota, long sliceNanos, int lanes, long validUntilNanos) {
        this(epoch, quota, sliceNanos, lanes, validUntilNanos, List.of());
    }

    /** Whether these limits still hold. */
    public boolean freshAt(long nowNanos) {
        return nowNanos < validUntilNanos;
    }

    /** Whether nothing may start under these limits even while they hold. */
    public boolean none() {
        return quota == 0 || sliceNanos == 0 || lanes == 0;
    }

    /** The level of {@code tenant}; empty: it has none of its own. */
    public Optional<TenantLevel> level(TenantId tenant) {
        for (TenantLevel level : levels) {
            if (level.tenant().equals(tenant)) {
                return Optional.of(level);
            }
        }
        return Optional.empty();
    }

    /** Lanes of the pool of {@code group}; 0: all of the device. */
    public int poolLanes(KernelGroup group) {
        for (GroupPool pool : groups) {
            if (pool.group().equals(group)) {
                return pool.lanes();
            }
        }
        return 0;
    }

    /** The same limits on a clock that shows {@code offsetNanos} more; the ends of the range stay what they are. */
    public SharingLimits onClock(long offsetNanos) {
        if (validUntilNanos == Long.MIN_VALUE || validUntilNanos == Long.MAX_VALUE) {
            return this;
        }
        return new SharingLimits(
                epoch, quota, sliceNanos, lanes, Shares.plus(validUntilNanos, offsetNanos), levels, sideLanes, groups);
    }

    /** The same limits with another quota, as L1 moves it between two reports of L2. */
    public SharingLimits withQuota(double newQuota) {
        return new SharingLimits(epoch, newQuota, sliceNanos, lanes, validUntilNanos, levels, sideLanes, groups);
    }

    /** The same limits with such pools of kernel groups. */
    public SharingLimits withGroups(List<GroupPool> newGroups) {
        return new SharingLimits(epoch, quota, sliceNanos, lanes, validUntilNanos, levels, sideLanes, newGroups);
    }

    /** The same limits with so many side lanes. */
    public SharingLimits withSideLanes(int newSideLanes) {
        return new SharingLimits(epoch, quota, sliceNanos, lanes, validUntilNanos, levels, newSideLanes, groups);
    }
}

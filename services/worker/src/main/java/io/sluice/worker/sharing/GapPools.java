package io.sluice.worker.sharing;

import io.sluice.core.sharing.GroupPool;
import io.sluice.core.sharing.KernelGroup;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.core.sharing.TenantId;
import io.sluice.records.GroupUse;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/**
 * The pools of a worker in the gaps between latency-critical batches: which kernel groups the limits put on a lane each, and what
 * each group did on how many lanes. Not thread-safe.
 */
final class GapPools {
    /** Entries of a report; readers refuse more groups. */
    private static final int MOST = 192;

    private final int lanes;
    private final TreeMap<KernelGroup, TreeMap<Integer, Sums>> sums = new TreeMap<>();
    private List<GroupPool> groups = List.of();
    private long switches;
    private long slices;
    private long takenNanos = Long.MIN_VALUE;

    private static final class Sums {
        double units;
        double runNanos;
    }

    /** @param lanes of the whole device; below 2: it cannot be divided */
    GapPools(int lanes) {
        this.lanes = lanes < 2 ? 0 : lanes;
    }

    /** Sizes that a pool can have, rising; empty: the device cannot be divided. */
    List<Integer> sizes() {
        return lanes == 0 ? List.of() : List.of(1, lanes);
    }

    /** New limits. */
    void limits(SharingLimits limits) {
        List<GroupPool> former = groups;
        groups = lanes == 0
                ? List.of()
                : limits.groups().stream().filter(pool -> pool.lanes() == 1).toList();
        switches += groups.equals(former) ? 0 : 1;
    }

    /** Whether the limits have the group on one lane. */
    boolean onPool(TenantId tenant, String group) {
        if (groups.isEmpty()) {
            return false;
        }
        KernelGroup wanted = new KernelGroup(tenant, group);
        return groups.stream().anyMatch(pool -> pool.group().equals(wanted));
    }

    /** Kernel groups that the limits have on one lane. */
    int groups() {
        return groups.size();
    }

    /** Changes of that. */
    long switches() {
        return switches;
    }

    void sliceEnded() {
        slices++;
    }

    /** Slices on pools that have ended. */
    long slices() {
        return slices;
    }

    /** A slice of the group has run with no latency-critical work there; {@code onLanes} is one of {@link #sizes}. */
    void ran(TenantId tenant, String group, int onLanes, double units, double runNanos) {
        if (lanes > 0 && units > 0) {
            Sums its = sums.computeIfAbsent(new KernelGroup(tenant, group), key -> new TreeMap<>())
                    .computeIfAbsent(onLanes, key -> new Sums());
            its.units += units;
            // Readers refuse work in no time.
            its.runNanos += Math.max(1, runNanos);
        }
    }

    /**
     * The report of an interval, by tenant, group and lanes. What a long slice ran before it is carried over in part, since readers
     * refuse more time than the interval has.
     */
    List<GroupUse> take(long nowNanos) {
        double interval = takenNanos == Long.MIN_VALUE ? Double.MAX_VALUE : Math.max(1, nowNanos - takenNanos);
        takenNanos = nowNanos;
        List<GroupUse> uses = new ArrayList<>();
        sums.forEach((group, byLanes) -> byLanes.forEach((onLanes, its) -> {
            double part = Math.min(1, interval / its.runNanos);
            if (uses.size() < MOST) {
                uses.add(GroupUse.newBuilder()
                        .setTenant(group.tenant().value())
                        .setGroup(group.name())
                        .setLanes(onLanes)
                        .setUnits(its.units * part)
                        .setRunNs(its.runNanos * part)
                        .build());
            }
            its.units -= its.units * part;
            its.runNanos -= its.runNanos * part;
        }));
        sums.values().removeIf(byLanes -> {
            byLanes.values().removeIf(its -> its.units <= 0 || its.runNanos < 1);
            return byLanes.isEmpty();
        });
        return uses;
    }
}

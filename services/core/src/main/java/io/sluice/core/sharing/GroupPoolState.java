package io.sluice.core.sharing;

import java.util.List;

/**
 * What {@link GroupPoolPlanner} carries for one device. Immutable.
 *
 * @param sizes lanes of the pools that the device offers, rising, the last one all of it; fewer than two: it cannot be divided
 * @param groups what is known of kernel groups, by tenant and name
 * @param plan pools decided on, in the order of the groups; groups that are not here have the whole device
 * @param sinceNanos when what is in force began; {@link Long#MIN_VALUE}: never changed
 * @param trying sizes to be tried by all groups one after the other, falling, the first one in force instead of the plan; empty:
 *     none
 * @param triedNanos when sizes were last tried to the end; {@link Long#MIN_VALUE}: never
 * @param restUntilNanos what is known is not questioned before
 * @param sameAnswers how often in a row questions have changed nothing
 */
public record GroupPoolState(
        List<Integer> sizes,
        List<GroupEstimate> groups,
        List<GroupPool> plan,
        long sinceNanos,
        List<Integer> trying,
        long triedNanos,
        long restUntilNanos,
        int sameAnswers) {
    /** Prefill, recomputed steps and decode. */
    static final int MOST_GROUPS_OF_A_TENANT = 3;

    static final long NEVER = Long.MIN_VALUE;
    /** Of a device that cannot be divided. */
    public static final GroupPoolState NONE = of(List.of());

    public GroupPoolState {
        sizes = List.copyOf(sizes);
        groups = List.copyOf(groups);
        plan = List.copyOf(plan);
        trying = List.copyOf(trying);
        Shares.notNegative("same answers", sameAnswers);
        if (!sizes.containsAll(trying)) {
            throw new IllegalArgumentException("pools of " + trying + " lanes are tried of " + sizes);
        }
    }

    /** Nothing known of a device that offers such pools. */
    static GroupPoolState of(List<Integer> sizes) {
        return new GroupPoolState(sizes, List.of(), List.of(), NEVER, List.of(), NEVER, NEVER, 0);
    }

    /** Whether the device can be divided. */
    boolean divisible() {
        return sizes.size() > 1;
    }

    /** Lanes of the device. */
    int wholeLanes() {
        return sizes.getLast();
    }

    /** The pools in force: those tried, or those decided on. */
    public List<GroupPool> pools() {
        if (trying.isEmpty()) {
            return plan;
        }
        int lanes = trying.getFirst();
        return lanes == wholeLanes()
                ? List.of()
                : groups.stream()
                        .map(each -> new GroupPool(each.group(), lanes))
                        .toList();
    }

    /** Lanes that a group has by the plan. */
    int plannedLanes(KernelGroup group) {
        for (GroupPool pool : plan) {
            if (pool.group().equals(group)) {
                return pool.lanes();
            }
        }
        return wholeLanes();
    }

    /** With other knowledge; groups that are not known any more leave the plan. */
    GroupPoolState withGroups(List<GroupEstimate> newGroups) {
        List<GroupPool> kept = plan.stream()
                .filter(pool -> newGroups.stream().anyMatch(each -> each.group().equals(pool.group())))
                .toList();
        return new GroupPoolState(sizes, newGroups, kept, sinceNanos, trying, triedNanos, restUntilNanos, sameAnswers);
    }

    /** Nothing is tried any more, and the whole device is for all. */
    GroupPoolState undivided(long nowNanos) {
        return new GroupPoolState(
                sizes, groups, List.of(), nowNanos, List.of(), triedNanos, restUntilNanos, sameAnswers);
    }

    /** Begins to try sizes. */
    GroupPoolState trying(List<Integer> newSizes, long nowNanos) {
        int lanes = newSizes.getFirst();
        return new GroupPoolState(
                sizes,
                groups.stream().map(each -> each.doubted(lanes)).toList(),
                plan,
                nowNanos,
                newSizes,
                triedNanos,
                restUntilNanos,
                sameAnswers);
    }

    /** Has another plan, or after a trial perhaps the same. */
    GroupPoolState decided(
            List<GroupPool> newPlan, long nowNanos, long newTriedNanos, long newRestUntilNanos, int newSameAnswers) {
        return new GroupPoolState(
                sizes, groups, newPlan, nowNanos, List.of(), newTriedNanos, newRestUntilNanos, newSameAnswers);
    }
}

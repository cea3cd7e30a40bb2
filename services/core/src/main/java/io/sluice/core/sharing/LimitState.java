package io.sluice.core.sharing;

import java.util.List;
import java.util.Objects;

/**
 * What {@link LimitPlanner} carries for one device from event to event: numbers, lists and records of such, nothing else,
 * so that a job can keep it in its state. Immutable.
 *
 * @param incarnation announced incarnation of the worker
 * @param lastSequence newest report used; -1: none
 * @param lastAtNanos when it was made; {@link Long#MIN_VALUE}: never
 * @param lastUsedNanos when it came
 * @param busyNanos when there was latency-critical work last, as far as is known
 * @param quota L1
 * @param service service time of a request by the reciprocal of the lanes left to it, ns
 * @param serviceSpreadNanos how far the 99th percentile of service is above the mean
 * @param criticalDram memory traffic of latency-critical work, bytes/s
 * @param criticalL2 its footprint, bytes
 * @param violations share of violations by quota, rising
 * @param tenants by name
 * @param levels levels granted, by name
 * @param levelsSinceNanos when they changed
 * @param releveledNanos when they were last planned
 * @param published newest limits published
 * @param publishedNanos when
 * @param rejected reports not used
 * @param beside side lanes
 * @param pools pools of kernel groups in the gaps
 */
public record LimitState(
        long incarnation,
        long lastSequence,
        long lastAtNanos,
        long lastUsedNanos,
        long busyNanos,
        QuotaState quota,
        LineFit service,
        double serviceSpreadNanos,
        double criticalDram,
        double criticalL2,
        IsotonicCurve violations,
        List<TenantEstimate> tenants,
        List<TenantLevel> levels,
        long levelsSinceNanos,
        long releveledNanos,
        SharingLimits published,
        long publishedNanos,
        long rejected,
        BesideState beside,
        GroupPoolState pools) {
    static final long NEVER = Long.MIN_VALUE;

    public LimitState {
        Objects.requireNonNull(quota, "quota");
        Objects.requireNonNull(service, "service");
        Objects.requireNonNull(violations, "violations");
        Objects.requireNonNull(published, "published");
        Objects.requireNonNull(beside, "beside");
        Objects.requireNonNull(pools, "pools");
        tenants = List.copyOf(tenants);
        levels = List.copyOf(levels);
    }

    /** Nothing known of a device whose worker has announced {@code incarnation}. */
    public static LimitState first(LimitPolicy policy, long incarnation) {
        return new LimitState(
                incarnation,
                -1,
                NEVER,
                NEVER,
                NEVER,
                QuotaState.startingAt(policy.firstQuota()),
                LineFit.unknown(),
                0,
                0,
                0,
                IsotonicCurve.unknown(true, IsotonicCurve.even(0, 1, 11)),
                List.of(),
                List.of(),
                NEVER,
                NEVER,
                SharingLimits.NONE,
                NEVER,
                0,
                BesideState.NONE,
                GroupPoolState.NONE);
    }

    /** The same with nothing published that would still hold, after this epoch. */
    LimitState withEpoch(long epoch) {
        return withPublished(new SharingLimits(epoch, 0, 0, 0, NEVER), NEVER);
    }

    LimitState withRejection() {
        return copy(quota, levels, levelsSinceNanos, releveledNanos, published, publishedNanos, rejected + 1);
    }

    LimitState withQuota(QuotaState newQuota) {
        return copy(newQuota, levels, levelsSinceNanos, releveledNanos, published, publishedNanos, rejected);
    }

    LimitState withLevels(List<TenantLevel> newLevels, long sinceNanos, long nowNanos) {
        return copy(quota, newLevels, sinceNanos, nowNanos, published, publishedNanos, rejected);
    }

    LimitState withPublished(SharingLimits limits, long nowNanos) {
        return copy(quota, levels, levelsSinceNanos, releveledNanos, limits, nowNanos, rejected);
    }

    /** The same with side lanes, of which so many were published. */
    public LimitState with(BesideState newBeside, int publishedSideLanes) {
        return withPublished(published.withSideLanes(publishedSideLanes), publishedNanos)
                .withBeside(newBeside);
    }

    /** The same with pools of kernel groups, of which these were published. */
    public LimitState with(GroupPoolState newPools, List<GroupPool> publishedPools) {
        return withPublished(published.withGroups(publishedPools), publishedNanos)
                .withPools(newPools);
    }

    LimitState withBeside(BesideState newBeside) {
        return with(newBeside, pools);
    }

    LimitState withPools(GroupPoolState newPools) {
        return with(beside, newPools);
    }

    private LimitState with(BesideState newBeside, GroupPoolState newPools) {
        return new LimitState(
                incarnation,
                lastSequence,
                lastAtNanos,
                lastUsedNanos,
                busyNanos,
                quota,
                service,
                serviceSpreadNanos,
                criticalDram,
                criticalL2,
                violations,
                tenants,
                levels,
                levelsSinceNanos,
                releveledNanos,
                published,
                publishedNanos,
                rejected,
                newBeside,
                newPools);
    }

    private LimitState copy(
            QuotaState newQuota,
            List<TenantLevel> newLevels,
            long newSince,
            long newReleveled,
            SharingLimits newPublished,
            long newPublishedNanos,
            long newRejected) {
        return new LimitState(
                incarnation,
                lastSequence,
                lastAtNanos,
                lastUsedNanos,
                busyNanos,
                newQuota,
                service,
                serviceSpreadNanos,
                criticalDram,
                criticalL2,
                violations,
                tenants,
                newLevels,
                newSince,
                newReleveled,
                newPublished,
                newPublishedNanos,
                newRejected,
                beside,
                pools);
    }
}

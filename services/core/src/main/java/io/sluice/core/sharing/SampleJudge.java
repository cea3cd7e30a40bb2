package io.sluice.core.sharing;

import io.sluice.core.planning.Rejection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/**
 * Says which reports must not be believed, and why, in words for the log. What is let through is finite, not negative,
 * consistent in itself, new, and of now. Stateless and thread-safe.
 */
final class SampleJudge {
    private static final long LONGEST_INTERVAL_NANOS = 3_600_000_000_000L;
    private static final long GREATEST_SEQUENCE_STEP = 1_000_000;
    private static final int MAX_TENANTS = 64;
    private static final double MAX_RATE = 1e18;
    private static final int MAX_SIDE_LANES = 64;
    /** As many as {@link StreamPoolProgramme} takes. */
    private static final int MAX_POOL_SIZES = 32;

    private static final int MAX_POOL_LANES = 65_536;
    private static final int MAX_GROUPS = MAX_TENANTS * GroupPoolState.MOST_GROUPS_OF_A_TENANT;
    /** Clocks and sums at the ends of an interval are not exact. */
    private static final double SLACK = 1.1;

    private final LimitPolicy policy;

    SampleJudge(LimitPolicy policy) {
        this.policy = policy;
    }

    /** Why {@code sample} is not used; empty when it is. */
    Optional<Rejection> judge(LimitState state, GpuSample sample, long nowNanos) {
        String who = "sharing report " + sample.incarnation() + "/" + sample.sequence() + ": ";
        if (sample.incarnation() < state.incarnation()) {
            return reject(Rejection.Kind.OLD_INCARNATION, who + "incarnation is older than " + state.incarnation());
        }
        if (sample.incarnation() > state.incarnation()) {
            return reject(Rejection.Kind.UNANNOUNCED, who + "this incarnation has not announced itself");
        }
        if (sample.atNanos() > Shares.plus(nowNanos, policy.futureNanos())) {
            return reject(
                    Rejection.Kind.FUTURE,
                    who + "made at " + sample.atNanos() + " ns, the planner's clock says " + nowNanos
                            + " ns; synchronise the clocks");
        }
        if (sample.atNanos() < Shares.plus(nowNanos, -policy.staleNanos())) {
            return reject(
                    Rejection.Kind.STALE,
                    who + "made at " + sample.atNanos() + " ns, more than " + policy.staleNanos()
                            + " ns before the planner's " + nowNanos + " ns");
        }
        if (sample.sequence() <= state.lastSequence()) {
            return reject(Rejection.Kind.DUPLICATE, who + "already at sequence " + state.lastSequence());
        }
        String absurd = absurdity(state, sample);
        return absurd == null
                ? Optional.empty()
                : reject(Rejection.Kind.INVALID, who + absurd + "; mend the worker's measurement");
    }

    private static Optional<Rejection> reject(Rejection.Kind kind, String message) {
        return Optional.of(new Rejection(kind, message));
    }

    private String absurdity(LimitState state, GpuSample s) {
        if (s.sequence() < 0
                || (state.lastSequence() >= 0 && s.sequence() - state.lastSequence() > GREATEST_SEQUENCE_STEP)) {
            return "the sequence jumps from " + state.lastSequence();
        }
        if (s.atNanos() < state.lastAtNanos()) {
            return "made at " + s.atNanos() + " ns, before the report it follows";
        }
        if (s.intervalNanos() <= 0 || s.intervalNanos() > LONGEST_INTERVAL_NANOS) {
            return "interval of " + s.intervalNanos() + " ns is not between 1 and " + LONGEST_INTERVAL_NANOS;
        }
        if (absurd(s.watts())) {
            return "power of " + s.watts() + " W";
        }
        String critical = absurdity(s.critical());
        if (critical != null) {
            return critical;
        }
        if (s.sideLanes() < 0 || s.sideLanes() > MAX_SIDE_LANES) {
            return s.sideLanes() + " side lanes";
        }
        Set<Integer> sizes = new HashSet<>();
        for (PoolSample pool : s.pools()) {
            if (pool.lanes() < 0 || pool.lanes() > s.sideLanes() || !sizes.add(pool.lanes()) || absurd(pool)) {
                return "of " + s.sideLanes() + " side lanes: " + pool;
            }
        }
        if (s.tenants().size() > MAX_TENANTS) {
            return s.tenants().size() + " tenants, more than " + MAX_TENANTS;
        }
        Set<TenantId> seen = new HashSet<>();
        for (GpuSample.Tenant tenant : s.tenants()) {
            String one = absurdity(tenant, s.intervalNanos());
            if (one != null || !seen.add(tenant.tenant())) {
                return "tenant " + tenant.tenant() + (one == null ? " is there twice" : one);
            }
        }
        return groupAbsurdity(s);
    }

    private String groupAbsurdity(GpuSample s) {
        if (s.poolLanes().size() > MAX_POOL_SIZES) {
            return s.poolLanes().size() + " sizes of pools, more than " + MAX_POOL_SIZES;
        }
        int before = 0;
        for (int lanes : s.poolLanes()) {
            if (lanes <= before || lanes > MAX_POOL_LANES) {
                return "pools of " + s.poolLanes() + " lanes";
            }
            before = lanes;
        }
        // A slice counts where it ends, and may have begun in an interval before.
        double longest = s.intervalNanos() * SLACK + policy.staleNanos();
        Set<KernelGroup> groups = new HashSet<>();
        Set<List<Object>> seen = new HashSet<>();
        for (GroupSample group : s.groups()) {
            groups.add(group.group());
            if (!s.poolLanes().contains(group.lanes())
                    || !seen.add(List.of(group.group(), group.lanes()))
                    || absurd(group, longest)) {
                return "on pools of " + s.poolLanes() + " lanes: " + group;
            }
        }
        return groups.size() > MAX_GROUPS ? groups.size() + " kernel groups, more than " + MAX_GROUPS : null;
    }

    private static boolean absurd(GroupSample g, double longestNanos) {
        return absurd(g.units())
                || absurd(g.runNanos())
                || absurd(g.joules())
                || (g.joules().isPresent() && g.units() > 0 && absurd(g.joules().getAsDouble() / g.units()))
                || g.runNanos() > longestNanos
                || (g.units() > 0 && (g.runNanos() == 0 || absurd(g.runNanos() / g.units())));
    }

    private static String absurdity(GpuSample.Critical c) {
        if (c.requests() < 0 || c.violations() < 0 || c.violations() > c.requests()) {
            return c.violations() + " violations among " + c.requests() + " requests";
        }
        if (c.excused() < 0 || c.excused() > c.requests() - c.violations()) {
            return c.excused() + " excused of " + (c.requests() - c.violations()) + " requests that kept the objective";
        }
        double[] times = {
            c.serviceNanos(),
            c.serviceP99Nanos(),
            c.responseP99Nanos(),
            c.waitNanos(),
            c.causedWaitNanos(),
            c.besideNanos()
        };
        for (double time : times) {
            if (absurd(time)) {
                return "a latency-critical time of " + time + " ns";
            }
        }
        if (c.requests() > 0 && (c.serviceNanos() == 0 || c.serviceP99Nanos() == 0)) {
            return c.requests() + " requests were served in no time";
        }
        if (c.causedWaitNanos() > c.waitNanos() * SLACK || c.besideNanos() > c.serviceNanos() * SLACK) {
            return "a part is longer than the whole: " + c.causedWaitNanos() + " of " + c.waitNanos() + " ns waiting, "
                    + c.besideNanos() + " of " + c.serviceNanos() + " ns service";
        }
        return absurd(c.dramBytesPerSecond()) || absurd(c.l2Bytes())
                ? "memory traffic of " + c.dramBytesPerSecond() + " or footprint of " + c.l2Bytes()
                : null;
    }

    private String absurdity(GpuSample.Tenant t, long intervalNanos) {
        if (!Shares.plausibleWeight(t.weight())) {
            return " has a weight of " + t.weight();
        }
        if (absurd(t.units()) || absurd(t.runNanos()) || absurd(t.laneNanos()) || t.overruns() < 0 || t.waiting() < 0) {
            return " did " + t.units() + " units in " + t.runNanos() + " ns, " + t.laneNanos() + " lane ns, with "
                    + t.overruns() + " overruns and " + t.waiting() + " steps waiting";
        }
        double lanes = policy.device().lanes();
        if (t.runNanos() > intervalNanos * SLACK || t.laneNanos() > lanes * t.runNanos() * SLACK) {
            return " used " + t.runNanos() + " ns and " + t.laneNanos() + " lane ns of an interval of " + intervalNanos
                    + " ns with " + lanes + " lanes";
        }
        if (t.units() > 0 && t.runNanos() == 0) {
            return " did " + t.units() + " units in no time";
        }
        return absurd(t.dramBytesPerSecond()) || absurd(t.l2Bytes()) || absurd(t.watts())
                ? " has memory traffic of " + t.dramBytesPerSecond() + ", footprint of " + t.l2Bytes() + ", power of "
                        + t.watts()
                : null;
    }

    private static boolean absurd(PoolSample p) {
        return p.batches() < 0
                || absurd(p.serviceNanos())
                || absurd(p.aloneNanos())
                || absurd(p.runNanos())
                || absurd(p.units())
                || absurd(p.keptNanos())
                || p.aloneNanos() > p.serviceNanos() * SLACK
                || (p.batches() > 0 && p.aloneNanos() == 0)
                || (p.units() > 0 && p.runNanos() == 0);
    }

    private static boolean absurd(double x) {
        return !(x >= 0) || x > MAX_RATE;
    }

    private static boolean absurd(OptionalDouble x) {
        return x.isPresent() && absurd(x.getAsDouble());
    }
}

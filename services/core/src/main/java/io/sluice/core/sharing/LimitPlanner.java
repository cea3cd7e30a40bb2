package io.sluice.core.sharing;

import io.sluice.core.planning.Rejection;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Plans what best-effort work may use of one device: the fold that a streaming job runs keyed by device, reports and
 * timers in, {@link SharingLimits} with an epoch out. Replaying the same events gives the same limits.
 *
 * <p>A report moves the quota by the law of L1 and teaches the curves. A timer plans levels (L2), at least ten times more
 * slowly. Levels stay for a dwell of five windows and change for a gain above the hysteresis only; what the newest curves
 * say is not safe changes at once, as every fall of the quota does. Where the objective would be missed even alone, levels
 * stay as they are: taking best-effort work away would help nobody.
 *
 * <p>Pools of kernel groups in lulls ({@link GroupPoolPlanner}) are planned at the same times; they change neither quota nor
 * levels.
 *
 * <p>In a lull the quota is the policy's for lulls and levels only mind the request that ends it: the law moves by requests, and without any it
 * could neither learn nor pay back a debt, while an idle device would stay idle. The law's own level only rises to the first
 * quota meanwhile, and it holds again from the first report of latency-critical work.
 *
 * <p>A worker may run the same law request by request and use the lower of its quota and the published one: it reacts
 * sooner, and the planner sees less to react to.
 *
 * <p>A report that cannot be believed changes nothing but a counter, and above all renews nothing; without one that can
 * be believed for {@code staleNanos} nothing is allowed, and what is published ends by itself after the lease. Epochs are
 * not below the time in ms, so that a planner which has lost its newest state is not behind itself. Times are ns since the
 * epoch, the planner's clock. Stateless and thread-safe.
 */
public final class LimitPlanner {
    private static final double KEEP = 0.98;
    private static final int MAX_TENANTS = 8;
    private static final double LEAST_RISE = 0.005;
    private static final double LEAST_FALL = 0.001;
    private static final double KNOWN_REPORTS = 20;
    private static final double MAX_LEVEL_AGE_RELEVELS = 2;
    /** Below this quota slices are too rare to miss one. */
    private static final double STARVING_QUOTA = 0.05;

    private static final double IDLE_SHARE = 0.5;
    private static final String MISSED_ALONE = "the objective would be missed even alone: levels stay";

    private final LimitPolicy policy;
    private final SampleJudge judge;
    private final LevelPlanner levels;
    private final BesidePlanner beside;
    private final GroupPoolPlanner pools;

    /**
     * Outcome of one event.
     *
     * @param limits to publish; empty: nothing new
     * @param rejection why a report was not used
     * @param reason what happened, for the log; empty: nothing worth a line
     */
    public record Step(
            LimitState state, Optional<SharingLimits> limits, Optional<Rejection> rejection, String reason) {}

    public LimitPlanner(LimitPolicy policy) {
        this.policy = policy;
        this.judge = new SampleJudge(policy);
        this.levels = new LevelPlanner(policy);
        this.beside = new BesidePlanner(policy.objective(), policy.dwellNanos(), policy.hysteresis());
        this.pools = new GroupPoolPlanner(GroupPoolPolicy.usual(policy.dwellNanos(), policy.hysteresis()));
    }

    /** A worker has announced an incarnation: an older one changes nothing, a newer one begins anew. */
    public LimitState announced(LimitState state, long incarnation) {
        if (state != null && incarnation <= state.incarnation()) {
            return state;
        }
        LimitState fresh = LimitState.first(policy, incarnation);
        // The epoch goes on, so that limits of the old incarnation stay older.
        return state == null ? fresh : fresh.withEpoch(state.published().epoch());
    }

    /**
     * The state was restored, perhaps from before the newest limits: what is published next is published anew, with an
     * epoch of now.
     */
    public LimitState restored(LimitState state) {
        return state.withEpoch(state.published().epoch());
    }

    /** The worker has left for good: limits of nothing, where it had any. Forget its state. */
    public Step left(LimitState state, long nowNanos) {
        return state.published().epoch() == 0
                ? nothing(state, "")
                : nothingAllowed(state, nowNanos, "the worker has left: nothing is allowed");
    }

    /** Whether the device has had no latency-critical work for long. */
    public boolean inLull(LimitState state) {
        return state.lastUsedNanos() != LimitState.NEVER
                && policy.lullNanos() != Long.MAX_VALUE
                && state.lastUsedNanos() - state.busyNanos() >= policy.lullNanos();
    }

    /** When to call {@link #onTimer} next, ns; {@link Long#MAX_VALUE}: not before another event. */
    public long nextTimerNanos(LimitState state, long nowNanos) {
        boolean over = state.lastUsedNanos() == LimitState.NEVER
                || (silent(state, nowNanos) && state.published().none());
        return over ? Long.MAX_VALUE : Shares.plus(nowNanos, policy.windowNanos());
    }

    /** A report has come. */
    public Step onSample(LimitState state, GpuSample sample, long nowNanos) {
        Optional<Rejection> rejection = judge.judge(state, sample, nowNanos);
        if (rejection.isPresent()) {
            return new Step(
                    state.withRejection(),
                    Optional.empty(),
                    rejection,
                    rejection.get().message());
        }
        GpuSample.Critical critical = sample.critical();
        double caused = policy.objective().violationsAreCaused() ? 1 : causedShare(critical);
        SloReport report = new SloReport(critical.requests() - critical.excused(), critical.violations(), caused);
        QuotaState before = silent(state, nowNanos) ? halved(state.quota()) : state.quota();
        QuotaState after = policy.law().observe(before, report, sample.atNanos());
        BesidePlanner.Choice choice =
                beside.choose(beside.learnt(state.beside(), sample.sideLanes(), sample.pools()), nowNanos);
        LimitState next = learnt(state, sample, nowNanos).withQuota(after).withBeside(choice.state());
        if (inLull(next)) {
            next = next.withQuota(forgiven(after, sample));
        }
        if (!inLull(next) && !next.pools().trying().isEmpty()) {
            next = next.withPools(next.pools().undivided(nowNanos));
        }
        if (inLull(next) != inLull(state)) {
            next = leveled(next, nowNanos).state();
        }
        String why = after.quota() < before.quota()
                ? critical.violations() + " of " + critical.requests() + " requests missed the objective"
                : after.frozen() > before.frozen()
                        ? critical.violations() + " of " + critical.requests()
                                + " requests missed the objective, not by best-effort work: frozen"
                        : inLull(next) ? "no latency-critical work" : "objective kept";
        return publish(next, nowNanos, choice.why().isEmpty() ? why : choice.why(), true, false);
    }

    private static double causedShare(GpuSample.Critical c) {
        return GateCounters.causedShare(c.waitNanos(), c.causedWaitNanos(), c.serviceNanos(), c.besideNanos());
    }

    /** A lull pays back a debt, since no request does, up to where a device begins. */
    private QuotaState forgiven(QuotaState quota, GpuSample sample) {
        double missing = policy.firstQuota() - quota.level();
        return policy.law() instanceof ConformalQuota law && missing > 0
                ? law.idle(
                        quota,
                        Math.min(sample.intervalNanos(), (long) (missing * ConformalQuota.IDLE_RISE_SECONDS * 1e9)),
                        sample.atNanos())
                : quota;
    }

    private boolean silent(LimitState state, long nowNanos) {
        return state.lastUsedNanos() != LimitState.NEVER && nowNanos - state.lastUsedNanos() > policy.staleNanos();
    }

    private static QuotaState halved(QuotaState quota) {
        return quota.level() > 0 ? quota.withLevel(quota.level() / 2) : quota;
    }

    private LimitState learnt(LimitState state, GpuSample sample, long nowNanos) {
        GpuSample.Critical c = sample.critical();
        LineFit service = state.service();
        double spread = state.serviceSpreadNanos();
        IsotonicCurve violations = state.violations();
        if (c.requests() > 0) {
            double mean = c.serviceNanos() / c.requests();
            // Side lanes take nothing of a device that runs one thing at a time but the time that BesidePlanner sees.
            double taken = policy.temporal()
                    ? 0
                    : c.besideNanos() / c.serviceNanos() * state.published().quota();
            double lanes = policy.device().lanes() * Math.clamp(1 - taken, 0.01, 1.0);
            service = service.with(1 / lanes, mean, KEEP);
            spread += 0.1 * (Math.max(0, c.serviceP99Nanos() - mean) - spread);
            violations = violations.with(state.published().quota(), (double) c.violations() / c.requests(), KEEP);
        }
        return new LimitState(
                state.incarnation(),
                sample.sequence(),
                sample.atNanos(),
                nowNanos,
                busyNanos(state, c, nowNanos),
                state.quota(),
                service,
                spread,
                TenantEstimate.worst(state.criticalDram(), c.dramBytesPerSecond()),
                TenantEstimate.worst(state.criticalL2(), c.l2Bytes()),
                violations,
                tenants(state, sample, nowNanos),
                state.levels(),
                state.levelsSinceNanos(),
                state.releveledNanos(),
                state.published(),
                state.publishedNanos(),
                state.rejected(),
                state.beside(),
                pools.learnt(state.pools(), sample.poolLanes(), sample.groups(), sample.intervalNanos(), nowNanos));
    }

    /** Work that waits or runs counts, too, though it has not ended; after a silence a lull begins anew. */
    private long busyNanos(LimitState state, GpuSample.Critical c, long nowNanos) {
        boolean work = c.requests() > 0 || c.serviceNanos() > 0 || c.waitNanos() > 0;
        boolean unknown = state.lastUsedNanos() == LimitState.NEVER || silent(state, nowNanos);
        return work || unknown ? nowNanos : state.busyNanos();
    }

    /** The newest tenants, by name. */
    private List<TenantEstimate> tenants(LimitState state, GpuSample report, long nowNanos) {
        List<TenantEstimate> all = new ArrayList<>(state.tenants());
        boolean room = state.published().quota() >= STARVING_QUOTA
                && report.critical().serviceNanos() < IDLE_SHARE * report.intervalNanos();
        for (GpuSample.Tenant sample : report.tenants()) {
            int at = 0;
            while (at < all.size() && !all.get(at).tenant().equals(sample.tenant())) {
                at++;
            }
            if (at < all.size()) {
                TenantEstimate estimate = all.get(at).with(sample, nowNanos);
                TenantLevel level = LevelPlanner.find(state.levels(), sample.tenant());
                boolean starves = room && level != null && !level.none() && sample.waiting() > 0;
                all.set(
                        at,
                        starves && sample.runNanos() == 0
                                ? estimate.starved(level.sliceNanos(), report.intervalNanos())
                                : estimate);
            } else {
                all.add(TenantEstimate.first(sample, policy.device().lanes(), nowNanos));
            }
        }
        all.sort(Comparator.comparingLong(TenantEstimate::seenNanos).reversed().thenComparing(TenantEstimate::tenant));
        List<TenantEstimate> kept = new ArrayList<>(all.subList(0, Math.min(MAX_TENANTS, all.size())));
        kept.sort(Comparator.comparing(TenantEstimate::tenant));
        return kept;
    }

    /** Time has passed; call once a window or so. */
    public Step onTimer(LimitState state, long nowNanos) {
        if (state.lastUsedNanos() == LimitState.NEVER) {
            return nothing(state, "no report yet: nothing is allowed");
        }
        if (silent(state, nowNanos)) {
            if (state.published().none()) {
                return nothing(state, "");
            }
            return nothingAllowed(
                    state,
                    nowNanos,
                    "no report for " + (nowNanos - state.lastUsedNanos()) / 1_000_000 + " ms: nothing is allowed");
        }
        if (state.releveledNanos() != LimitState.NEVER && nowNanos - state.releveledNanos() < policy.relevelNanos()) {
            return nothing(state, "");
        }
        GroupPoolPlanner.Choice choice =
                inLull(state) ? pools.choose(state.pools(), nowNanos) : new GroupPoolPlanner.Choice(state.pools(), "");
        Leveled next = leveled(state.withPools(choice.state()), nowNanos);
        if (!choice.why().isEmpty()) {
            return publish(next.state(), nowNanos, choice.why(), false, true);
        }
        if (next.why().isEmpty()) {
            boolean known = next.state().service().points() > 0;
            return nothing(next.state(), known ? MISSED_ALONE : "");
        }
        // Only a report renews the lease.
        return publish(forward(next.state(), nowNanos), nowNanos, next.why(), false, false);
    }

    /**
     * Pools are for lulls. Where requests come, what runs on a core meets them when they do and makes steps longer, and what the
     * law then takes from the quota is more than pools bring.
     */
    private List<GroupPool> groups(LimitState state) {
        return inLull(state) ? state.pools().pools() : List.of();
    }

    private Step nothingAllowed(LimitState state, long nowNanos, String why) {
        SharingLimits none =
                new SharingLimits(epoch(state, nowNanos), 0, 0, 0, Shares.plus(nowNanos, policy.leaseNanos()));
        return new Step(state.withPublished(none, nowNanos), Optional.of(none), Optional.empty(), why);
    }

    private static long epoch(LimitState state, long nowNanos) {
        return Math.max(state.published().epoch() + 1, nowNanos / 1_000_000);
    }

    private static Step nothing(LimitState state, String reason) {
        return new Step(state, Optional.empty(), Optional.empty(), reason);
    }

    /** @param why empty: levels could not be planned */
    private record Leveled(LimitState state, String why) {}

    private Leveled leveled(LimitState state, long nowNanos) {
        List<TenantEstimate> present = state.tenants().stream()
                .filter(t -> nowNanos - t.seenNanos() <= MAX_LEVEL_AGE_RELEVELS * policy.relevelNanos())
                .toList();
        double slack = inLull(state) ? levels.lullSlackNanos(state, present) : levels.slackNanos(state);
        if (slack <= 0) {
            return new Leveled(state.withLevels(state.levels(), state.levelsSinceNanos(), nowNanos), "");
        }
        double now = levels.value(state, present, state.levels(), slack);
        LevelPlanner.Plan plan = levels.plan(state, present, slack);
        boolean unsafe = now == Double.NEGATIVE_INFINITY;
        boolean rested = state.levelsSinceNanos() == LimitState.NEVER
                || nowNanos - state.levelsSinceNanos() >= policy.dwellNanos();
        boolean better = plan.value() > now * (1 + policy.hysteresis()) + 1e-12;
        boolean change = !plan.levels().equals(state.levels()) && (unsafe || (rested && better));
        LimitState next = change
                ? state.withLevels(plan.levels(), nowNanos, nowNanos)
                : state.withLevels(state.levels(), state.levelsSinceNanos(), nowNanos);
        String why = change
                ? String.format(
                        Locale.ROOT,
                        "levels of %d tenants worth %.3g after %.3g%s",
                        present.size(),
                        plan.value(),
                        Math.max(0, now),
                        unsafe ? ", which is not safe any more" : "")
                : "levels stay";
        return new Leveled(next, why);
    }

    /** L1 climbs slowly; where the curve knows a higher quota to be safe, it starts from there. */
    private LimitState forward(LimitState state, long nowNanos) {
        if (!(policy.law() instanceof ConformalQuota law)) {
            return state;
        }
        IsotonicCurve curve = state.violations();
        double safe = 0;
        for (int i = 0; i < curve.knots().size(); i++) {
            double quota = curve.knots().get(i);
            if (curve.weights().get(i) >= KNOWN_REPORTS && curve.upperAt(quota, 2) <= law.target() / 2) {
                safe = quota;
            }
        }
        return state.withQuota(law.raise(state.quota(), safe, nowNanos));
    }

    /**
     * Publishes what has changed.
     *
     * @param mayRenew whether the lease is renewed where nothing has
     * @param pools whether it was decided on pools, which may have confirmed those that were tried
     */
    private Step publish(LimitState state, long nowNanos, String why, boolean mayRenew, boolean pools) {
        SharingLimits before = state.published();
        double quota = inLull(state)
                ? Math.max(policy.restQuota(), state.quota().quota())
                : state.quota().quota();
        double was = before.quota();
        boolean fell = quota < was - LEAST_FALL || (quota == 0 && was > 0);
        boolean rose = quota > was * (1 + policy.hysteresis()) + LEAST_RISE;
        boolean moved = fell
                || rose
                || !before.levels().equals(state.levels())
                || before.sideLanes() != state.beside().chosen();
        boolean replaced = pools || !before.groups().equals(groups(state));
        boolean renew = mayRenew && nowNanos - Math.max(state.publishedNanos(), 0) >= policy.leaseNanos() / 3;
        if (!moved && !replaced && !renew) {
            return nothing(state, "");
        }
        SharingLimits limits = new SharingLimits(
                epoch(state, nowNanos),
                moved ? quota : was,
                sliceNanos(state),
                lanes(state),
                Shares.plus(nowNanos, policy.leaseNanos()),
                state.levels(),
                state.beside().chosen(),
                groups(state));
        String reason = moved || replaced
                ? String.format(
                        Locale.ROOT,
                        "epoch %d: quota %.3f after %.3f, %d levels (%s)",
                        limits.epoch(),
                        limits.quota(),
                        was,
                        limits.levels().size(),
                        why)
                : "";
        return new Step(state.withPublished(limits, nowNanos), Optional.of(limits), Optional.empty(), reason);
    }

    private long sliceNanos(LimitState state) {
        long longest = 0;
        for (TenantLevel level : state.levels()) {
            longest = Math.max(longest, level.sliceNanos());
        }
        List<Long> bounds = policy.sliceNanos();
        return longest > 0 ? longest : policy.temporal() ? bounds.getFirst() : bounds.get(bounds.size() / 2);
    }

    private int lanes(LimitState state) {
        int sum = 0;
        for (TenantLevel level : state.levels()) {
            sum += level.lanes();
        }
        return sum > 0
                ? Math.min(sum, policy.device().lanes())
                : policy.device().lanes();
    }
}

package io.sluice.core.sharing;

import io.sluice.core.sharing.InterferenceModel.Beside;
import io.sluice.core.sharing.InterferenceModel.Critical;
import java.util.ArrayList;
import java.util.List;

/**
 * L2: the levels of all tenants that are worth most without breaking the latency objective, by a {@link LevelKnapsack}
 * over (lanes, slice bound, admission) with budgets for lane time, latency, memory bandwidth, L2, power and changes.
 *
 * <p>A level is worth its tenant's weight times the share of its speed on the whole device that it gets. The latency that
 * each level adds by itself must fit into what the objective leaves; where all together break it nevertheless, since the
 * terms multiply, the budget shrinks and is tried again.
 *
 * <p>On a device that runs one thing at a time there are no pools to pay for: levels change freely, admissions are ceilings
 * below which the gate divides by weight, and what counts is the slice bound. A request that meets a slice waits for what
 * is left of it, evenly distributed, so slices shorter than what the objective leaves harm nobody, and longer ones make
 * the law of L1 take the quota down to about {@code target / (1 - slack / slice)}: a level is worth so much less.
 * Stateless and thread-safe.
 */
final class LevelPlanner {
    private static final double[] ADMISSIONS = {0.25, 0.5, 0.75, 1};
    private static final int LATENCY = 1;
    private static final int TRIES = 8;
    private static final double SHRINK = 0.8;
    /** Standard deviations from the mean to the 99th percentile of a normal distribution. */
    private static final double P99 = 2.33;

    private static final double USUAL_TARGET = 0.01;

    private final LimitPolicy policy;
    private final InterferenceModel model;

    record Plan(List<TenantLevel> levels, double value, double criticalNanos) {}

    LevelPlanner(LimitPolicy policy) {
        this.policy = policy;
        this.model = new InterferenceModel(policy.device());
    }

    /** Latency-critical work as it was learnt. */
    static Critical critical(LimitState state) {
        return new Critical(state.service().b(), state.service().a(), 1, state.criticalDram(), state.criticalL2(), 0);
    }

    /** What the objective leaves for best-effort work, ns; not positive: nothing. */
    double slackNanos(LimitState state) {
        double alone = model.nanos(critical(state), Beside.NOTHING);
        return policy.objective().slackNanos(alone, policy.deviations() / P99 * state.serviceSpreadNanos());
    }

    /** The same in a lull: nobody waits but the request that ends it, and only for one slice, which need not be long. */
    double lullSlackNanos(LimitState state, List<TenantEstimate> tenants) {
        List<Long> bounds = policy.sliceNanos();
        double slack = Math.max(slackNanos(state), bounds.get(Math.min(1, bounds.size() - 1)));
        for (TenantEstimate tenant : tenants) {
            slack = Math.max(slack, Math.min(tenant.leastSliceNanos(), bounds.getLast()));
        }
        return slack;
    }

    /** The best levels of {@code tenants}, in their order. */
    Plan plan(LimitState state, List<TenantEstimate> tenants, double slackNanos) {
        double[] budgets = budgets(state, tenants.size(), slackNanos);
        List<List<LevelOption>> options = new ArrayList<>();
        for (TenantEstimate tenant : tenants) {
            options.add(options(state, tenant, tenants.size(), slackNanos));
        }
        Plan none = new Plan(tenants.stream().map(LevelPlanner::nothing).toList(), 0, 0);
        for (int i = 0; i < TRIES; i++) {
            List<LevelOption> chosen =
                    switch (LevelKnapsack.solve(options, budgets)) {
                        case LevelKnapsack.Result.Optimal optimal -> optimal.chosen();
                        case LevelKnapsack.Result.Feasible feasible -> feasible.chosen();
                        case LevelKnapsack.Result.Infeasible ignored -> List.<LevelOption>of();
                    };
            if (chosen.isEmpty()) {
                return none;
            }
            List<TenantLevel> levels = chosen.stream().map(LevelOption::level).toList();
            double added = addedNanos(state, tenants, levels);
            if (added <= slackNanos) {
                double value = chosen.stream().mapToDouble(LevelOption::value).sum();
                return new Plan(levels, value, added);
            }
            budgets[LATENCY] *= SHRINK;
        }
        return none;
    }

    private static TenantLevel nothing(TenantEstimate tenant) {
        return new TenantLevel(tenant.tenant(), 0, 0, 0);
    }

    /** Value of levels as they are; negative infinity when they break a budget by what is known now. */
    double value(LimitState state, List<TenantEstimate> tenants, List<TenantLevel> levels, double slackNanos) {
        double value = 0;
        double[] left = budgets(state, tenants.size(), slackNanos);
        for (TenantEstimate tenant : tenants) {
            TenantLevel level = find(levels, tenant.tenant());
            if (level == null) {
                continue;
            }
            LevelOption option = option(state, tenant, level, tenants.size(), slackNanos);
            value += option.value();
            for (int r = 0; r < left.length; r++) {
                left[r] -= option.uses()[r];
            }
        }
        for (double rest : left) {
            if (rest < -1e-9) {
                return Double.NEGATIVE_INFINITY;
            }
        }
        return addedNanos(state, tenants, levels) <= slackNanos ? value : Double.NEGATIVE_INFINITY;
    }

    /** Latency that all levels add together, ns. */
    private double addedNanos(LimitState state, List<TenantEstimate> tenants, List<TenantLevel> levels) {
        Beside all = Beside.NOTHING;
        for (TenantEstimate tenant : tenants) {
            TenantLevel level = find(levels, tenant.tenant());
            if (level != null && !level.none()) {
                all = all.plus(beside(state, tenant, level));
            }
        }
        if (policy.temporal()) {
            all = metOnOneLane(all, state);
        }
        Critical critical = critical(state);
        return model.nanos(critical, all) - model.nanos(critical, Beside.NOTHING);
    }

    /** One slice runs at a time, for the part of the time that the quota allows. */
    private static Beside metOnOneLane(Beside b, LimitState state) {
        double met = Math.min(1, b.preemptions()) * state.quota().quota();
        return new Beside(b.lanes(), b.sliceNanos(), met, b.dramBytesPerSecond(), b.l2Bytes(), b.watts());
    }

    static TenantLevel find(List<TenantLevel> levels, TenantId tenant) {
        for (TenantLevel level : levels) {
            if (level.tenant().equals(tenant)) {
                return level;
            }
        }
        return null;
    }

    private double[] budgets(LimitState state, int tenants, double slackNanos) {
        DeviceModel device = policy.device();
        double dram = DeviceModel.USABLE_DRAM * device.dramBytesPerSecond() - state.criticalDram();
        double l2 = DeviceModel.USABLE_L2 * device.l2Bytes() - state.criticalL2();
        double watts = device.wattCap() - device.idleWatts();
        return new double[] {
            policy.temporal() ? Math.max(1, tenants) : device.lanes(),
            Math.max(0, slackNanos),
            device.dramBytesPerSecond() == 0 ? 1 : Math.max(0, dram),
            device.l2Bytes() == 0 ? 1 : Math.max(0, l2),
            device.wattCap() == 0 ? 1 : Math.max(0, watts),
            policy.temporal() ? Math.max(1, tenants) : policy.switchBudget()
        };
    }

    private List<LevelOption> options(LimitState state, TenantEstimate tenant, int tenants, double slackNanos) {
        List<LevelOption> options = new ArrayList<>();
        options.add(option(state, tenant, nothing(tenant), tenants, slackNanos));
        for (int lanes : TenantEstimate.lanesToPlan(policy.device().lanes())) {
            for (long slice : policy.sliceNanos()) {
                for (double admission : ADMISSIONS) {
                    TenantLevel level = new TenantLevel(tenant.tenant(), admission, slice, lanes);
                    options.add(option(state, tenant, level, tenants, slackNanos));
                }
            }
        }
        return options;
    }

    private LevelOption option(
            LimitState state, TenantEstimate tenant, TenantLevel level, int tenants, double slackNanos) {
        DeviceModel device = policy.device();
        TenantLevel before = find(state.levels(), tenant.tenant());
        // Taking everything away is always possible.
        double changes = before == null || level.equals(before) || level.none() ? 0 : 1;
        if (level.none()) {
            return new LevelOption(level, 0, new double[6]);
        }
        double speed = relativeSpeed(tenant, level.lanes());
        double useful = level.sliceNanos() / (level.sliceNanos() + policy.sliceOverheadNanos());
        double watts = tenant.watts() * speed;
        double value = tenant.weight() * speed * useful * level.admission()
                - policy.valuePerWatt() * watts * level.admission();
        Critical critical = critical(state);
        Beside beside = beside(state, tenant, level);
        double alone = model.nanos(critical, Beside.NOTHING);
        double added = model.nanos(critical, beside) - alone;
        if (policy.temporal()) {
            value *= runs(tenant, level) ? quotaLeft(level, slackNanos) : 0;
            // All of them together are met once; the sum is held against the slack.
            added = (model.nanos(critical, metOnOneLane(beside, state)) - alone) / tenants;
        }
        double[] uses = {
            level.lanes() * level.admission(),
            Math.min(Double.MAX_VALUE, Math.max(0, added)),
            device.dramBytesPerSecond() == 0 ? 0 : tenant.dramBytesPerSecond() * speed,
            device.l2Bytes() == 0 ? 0 : tenant.l2Bytes(),
            device.wattCap() == 0 ? 0 : watts,
            changes
        };
        return new LevelOption(level, value, uses);
    }

    private boolean runs(TenantEstimate tenant, TenantLevel level) {
        return level.sliceNanos()
                >= Math.min(tenant.leastSliceNanos(), policy.sliceNanos().getLast());
    }

    /** About how much of the quota L1 will leave to slices so long. */
    private double quotaLeft(TenantLevel level, double slackNanos) {
        double target = policy.law() instanceof ConformalQuota law ? law.target() : USUAL_TARGET;
        double violating = level.admission() * Math.max(0, 1 - slackNanos / level.sliceNanos());
        return violating <= target ? 1 : target / violating;
    }

    /** Beside latency-critical work the quota decides how many of its lanes a tenant may keep. */
    private Beside beside(LimitState state, TenantEstimate tenant, TenantLevel level) {
        double speed = relativeSpeed(tenant, level.lanes());
        double lanes =
                policy.device().lanes() > 1 ? level.lanes() * state.quota().quota() : 0;
        return new Beside(
                Math.min(lanes, policy.device().lanes() - 1.0),
                level.sliceNanos(),
                level.admission(),
                tenant.dramBytesPerSecond() * speed,
                tenant.l2Bytes(),
                tenant.watts() * speed);
    }

    private double relativeSpeed(TenantEstimate tenant, int lanes) {
        double whole = tenant.throughput().at(policy.device().lanes());
        double share = (double) lanes / policy.device().lanes();
        return whole > 0 ? Math.clamp(tenant.throughput().at(lanes) / whole, 0.0, 1.0) : share;
    }
}

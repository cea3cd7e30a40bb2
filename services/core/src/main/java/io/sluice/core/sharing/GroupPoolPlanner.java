package io.sluice.core.sharing;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * L2 of pools in the gaps: on how many lanes of a device each kernel group of best-effort work runs while there is no
 * latency-critical work, learnt from what groups did on pools of each size, planned by ECLIP's programme (ISLPED 2025), see
 * {@link GroupPoolProblem}.
 *
 * <p><b>Streams</b> are the tenants that did something in the last {@value #ACTIVE_SECONDS} s. With fewer than two of them there are no
 * pools. Groups that were not seen for {@value #FORGOTTEN_SECONDS} s are forgotten.
 *
 * <p><b>Trying.</b> Where nothing is known of a size for a group at work, all sizes are tried by all groups one after the other, from the
 * whole device down, so that they are compared under the same load. The first {@value #SETTLING_SECONDS} s with a size teach nothing: memory
 * that it has never touched comes in, and batches grow to what fits a slice there. After that it stays for a dwell, {@value
 * #TRIAL_SECONDS} s at least, and until every group at work has some reports of it, but for no more than {@value #MOST_DWELLS}
 * dwells. Then the programme decides by the newest figures. It is asked again with every call; another plan is taken for a gain above
 * the hysteresis only, after a dwell. What is in force is questioned after {@value BesidePlanner#REST_SECONDS} s, by trying all sizes
 * anew, since nothing is heard of the others otherwise; after twice as long each further time that the answer is the
 * same, up to 32 times as long. A group that came after the last trial is tried sooner.
 *
 * <p>Stateless and thread-safe.
 */
public final class GroupPoolPlanner {
    /** Tenants known at once; those seen longest ago are forgotten first. */
    static final int MOST_TENANTS = 8;

    static final int ACTIVE_SECONDS = 10;
    static final int FORGOTTEN_SECONDS = 60;
    static final int MOST_DWELLS = 8;
    /** Seconds with a size that is tried in which nothing is learnt of it. */
    static final int SETTLING_SECONDS = 4;
    /** Shortest time for which a size is tried after that. */
    static final int TRIAL_SECONDS = 4;

    private static final long NANOS = 1_000_000_000L;
    private static final long REST_NANOS = BesidePlanner.REST_SECONDS * NANOS;
    private static final int MOST_DOUBLINGS = 5;
    private static final int MOST_NAMED = 6;

    private final GroupPoolPolicy policy;

    /**
     * What is to hold from now on.
     *
     * @param why in words; empty: nothing has changed
     */
    public record Choice(GroupPoolState state, String why) {}

    public GroupPoolPlanner(GroupPoolPolicy policy) {
        this.policy = policy;
    }

    /**
     * A report that can be believed.
     *
     * @param sizes lanes of the pools that the device offers, rising, the last one all of it
     */
    public GroupPoolState learnt(
            GroupPoolState before, List<Integer> sizes, List<GroupSample> samples, long intervalNanos, long nowNanos) {
        GroupPoolState state = before.sizes().equals(sizes) ? before : GroupPoolState.of(sizes);
        Map<KernelGroup, Double> units = new HashMap<>();
        samples.forEach(sample -> units.merge(sample.group(), sample.units(), Double::sum));
        if (!state.divisible() || units.values().stream().noneMatch(done -> done > 0)) {
            return state;
        }
        Map<KernelGroup, GroupEstimate> known = new TreeMap<>();
        state.groups().forEach(each -> known.put(each.group(), each));
        double seconds = (double) intervalNanos / NANOS;
        for (GroupSample sample : samples) {
            if (sample.units() > 0 && !settles(state, sample.lanes(), nowNanos)) {
                known.computeIfAbsent(
                        sample.group(),
                        group -> GroupEstimate.first(group, sizes, units.get(group) / seconds, nowNanos));
                known.computeIfPresent(sample.group(), (group, estimate) -> estimate.with(sample));
            }
        }
        known.replaceAll((group, estimate) -> estimate.after(units.getOrDefault(group, 0.0) / seconds, nowNanos));
        return state.withGroups(newest(known, nowNanos));
    }

    private static boolean settles(GroupPoolState state, int lanes, long nowNanos) {
        return !state.trying().isEmpty()
                && state.trying().getFirst() == lanes
                && nowNanos - state.sinceNanos() < SETTLING_SECONDS * NANOS;
    }

    /** Those that fit the bounds on tenants and groups, by tenant and name. */
    private static List<GroupEstimate> newest(Map<KernelGroup, GroupEstimate> known, long nowNanos) {
        Map<TenantId, Integer> counts = new HashMap<>();
        List<GroupEstimate> kept = new ArrayList<>();
        known.values().stream()
                .filter(each -> nowNanos - each.seenNanos() <= FORGOTTEN_SECONDS * NANOS)
                .sorted(Comparator.comparingLong(GroupEstimate::seenNanos)
                        .reversed()
                        .thenComparing(GroupEstimate::group))
                .forEach(each -> {
                    int count = counts.getOrDefault(each.group().tenant(), 0);
                    if (count < GroupPoolState.MOST_GROUPS_OF_A_TENANT && (count > 0 || counts.size() < MOST_TENANTS)) {
                        counts.put(each.group().tenant(), count + 1);
                        kept.add(each);
                    }
                });
        kept.sort(Comparator.comparing(GroupEstimate::group));
        return kept;
    }

    /** Which pools groups have from now on; to be asked now and then. */
    public Choice choose(GroupPoolState state, long nowNanos) {
        List<GroupEstimate> active = state.groups().stream()
                .filter(each -> nowNanos - each.seenNanos() <= ACTIVE_SECONDS * NANOS)
                .toList();
        if (!state.divisible() || tenants(active) < 2) {
            boolean divided = !state.plan().isEmpty() || !state.trying().isEmpty();
            return divided
                    ? new Choice(state.undivided(nowNanos), "fewer than two tenants: the whole device for each slice")
                    : new Choice(state, "");
        }
        if (!state.trying().isEmpty()) {
            return tried(state, active, nowNanos);
        }
        boolean rested =
                state.sinceNanos() == GroupPoolState.NEVER || nowNanos - state.sinceNanos() >= policy.dwellNanos();
        if (!rested) {
            return new Choice(state, "");
        }
        List<Integer> open = open(state, active, nowNanos);
        return open.isEmpty() ? replanned(state, active, nowNanos) : trying(state, open, nowNanos);
    }

    private static long tenants(List<GroupEstimate> groups) {
        return groups.stream().map(each -> each.group().tenant()).distinct().count();
    }

    /** Sizes to be tried now, falling. */
    private List<Integer> open(GroupPoolState state, List<GroupEstimate> active, long nowNanos) {
        boolean settled = active.stream()
                .allMatch(each -> each.known(state.plannedLanes(each.group()))
                        || nowNanos - each.firstNanos() >= MOST_DWELLS * policy.dwellNanos());
        if (!settled) {
            return List.of();
        }
        boolean question = nowNanos >= state.restUntilNanos();
        boolean newcomers = state.triedNanos() == GroupPoolState.NEVER
                || nowNanos >= state.triedNanos() + REST_NANOS
                        && active.stream().anyMatch(each -> each.firstNanos() > state.triedNanos());
        boolean unknown = newcomers
                && active.stream().anyMatch(each -> state.sizes().stream().anyMatch(each::unknown));
        return unknown || question ? state.sizes().reversed() : List.of();
    }

    private static Choice trying(GroupPoolState state, List<Integer> sizes, long nowNanos) {
        int lanes = sizes.getFirst();
        return new Choice(
                state.trying(sizes, nowNanos),
                lanes == state.wholeLanes()
                        ? "trying the whole device for each slice"
                        : "trying " + cores(lanes) + " for each tenant");
    }

    private Choice tried(GroupPoolState state, List<GroupEstimate> active, long nowNanos) {
        int lanes = state.trying().getFirst();
        long tried = nowNanos - state.sinceNanos() - SETTLING_SECONDS * NANOS;
        boolean known = active.stream().allMatch(each -> each.known(lanes));
        if (tried < Math.max(TRIAL_SECONDS * NANOS, policy.dwellNanos())
                || (!known && tried < MOST_DWELLS * policy.dwellNanos())) {
            return new Choice(state, "");
        }
        if (state.trying().size() > 1) {
            return trying(state, state.trying().subList(1, state.trying().size()), nowNanos);
        }
        GroupPoolProblem problem = new GroupPoolProblem(policy, state.sizes(), active);
        List<GroupPool> plan = better(problem, state.plan());
        boolean first = state.triedNanos() == GroupPoolState.NEVER;
        int least = state.sizes().getFirst();
        int same = !first && plan.equals(state.plan()) ? Math.min(MOST_DOUBLINGS, state.sameAnswers() + 1) : 0;
        String why = plan.isEmpty()
                ? "the whole device for each slice: " + cores(least) + " for each tenant does "
                        + times(problem, everywhere(active, least), plan)
                : words(problem, plan);
        return new Choice(
                state.decided(plan, nowNanos, nowNanos, Shares.plus(nowNanos, REST_NANOS << same), same), why);
    }

    private Choice replanned(GroupPoolState state, List<GroupEstimate> active, long nowNanos) {
        if (state.triedNanos() == GroupPoolState.NEVER) {
            return new Choice(state, "");
        }
        GroupPoolProblem problem = new GroupPoolProblem(policy, state.sizes(), active);
        List<GroupPool> plan = better(problem, state.plan());
        if (plan.equals(state.plan())) {
            return new Choice(state, "");
        }
        String why = plan.isEmpty()
                ? "the whole device for each slice: " + times(problem, plan, state.plan()) + " of the pools"
                : words(problem, plan);
        return new Choice(state.decided(plan, nowNanos, state.triedNanos(), Shares.plus(nowNanos, REST_NANOS), 0), why);
    }

    /** The best plan where it is better than {@code now} by more than the hysteresis. */
    private List<GroupPool> better(GroupPoolProblem problem, List<GroupPool> now) {
        List<GroupPool> best = problem.paired();
        return problem.gain(best, now) > 1 + policy.hysteresis() ? best : now;
    }

    private static List<GroupPool> everywhere(List<GroupEstimate> groups, int lanes) {
        return groups.stream().map(each -> new GroupPool(each.group(), lanes)).toList();
    }

    private static String times(GroupPoolProblem problem, List<GroupPool> plan, List<GroupPool> before) {
        return String.format(Locale.ROOT, "%.2f times the work", problem.gain(plan, before));
    }

    private static String words(GroupPoolProblem problem, List<GroupPool> plan) {
        Map<Integer, List<String>> bySize = new TreeMap<>();
        plan.forEach(pool -> bySize.computeIfAbsent(pool.lanes(), lanes -> new ArrayList<>())
                .add(pool.group().name() + " of " + pool.group().tenant()));
        return bySize.entrySet().stream()
                        .map(each -> named(each.getValue()) + " on " + cores(each.getKey()) + " each")
                        .collect(Collectors.joining(", "))
                + ": " + times(problem, plan, List.of());
    }

    private static String named(List<String> groups) {
        String names = String.join(", ", groups.subList(0, Math.min(MOST_NAMED, groups.size())));
        return groups.size() > MOST_NAMED ? names + " and " + (groups.size() - MOST_NAMED) + " more" : names;
    }

    private static String cores(int lanes) {
        return lanes == 1 ? "a core" : lanes + " cores";
    }
}

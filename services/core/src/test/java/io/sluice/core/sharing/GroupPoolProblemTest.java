package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class GroupPoolProblemTest {
    private static final List<String> NAMES = List.of("prefill", "steps", "decode");
    private static final double SWITCH = 1e6;

    private final GroupPoolPolicy policy = new GroupPoolPolicy(0, 0.05, 2, SWITCH, 0);

    private static GroupEstimate group(String tenant, String name, List<Integer> sizes, double rate, double... nanos) {
        GroupEstimate estimate = GroupEstimate.first(new KernelGroup(new TenantId(tenant), name), sizes, rate, 0);
        for (int j = 0; j < nanos.length; j++) {
            estimate = estimate.with(Reports.group(tenant, name, sizes.get(j), 1, nanos[j]));
        }
        return estimate;
    }

    /** Tenants whose groups come in the order in which they run, with costs that fall. */
    private static List<List<GroupEstimate>> tenants(SplittableRandom random, List<Integer> sizes, int most) {
        List<List<GroupEstimate>> tenants = new ArrayList<>();
        int count = 2 + random.nextInt(most - 1);
        for (int t = 0; t < count; t++) {
            List<GroupEstimate> groups = new ArrayList<>();
            for (String name : NAMES) {
                if (random.nextInt(3) > 0 || (groups.isEmpty() && name.equals("decode"))) {
                    double[] nanos = new double[sizes.size()];
                    nanos[nanos.length - 1] = 1e5 * (1 + random.nextDouble());
                    for (int j = nanos.length - 2; j >= 0; j--) {
                        double widest = (double) sizes.get(j + 1) / sizes.get(j);
                        nanos[j] = nanos[j + 1] * (1 + random.nextDouble() * (widest - 1));
                    }
                    groups.add(group("t" + t, name, sizes, 100 + random.nextInt(5_000), nanos));
                }
            }
            tenants.add(groups);
        }
        return tenants;
    }

    /** The objective as its definition has it. */
    private static double objective(List<List<GroupEstimate>> tenants, List<Integer> sizes, int[] pools) {
        int at = 0;
        double lanes = 0;
        double cost = 0;
        double least = (double) sizes.getLast() / tenants.size();
        for (List<GroupEstimate> groups : tenants) {
            double whole = 0;
            for (GroupEstimate each : groups) {
                whole += each.unitsPerSecond() * each.unitNanos()[sizes.size() - 1];
            }
            double sum = 0;
            int all = 0;
            for (int g = 0; g < groups.size(); g++, at++) {
                GroupEstimate each = groups.get(g);
                int size = sizes.get(pools[at]);
                double share = each.unitsPerSecond() * each.unitNanos()[sizes.size() - 1] / whole;
                int kernels = 1 + (int) ((32 - groups.size()) * share);
                all += kernels;
                sum += kernels * Math.round(1024 * Math.max(size, least));
                cost += each.unitsPerSecond() * each.unitNanos()[pools[at]];
                cost += g > 0 && pools[at] != pools[at - 1] ? SWITCH : 0;
            }
            lanes += sum / all;
        }
        return (1 + lanes) * cost;
    }

    private static List<GroupPool> plan(List<GroupEstimate> groups, List<Integer> sizes, int[] pools) {
        List<GroupPool> plan = new ArrayList<>();
        for (int g = 0; g < pools.length; g++) {
            if (pools[g] < sizes.size() - 1) {
                plan.add(new GroupPool(groups.get(g).group(), sizes.get(pools[g])));
            }
        }
        return plan;
    }

    @Test
    void shouldEqualBruteForceOverAllAssignments() {
        SplittableRandom random = new SplittableRandom(11);
        int divided = 0;
        int whole = 0;
        int mixed = 0;
        for (int i = 0; i < 600; i++) {
            List<Integer> sizes =
                    List.of(List.of(1, 2), List.of(1, 4), List.of(1, 2, 4)).get(random.nextInt(3));
            List<List<GroupEstimate>> tenants = tenants(random, sizes, sizes.size() == 3 ? 2 : 3);
            List<GroupEstimate> groups = tenants.stream().flatMap(List::stream).toList();
            GroupPoolProblem problem = new GroupPoolProblem(policy, sizes, groups);
            int all = (int) Math.pow(sizes.size(), groups.size());
            double least = Double.POSITIVE_INFINITY;
            List<GroupPool> best = List.of();
            for (int code = 0; code < all; code++) {
                int[] pools = new int[groups.size()];
                for (int g = 0, rest = code; g < pools.length; g++, rest /= sizes.size()) {
                    pools[g] = rest % sizes.size();
                }
                List<GroupPool> plan = plan(groups, sizes, pools);
                double objective = objective(tenants, sizes, pools);
                assertThat(problem.objective(plan)).as("case %d", i).isCloseTo(objective, within(objective * 1e-9));
                if (objective < least) {
                    least = objective;
                    best = plan;
                }
            }
            long parts =
                    best.stream().map(pool -> pool.group().tenant()).distinct().count();
            if (parts < 2) {
                assertThat(problem.best()).as("case %d", i).isEmpty();
                whole++;
            } else {
                assertThat(problem.objective(problem.best())).as("case %d", i).isCloseTo(least, within(least * 1e-9));
                divided++;
                mixed += best.size() < groups.size() ? 1 : 0;
            }
        }
        assertThat(divided).as("cases with pools").isGreaterThan(100);
        assertThat(whole).as("cases without").isGreaterThan(20);
        assertThat(mixed).as("cases with both").isGreaterThan(20);
    }

    @Test
    void shouldDivideExactlyWhereTwoSidesDoMoreThanTurns() {
        for (double slower : new double[] {1.2, 1.9, 2.1, 3}) {
            List<Integer> sizes = List.of(1, 8);
            GroupPoolProblem problem = new GroupPoolProblem(
                    policy,
                    sizes,
                    List.of(
                            group("a", "decode", sizes, 1_000, slower * 1e5, 1e5),
                            group("b", "decode", sizes, 1_000, slower * 1e5, 1e5)));
            assertThat(problem.best()).as("%s times as long on a core", slower).hasSize(slower < 2 ? 2 : 0);
            List<GroupPool> each = plan(
                    List.of(group("a", "decode", sizes, 0), group("b", "decode", sizes, 0)), sizes, new int[] {0, 0});
            assertThat(problem.gain(each, List.of()))
                    .as("%s times as long on a core", slower)
                    .isCloseTo(2 / slower, within(0.001));
        }
    }

    @Test
    void shouldLeaveAGroupWholeThatNeedsTheWholeDevice() {
        List<Integer> sizes = List.of(1, 2);
        GroupPoolProblem problem = new GroupPoolProblem(
                policy,
                sizes,
                List.of(
                        group("a", "prefill", sizes, 1_000, 2.6e5, 1e5),
                        group("a", "decode", sizes, 1_000, 1.1e5, 1e5),
                        group("b", "decode", sizes, 2_000, 1.1e5, 1e5)));
        assertThat(problem.best()).extracting(pool -> pool.group().toString()).containsExactly("a/decode", "b/decode");
    }

    @Test
    void shouldNotDivideWhereOneTenantWouldRunOnItsPoolAlone() {
        List<Integer> sizes = List.of(1, 2);
        for (double units : new double[] {10, 1_000}) {
            GroupPoolProblem problem = new GroupPoolProblem(
                    policy,
                    sizes,
                    List.of(
                            group("a", "decode", sizes, 1_000, 1.2e5, 1e5),
                            group("b", "prefill", sizes, units, 1.2e5, 1e5),
                            group("b", "decode", sizes, 1_000, 2.6e5, 1e5)));
            assertThat(problem.best()).as("programme, %s units of b", units).hasSize(2);
            assertThat(problem.paired()).as("paired, %s units of b", units).hasSize(units > 100 ? 2 : 0);
        }
    }

    @Test
    void shouldExpectNothingOfASizeThatWasNeverSeen() {
        List<Integer> sizes = List.of(1, 2, 4);
        GroupEstimate estimate = group("a", "decode", sizes, 1_000).with(Reports.group("a", "decode", 4, 1, 1e5));
        assertThat(estimate.unitNanos()).containsExactly(new double[] {4e5, 2e5, 1e5}, within(1e-3));
        assertThat(estimate.with(Reports.group("a", "decode", 1, 1, 3e5)).unitNanos())
                .containsExactly(new double[] {3e5, 3e5, 1e5}, within(1e-3));
        GroupPoolProblem problem = new GroupPoolProblem(
                policy,
                sizes,
                List.of(estimate, group("b", "decode", sizes, 1_000).with(Reports.group("b", "decode", 4, 1, 1e5))));
        assertThat(problem.gain(plan(List.of(estimate), sizes, new int[] {0}), List.of()))
                .isLessThanOrEqualTo(1);
    }

    @Test
    void shouldCountEnergyWhereItIsKnownOfAllGroupsAndHasAPrice() {
        List<Integer> sizes = List.of(1, 2);
        List<GroupEstimate> groups = new ArrayList<>();
        for (String tenant : List.of("a", "b")) {
            KernelGroup group = new KernelGroup(new TenantId(tenant), "decode");
            groups.add(GroupEstimate.first(group, sizes, 1_000, 0)
                    .with(new GroupSample(group, 1, 1, 2.2e5, OptionalDouble.of(1e-3)))
                    .with(new GroupSample(group, 2, 1, 1e5, OptionalDouble.of(4e-3))));
        }
        GroupPoolPolicy dear = new GroupPoolPolicy(0, 0.05, 2, 0, 1e8);
        assertThat(new GroupPoolProblem(policy, sizes, groups).best()).isEmpty();
        assertThat(new GroupPoolProblem(dear, sizes, groups).best()).hasSize(2);
        groups.set(1, group("b", "decode", sizes, 1_000, 2.2e5, 1e5));
        assertThat(new GroupPoolProblem(dear, sizes, groups).best())
                .as("energy of b is not known")
                .isEmpty();
    }
}

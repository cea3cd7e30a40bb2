package io.sluice.core.sharing;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The pools of kernel groups as a problem for {@link StreamPoolProgramme}: a stream is a tenant, its kernels are what its
 * groups do in a second.
 *
 * <p><b>Kernels.</b> At most {@value #MOST_KERNELS} of a stream, shared out to its groups in the order in which they run by the time that
 * they take on the whole device, so that a stream's average lanes are about an average over time. All kernels of a group
 * cost the same, so an optimal plan puts them on the same pool.
 *
 * <p><b>Objective.</b> ECLIP minimises {@code (1 + A/N) T}, A the average lanes of the streams summed, T their times summed: the 1
 * is for streams that run at the same time whatever they overlap on. In the gaps slices never share a lane; one on {@code l}
 * of {@code N} lanes makes others wait by the lanes that it keeps from them, and by nothing else, so the objective is {@code A T}.
 * The programme is given lanes in a unit so small that the 1 does not count. Since only so many slices run at once as there are
 * streams, n of them, a pool of {@code l} lanes keeps {@code max(l, N/n)} lanes from others: two tenants on a core each of a
 * device of eight leave six idle. Two tenants on half of the device each are then worth it exactly where half of the device takes less than
 * twice as long, by {@code 2 c(N) / c(N/2)} times.
 *
 * <p><b>Pairing.</b> The programme takes it that others use what a slice leaves free. Where the groups of one tenant on pools have
 * more to do than those of the others, they do not. So its plan, and each with one size for all groups, is held against the time that
 * the device needs for all the work: groups on the whole device one after the other, and those on pools as long as the
 * tenant with most of it, or as the sum of their lanes' time over all lanes.
 *
 * <p>Not thread-safe.
 */
final class GroupPoolProblem {
    /** Kernels of a stream. */
    static final int MOST_KERNELS = 32;

    private static final int UNITS_OF_A_LANE = 1_024;
    private static final double WINDOW_SECONDS = 1;
    private static final List<String> ORDER = List.of("prefill", "steps", "decode");
    private static final Comparator<GroupEstimate> AS_THEY_RUN = Comparator.<GroupEstimate>comparingInt(
                    each -> ORDER.indexOf(each.group().name()))
            .thenComparing(GroupEstimate::group);

    private final List<Integer> sizes;
    private final List<Stream> streams = new ArrayList<>();
    private final StreamPoolProgramme programme;
    private final GroupPoolPolicy policy;

    /**
     * One tenant.
     *
     * @param first first kernel of each group, and after them the number of kernels
     */
    private record Stream(List<GroupEstimate> groups, List<Integer> first, PoolSequence kernels) {
        int kernelsOf(int group) {
            return first.get(group + 1) - first.get(group);
        }
    }

    /**
     * @param sizes lanes of the pools, rising, the last one the whole device
     * @param groups of at least one tenant, each with some work
     */
    GroupPoolProblem(GroupPoolPolicy policy, List<Integer> sizes, List<GroupEstimate> groups) {
        this.policy = policy;
        this.sizes = List.copyOf(sizes);
        List<TenantId> tenants = groups.stream()
                .map(each -> each.group().tenant())
                .distinct()
                .sorted()
                .toList();
        boolean energy = policy.nanosPerJoule() > 0
                && groups.stream().noneMatch(each -> each.energy().unknown());
        for (TenantId tenant : tenants) {
            streams.add(stream(
                    groups.stream()
                            .filter(each -> each.group().tenant().equals(tenant))
                            .sorted(AS_THEY_RUN)
                            .toList(),
                    energy));
        }
        double shareOfAStream = (double) sizes.getLast() / tenants.size();
        int[] lanes = sizes.stream()
                .mapToInt(size -> (int) Math.round(UNITS_OF_A_LANE * Math.max(size, shareOfAStream)))
                .toArray();
        programme =
                new StreamPoolProgramme(1, lanes, policy.switchBudget(), policy.switchNanos(), policy.nanosPerJoule());
    }

    private static Stream stream(List<GroupEstimate> groups, boolean energy) {
        List<double[]> nanos = groups.stream().map(GroupEstimate::unitNanos).toList();
        double[] whole = new double[groups.size()];
        double sum = 0;
        for (int g = 0; g < whole.length; g++) {
            double[] bySize = nanos.get(g);
            whole[g] = groups.get(g).unitsPerSecond() * bySize[bySize.length - 1];
            sum += whole[g];
        }
        List<double[]> times = new ArrayList<>();
        List<double[]> joules = new ArrayList<>();
        List<Integer> first = new ArrayList<>();
        for (int g = 0; g < whole.length; g++) {
            first.add(times.size());
            double share = sum == 0 ? 0 : whole[g] / sum;
            int kernels = 1 + (int) ((MOST_KERNELS - whole.length) * share);
            double units = groups.get(g).unitsPerSecond() * WINDOW_SECONDS / kernels;
            for (int k = 0; k < kernels; k++) {
                times.add(times(units, nanos.get(g)));
                joules.add(energy ? times(units, groups.get(g).energy().fit()) : null);
            }
        }
        first.add(times.size());
        return new Stream(
                groups,
                first,
                new PoolSequence(times.toArray(double[][]::new), energy ? joules.toArray(double[][]::new) : null));
    }

    private static double[] times(double factor, double[] values) {
        double[] product = values.clone();
        for (int i = 0; i < product.length; i++) {
            product[i] *= factor;
        }
        return product;
    }

    /** Groups on less than the whole device in the best plan, in their order; none unless those of two tenants are. */
    List<GroupPool> best() {
        PoolPlan plan = programme.solve(streams.stream().map(Stream::kernels).toList());
        List<GroupPool> pools = new ArrayList<>();
        for (int w = 0; w < streams.size(); w++) {
            Stream stream = streams.get(w);
            for (int g = 0; g < stream.groups().size(); g++) {
                // Where the slope leaves it open, a switch may be anywhere in a group.
                int size = sizes.get(plan.pools()[w][stream.first().get(g) + stream.kernelsOf(g) / 2]);
                if (size < sizes.getLast()) {
                    pools.add(new GroupPool(stream.groups().get(g).group(), size));
                }
            }
        }
        pools.sort(Comparator.comparing(GroupPool::group));
        return pools.stream().map(pool -> pool.group().tenant()).distinct().count() < 2 ? List.of() : pools;
    }

    /** The plan, of the programme's and those of one size for all groups, with which the device needs the least time. */
    List<GroupPool> paired() {
        List<GroupPool> best = List.of();
        double least = time(best);
        List<List<GroupPool>> plans = new ArrayList<>(List.of(best()));
        for (int size : sizes.subList(0, sizes.size() - 1)) {
            plans.add(streams.stream()
                    .flatMap(stream -> stream.groups().stream())
                    .map(each -> new GroupPool(each.group(), size))
                    .sorted(Comparator.comparing(GroupPool::group))
                    .toList());
        }
        for (List<GroupPool> plan : plans) {
            double time = time(plan);
            if (time < least) {
                least = time;
                best = plan;
            }
        }
        return best;
    }

    /** How much more is done with one plan than with another in the same time. */
    double gain(List<GroupPool> plan, List<GroupPool> before) {
        double time = time(plan);
        return time == 0 ? 1 : time(before) / time;
    }

    /** What the device needs for a second's work, energy counted as time, ns; pools of other groups do not count. */
    private double time(List<GroupPool> plan) {
        double whole = 0;
        double longest = 0;
        double lanes = 0;
        for (Stream stream : streams) {
            double[] base = programme.base(stream.kernels());
            double pooled = 0;
            for (int g = 0; g < stream.groups().size(); g++) {
                int size = lanes(plan, stream.groups().get(g).group());
                double cost = base[stream.first().get(g) * sizes.size() + sizes.indexOf(size)] * stream.kernelsOf(g);
                if (size == sizes.getLast()) {
                    whole += cost;
                } else {
                    pooled += cost;
                    lanes += cost * size / sizes.getLast();
                }
            }
            longest = Math.max(longest, pooled);
        }
        return whole + Math.max(longest, lanes);
    }

    /** What the programme minimises; groups without a pool have the whole device, and pools of other groups do not count. */
    double objective(List<GroupPool> plan) {
        double lanes = 0;
        double cost = 0;
        for (Stream stream : streams) {
            double[] base = programme.base(stream.kernels());
            int before = -1;
            for (int g = 0; g < stream.groups().size(); g++) {
                int pool = sizes.indexOf(lanes(plan, stream.groups().get(g).group()));
                int kernels = stream.kernelsOf(g);
                lanes +=
                        programme.poolLanes()[pool] * kernels / stream.kernels().kernels();
                cost += base[stream.first().get(g) * sizes.size() + pool] * kernels;
                cost += before >= 0 && before != pool ? policy.switchNanos() : 0;
                before = pool;
            }
        }
        return programme.objective(lanes, cost);
    }

    private int lanes(List<GroupPool> plan, KernelGroup group) {
        for (GroupPool pool : plan) {
            if (pool.group().equals(group)) {
                return pool.lanes();
            }
        }
        return sizes.getLast();
    }
}

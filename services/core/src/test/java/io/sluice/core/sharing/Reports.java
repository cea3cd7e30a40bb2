package io.sluice.core.sharing;

import io.sluice.core.sharing.GpuSample.Critical;
import io.sluice.core.sharing.GpuSample.Tenant;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Reports of a made-up device: 100 requests a window of 1 ms each, best-effort work in proportion to its limits. */
final class Reports {
    static final long WINDOW = 100_000_000L;
    static final long START = 1_000_000_000_000_000L;
    static final OptionalDouble UNKNOWN = OptionalDouble.empty();
    static final int LANES = 16;

    private Reports() {}

    static Critical critical(long requests, long violations, double serviceNanos) {
        double sum = requests * serviceNanos;
        return new Critical(
                requests,
                violations,
                sum,
                serviceNanos * 1.2,
                serviceNanos * 1.5,
                sum / 10,
                sum / 20,
                0,
                UNKNOWN,
                UNKNOWN);
    }

    static Tenant tenant(String name, double weight, double unitsPerSecond, double lanes) {
        double run = WINDOW * 0.4;
        return new Tenant(
                new TenantId(name), weight, unitsPerSecond * run / 1e9, run, run * lanes, 0, UNKNOWN, UNKNOWN, UNKNOWN);
    }

    /** Of a device that cannot be divided. */
    static GpuSample gpu(
            long incarnation,
            long sequence,
            long atNanos,
            long intervalNanos,
            Critical critical,
            List<Tenant> tenants,
            OptionalDouble watts) {
        return new GpuSample(
                incarnation,
                sequence,
                atNanos,
                intervalNanos,
                critical,
                tenants,
                watts,
                0,
                List.of(),
                List.of(),
                List.of());
    }

    static GpuSample sample(long sequence, Critical critical, List<Tenant> tenants) {
        return gpu(1, sequence, START + sequence * WINDOW, WINDOW, critical, tenants, UNKNOWN);
    }

    static long at(long sequence) {
        return START + sequence * WINDOW + 1_000_000;
    }

    /** A report that no device can have made, or not for now, or that follows {@code lastUsed} out of order. */
    static GpuSample absurd(SplittableRandom random, GpuSample good, long lastUsed) {
        Critical c = good.critical();
        long s = good.sequence();
        double nonsense =
                switch (random.nextInt(4)) {
                    case 0 -> Double.NaN;
                    case 1 -> -1;
                    case 2 -> Double.POSITIVE_INFINITY;
                    default -> 1e300;
                };
        return switch (random.nextInt(18)) {
            case 0 -> with(good, critical(c, c.requests(), -1, c.serviceNanos(), c.waitNanos()), s);
            case 1 -> with(good, critical(c, -5, 0, c.serviceNanos(), c.waitNanos()), s);
            case 2 -> with(good, critical(c, 10, 11, c.serviceNanos(), c.waitNanos()), s);
            case 3 -> with(good, critical(c, c.requests(), 0, nonsense, c.waitNanos()), s);
            case 4 -> with(good, critical(c, c.requests(), 0, c.serviceNanos(), nonsense), s);
            case 5 -> with(good, critical(c, c.requests() + 1, 0, 0, 0), s);
            case 6 -> gpu(1, s, at(s) + 10_000_000_000L, WINDOW, c, good.tenants(), UNKNOWN);
            case 7 -> gpu(1, s, at(s) - 10 * WINDOW - 2_000_000, WINDOW, c, good.tenants(), UNKNOWN);
            case 8 -> gpu(1, s, Long.MIN_VALUE, WINDOW, c, good.tenants(), UNKNOWN);
            case 9 -> gpu(1, s, Long.MAX_VALUE, WINDOW, c, good.tenants(), UNKNOWN);
            case 10 -> gpu(1, lastUsed - random.nextInt(5), good.atNanos(), WINDOW, c, good.tenants(), UNKNOWN);
            case 11 -> gpu(1, s, good.atNanos(), -WINDOW, c, good.tenants(), UNKNOWN);
            case 12 -> gpu(1, s, good.atNanos(), WINDOW, c, good.tenants(), OptionalDouble.of(nonsense));
            case 13 -> gpu(1, s, good.atNanos(), WINDOW, c, List.of(nonsense(nonsense, random)), UNKNOWN);
            case 14 -> with(good, excused(c, nonsense > 0 ? Long.MAX_VALUE : -1), s);
            case 15 -> pools(good, absurdSizes(random), List.of());
            case 16 -> pools(good, List.of(1, 4), absurdGroups(nonsense, random));
            default -> gpu(random.nextBoolean() ? 0 : 2, s, good.atNanos(), WINDOW, c, good.tenants(), UNKNOWN);
        };
    }

    static GpuSample pools(GpuSample s, List<Integer> poolLanes, List<GroupSample> groups) {
        return new GpuSample(
                s.incarnation(),
                s.sequence(),
                s.atNanos(),
                s.intervalNanos(),
                s.critical(),
                s.tenants(),
                s.watts(),
                s.sideLanes(),
                s.pools(),
                poolLanes,
                groups);
    }

    static GroupSample group(String tenant, String name, int lanes, double units, double runNanos) {
        return new GroupSample(new KernelGroup(new TenantId(tenant), name), lanes, units, runNanos, UNKNOWN);
    }

    private static List<Integer> absurdSizes(SplittableRandom random) {
        return switch (random.nextInt(4)) {
            case 0 -> List.of(0, 4);
            case 1 -> List.of(-1);
            case 2 -> List.of(4, 4);
            default -> IntStream.rangeClosed(1, 65).boxed().toList();
        };
    }

    private static List<GroupSample> absurdGroups(double x, SplittableRandom random) {
        GroupSample good = group("a", "decode", 4, 10, 1e6);
        return switch (random.nextInt(8)) {
            case 0 -> List.of(good, group("a", "decode", 4, x, 1e6));
            case 1 -> List.of(group("a", "decode", 4, 10, x));
            case 2 -> List.of(group("a", "decode", 4, x, 1e6));
            case 3 -> List.of(good, good);
            case 4 -> List.of(group("a", "decode", 2, 10, 1e6));
            case 5 -> List.of(group("a", "decode", 4, 10, 0));
            case 6 -> List.of(new GroupSample(good.group(), 4, 10, 1e6, OptionalDouble.of(x)));
            default ->
                IntStream.range(0, 193)
                        .mapToObj(i -> group("t" + i, "decode", 4, 1, 1))
                        .toList();
        };
    }

    private static Tenant nonsense(double x, SplittableRandom random) {
        TenantId id = new TenantId("a");
        return switch (random.nextInt(5)) {
            case 0 -> new Tenant(id, x, 1, 1, 1, 0, UNKNOWN, UNKNOWN, UNKNOWN);
            case 1 -> new Tenant(id, 1, x, 1, 1, 0, UNKNOWN, UNKNOWN, UNKNOWN);
            case 2 -> new Tenant(id, 1, 1, x, 1, 0, UNKNOWN, UNKNOWN, UNKNOWN);
            case 3 -> new Tenant(id, 1, 1, WINDOW, WINDOW * 100.0, 0, UNKNOWN, UNKNOWN, UNKNOWN);
            default -> new Tenant(id, 1, 1, 1, 1, 0, OptionalDouble.of(x), UNKNOWN, UNKNOWN);
        };
    }

    private static GpuSample with(GpuSample s, Critical critical, long sequence) {
        return gpu(1, sequence, s.atNanos(), WINDOW, critical, s.tenants(), UNKNOWN);
    }

    static Critical excused(Critical c, long excused) {
        return new Critical(
                c.requests(),
                c.violations(),
                c.serviceNanos(),
                c.serviceP99Nanos(),
                c.responseP99Nanos(),
                c.waitNanos(),
                c.causedWaitNanos(),
                c.besideNanos(),
                c.dramBytesPerSecond(),
                c.l2Bytes(),
                excused);
    }

    private static Critical critical(Critical c, long requests, long violations, double service, double wait) {
        return new Critical(
                requests, violations, service, c.serviceP99Nanos(), c.responseP99Nanos(), wait, 0, 0, UNKNOWN, UNKNOWN);
    }
}

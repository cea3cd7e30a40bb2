package io.sluice.core.sharing;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * By how much best-effort work on side lanes usually makes latency-critical steps longer, learnt from steps that ran alone and
 * beside it. A single step says nothing, because machines disturb steps for reasons of their own; so steps are judged by the
 * usual factor, a median over the newest ones, times the part of the step during which something ran beside it.
 *
 * <p>A step of {@code S} ns with best-effort work beside it for a part {@code o} of the time, of a kind that usually takes
 * {@code A} ns alone, is a sample of the factor {@code f = 1 + (S / A - 1) / o}; a later one is taken to be slowed down by
 * {@code S (1 - 1 / (1 + (f - 1) o))}. Only steps of which at least half was beside, or at most a
 * tenth, teach anything. What is old is forgotten with
 * what comes, and one step in {@value #ALONE_EVERY} of a kind is to run alone, so that {@code A} stays fresh. Not thread-safe.
 */
public final class StepSlowdown {
    /** So many steps of a kind, one of them runs alone. */
    public static final int ALONE_EVERY = 32;
    /** Steps of a kind and a number of lanes that are enough to go by them. */
    public static final int PROVEN = 4;

    private static final int MEMORY = 16;
    private static final int MAX_KINDS = 64;
    private static final double LEAST_PART = 0.5;
    /** A layer that was under way when the step began. */
    private static final double ALONE_PART = 0.1;

    private static final double MOST_FACTOR = 100;

    private final Map<Kind, Steps> kinds = new LinkedHashMap<>(16, 0.75f, true);
    private final Steps all = new Steps();

    /**
     * What the time of a step depends on. Immutable.
     *
     * @param prompt whether it computes more than one position of a session
     * @param size rows or positions, rounded up to a power of two ({@link SliceSizing#sizeClass})
     * @param layers that it runs
     */
    public record Kind(boolean prompt, int size, int layers) {}

    /** The newest values, of which the lower median counts. */
    private static final class Newest {
        private final double[] values = new double[MEMORY];
        private long seen;

        void add(double value) {
            values[(int) (seen++ % MEMORY)] = value;
        }

        boolean proven() {
            return seen >= PROVEN;
        }

        double usual() {
            double[] sorted = Arrays.copyOf(values, (int) Math.min(seen, MEMORY));
            Arrays.sort(sorted);
            return sorted[(sorted.length - 1) / 2];
        }
    }

    private static final class Steps {
        private final Newest alone = new Newest();
        private final Map<Integer, Newest> beside = new LinkedHashMap<>();
        private long begun;

        Newest beside(int lanes) {
            return beside.computeIfAbsent(lanes, key -> new Newest());
        }
    }

    /** Whether the next step of a kind is to run alone; call once per step. */
    public boolean runsAlone(Kind kind) {
        Steps steps = of(kind);
        return steps.begun++ % ALONE_EVERY == 0 || !steps.alone.proven();
    }

    /** Usual time of a kind of step alone, ns; 0: unknown. */
    public double usualNanos(Kind kind) {
        Steps steps = kinds.get(Objects.requireNonNull(kind, "kind"));
        return steps == null || steps.alone.seen == 0 ? 0 : steps.alone.usual();
    }

    /** How much longer steps usually take with something on so many lanes all the time, at least 1; 1: unknown. */
    public double factor(int lanes) {
        Newest known = all.beside.get(lanes);
        return known == null || known.seen == 0 ? 1 : Math.max(1, known.usual());
    }

    /**
     * A step has ended.
     *
     * @param serviceNanos from its start to its end
     * @param lanes most lanes on which best-effort work ran at once meanwhile; 0: alone
     * @param besideNanos how long it did, summed over the lanes
     * @return by how much that is taken to have made it longer, ns
     */
    public double ended(Kind kind, double serviceNanos, int lanes, double besideNanos) {
        Shares.notNegative("service in ns", serviceNanos);
        Shares.notNegative("time beside in ns", besideNanos);
        Steps steps = of(kind);
        if (serviceNanos == 0) {
            return 0;
        }
        double part = lanes <= 0 ? 0 : Math.min(1, besideNanos / lanes / serviceNanos);
        if (part <= ALONE_PART) {
            steps.alone.add(serviceNanos);
        }
        if (part == 0) {
            return 0;
        }
        if (steps.alone.seen > 0 && part >= LEAST_PART) {
            double factor = Math.min(MOST_FACTOR, 1 + (serviceNanos / steps.alone.usual() - 1) / part);
            steps.beside(lanes).add(factor);
            all.beside(lanes).add(factor);
        }
        Newest its = steps.beside(lanes);
        Newest known = its.proven() || all.beside(lanes).seen == 0 ? its : all.beside(lanes);
        double more = known.seen == 0 ? 0 : Math.max(0, known.usual() - 1) * part;
        return serviceNanos * (1 - 1 / (1 + more));
    }

    private Steps of(Kind kind) {
        Steps known = kinds.get(Objects.requireNonNull(kind, "kind"));
        if (known != null) {
            return known;
        }
        if (kinds.size() >= MAX_KINDS) {
            var eldest = kinds.keySet().iterator();
            eldest.next();
            eldest.remove();
        }
        Steps fresh = new Steps();
        kinds.put(kind, fresh);
        return fresh;
    }
}

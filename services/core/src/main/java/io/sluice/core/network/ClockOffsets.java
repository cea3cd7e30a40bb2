package io.sluice.core.network;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * By how much the clocks of workers differ, from one-way differences: receive time by the receiver's clock minus send time by
 * the sender's is {@code latency + offset}, so the least of many is the latency of an empty link plus the offset. Between
 * two that send to one another the offset is {@code (minAB - minBA) / 2}, as in NTP (RFC 5905). A pipeline is a ring where
 * each sends to the next only: then nothing but the sum of its latencies is certain, and the offsets taken are those that
 * make the latencies as equal as they can be (least squares over all links among workers that reach one another), which
 * for two is the same formula.
 *
 * <p>Bias: the offset of two is wrong by half of what the latency there and the latency back differ, that of a ring by what
 * the links before a worker differ from the mean; the sum round the ring is never wrong. Offsets are unknown between
 * workers of which one does not reach the other. Differences are forgotten after {@link #WINDOW_MILLIS}, so a clock that
 * drifts by 100 ppm adds at most 2 ms, and one that was set anew is right again after the window. Not thread-safe.
 */
public final class ClockOffsets {
    /** A difference counts for so long, ms. */
    public static final long WINDOW_MILLIS = 20_000;

    private static final int MAX_LINKS = 4_096;

    private final Map<String, Map<String, RecentMinimum>> links = new TreeMap<>();
    private int count;

    /** A record from one worker to another took so long by their two clocks. */
    public void saw(String from, String to, long micros, long nowMillis) {
        if (from.equals(to)) {
            return;
        }
        Map<String, RecentMinimum> outgoing = links.computeIfAbsent(from, key -> new TreeMap<>());
        RecentMinimum link = outgoing.get(to);
        if (link == null) {
            if (count >= MAX_LINKS) {
                forgetSilent(nowMillis);
                outgoing = links.computeIfAbsent(from, key -> new TreeMap<>());
            }
            if (count >= MAX_LINKS) {
                return;
            }
            link = new RecentMinimum(WINDOW_MILLIS);
            outgoing.put(to, link);
            count++;
        }
        link.add(new RecentMinimum.Seen(micros, 0), nowMillis);
    }

    /** The clock of {@code b} minus the clock of {@code a}, microseconds; empty while it cannot be known. */
    public OptionalDouble offsetMicros(String a, String b, long nowMillis) {
        if (a.equals(b)) {
            return OptionalDouble.of(0);
        }
        List<Edge> edges = edges(nowMillis);
        TreeSet<String> together = reached(edges, a, false);
        together.retainAll(reached(edges, a, true));
        if (!together.contains(b)) {
            return OptionalDouble.empty();
        }
        List<String> names = List.copyOf(together);
        double[] clocks = solve(names, edges);
        return OptionalDouble.of(clocks[names.indexOf(b)] - clocks[names.indexOf(a)]);
    }

    /** Latency of the empty link, microseconds, offset taken out; empty while it cannot be known. */
    public OptionalDouble latencyMicros(String from, String to, long nowMillis) {
        OptionalDouble offset = offsetMicros(from, to, nowMillis);
        RecentMinimum link = links.getOrDefault(from, Map.of()).get(to);
        if (offset.isEmpty() || link == null) {
            return OptionalDouble.empty();
        }
        return link.least(nowMillis)
                .map(least -> OptionalDouble.of(least.value() - offset.getAsDouble()))
                .orElse(OptionalDouble.empty());
    }

    private record Edge(String from, String to, double micros) {}

    private List<Edge> edges(long nowMillis) {
        List<Edge> edges = new ArrayList<>();
        links.forEach((from, outgoing) -> outgoing.forEach(
                (to, link) -> link.least(nowMillis).ifPresent(least -> edges.add(new Edge(from, to, least.value())))));
        return edges;
    }

    /** Who can be reached from {@code start}, or, backwards, who reaches it; itself, too. */
    private static TreeSet<String> reached(List<Edge> edges, String start, boolean backwards) {
        TreeSet<String> seen = new TreeSet<>();
        ArrayDeque<String> open = new ArrayDeque<>(List.of(start));
        while (!open.isEmpty()) {
            String here = open.poll();
            if (seen.add(here)) {
                for (Edge edge : edges) {
                    if ((backwards ? edge.to : edge.from).equals(here)) {
                        open.add(backwards ? edge.from : edge.to);
                    }
                }
            }
        }
        return seen;
    }

    /** Clocks that make the sum of the squared latencies least, the first being 0: the normal equations of the links. */
    private static double[] solve(List<String> names, List<Edge> edges) {
        int n = names.size();
        double[][] rows = new double[n][n + 1];
        for (Edge edge : edges) {
            int from = names.indexOf(edge.from);
            int to = names.indexOf(edge.to);
            if (from >= 0 && to >= 0) {
                rows[from][from]++;
                rows[to][to]++;
                rows[from][to]--;
                rows[to][from]--;
                rows[from][n] -= edge.micros;
                rows[to][n] += edge.micros;
            }
        }
        // The first clock is the reference; the others' equations are positive definite, as the links connect them.
        for (int i = 1; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                double factor = rows[j][i] / rows[i][i];
                for (int k = i; k <= n; k++) {
                    rows[j][k] -= factor * rows[i][k];
                }
            }
        }
        double[] clocks = new double[n];
        for (int i = n - 1; i >= 1; i--) {
            double value = rows[i][n];
            for (int j = i + 1; j < n; j++) {
                value -= rows[i][j] * clocks[j];
            }
            clocks[i] = value / rows[i][i];
        }
        return clocks;
    }

    private void forgetSilent(long nowMillis) {
        for (Map<String, RecentMinimum> outgoing : links.values()) {
            int before = outgoing.size();
            outgoing.values().removeIf(link -> link.least(nowMillis).isEmpty());
            count -= before - outgoing.size();
        }
        links.values().removeIf(Map::isEmpty);
    }
}

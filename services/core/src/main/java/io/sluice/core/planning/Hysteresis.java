package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import io.sluice.core.planning.WorkerGraph.Edge;
import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Keeps noise from becoming epochs: an allocation is published again when members or placement changed, or when a
 * worker's capacity or the max flow moved by more than the threshold against what was published. Stateless and
 * thread-safe.
 */
public final class Hysteresis {
    private final double threshold;

    /** @param threshold relative move that counts, for example 0.1 */
    public Hysteresis(double threshold) {
        if (!(threshold >= 0) || threshold >= 1) {
            throw new IllegalArgumentException("hysteresis threshold " + threshold + " must be in [0, 1)");
        }
        this.threshold = threshold;
    }

    /**
     * False when solving {@code graph} cannot lead to a publication: same members, and every capacity within the
     * threshold of the published one. Scaling all capacities by at most a factor moves the max flow by at most that
     * factor.
     */
    public boolean worthSolving(Allocation published, WorkerGraph graph) {
        if (published.placementEpoch() != graph.placementEpoch()
                || published.workers().size() != graph.vertices().size()
                || published.edges().size() != graph.edges().size()) {
            return true;
        }
        for (int i = 0; i < graph.vertices().size(); i++) {
            WorkerFlow before = published.workers().get(i);
            Vertex now = graph.vertices().get(i);
            if (!sameWorker(before, now.worker(), now.layers(), now.region(), now.kvCapacityTokens())
                    || moved(before.capacity(), now.capacity())) {
                return true;
            }
        }
        for (int i = 0; i < graph.edges().size(); i++) {
            EdgeFlow before = published.edges().get(i);
            Edge now = graph.edges().get(i);
            if (!before.from().equals(now.from())
                    || !before.to().equals(now.to())
                    || moved(before.capacity(), now.capacity())) {
                return true;
            }
        }
        return false;
    }

    /** Why {@code candidate} should replace {@code published}; empty when it should not. */
    public Optional<String> reasonToPublish(Allocation published, Allocation candidate) {
        List<String> reasons = new ArrayList<>();
        if (published.placementEpoch() != candidate.placementEpoch()) {
            reasons.add("placement " + candidate.placementEpoch());
        }
        Map<String, WorkerFlow> before = byName(published);
        Map<String, WorkerFlow> after = byName(candidate);
        after.keySet().stream().filter(w -> !before.containsKey(w)).forEach(w -> reasons.add(w + " joined"));
        before.keySet().stream().filter(w -> !after.containsKey(w)).forEach(w -> reasons.add(w + " left"));
        boolean servedNeither = published.maxFlow() == 0 && candidate.maxFlow() == 0;
        after.forEach((name, now) -> {
            WorkerFlow was = before.get(name);
            if (was == null) {
                return;
            }
            if (!sameWorker(was, now.worker(), now.layers(), now.region(), now.kvCapacityTokens())) {
                reasons.add(name + " restarted");
            } else if (!servedNeither && moved(was.capacity(), now.capacity())) {
                reasons.add(move(name, was.capacity(), now.capacity()));
            }
        });
        if (!servedNeither && moved(published.maxFlow(), candidate.maxFlow())) {
            reasons.add(move("max flow", published.maxFlow(), candidate.maxFlow()));
        }
        return reasons.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", reasons));
    }

    private static boolean sameWorker(
            WorkerFlow before, WorkerId worker, LayerRange layers, String region, long kvTokens) {
        return before.worker().equals(worker)
                && before.layers().equals(layers)
                && before.region().equals(region)
                && before.kvCapacityTokens() == kvTokens;
    }

    private static Map<String, WorkerFlow> byName(Allocation allocation) {
        Map<String, WorkerFlow> map = new TreeMap<>();
        allocation.workers().forEach(w -> map.put(w.worker().value(), w));
        return map;
    }

    private boolean moved(double before, double now) {
        // Against the larger of the two: noise of half the threshold round a value can then never add up to a move.
        return Math.abs(now - before) > threshold * Math.max(before, now);
    }

    private static String move(String what, double before, double now) {
        return String.format(
                Locale.ROOT, "%s %s from %.1f to %.1f tokens/s", what, now < before ? "fell" : "rose", before, now);
    }
}

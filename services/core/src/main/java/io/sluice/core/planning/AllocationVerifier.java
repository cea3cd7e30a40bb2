package io.sluice.core.planning;

import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Proves a published allocation feasible and optimal, from the allocation alone: it shares no code with the solver.
 *
 * <p>Feasible: finite, non-negative numbers; flows within capacities; edges only where layer ranges meet; conservation
 * at every worker; every layer passed once by every unit of flow. Optimal: the named bottleneck separates source from
 * sink and its capacity equals the flow (max-flow min-cut). Tolerance: {@value #TOLERANCE} of the value compared.
 * O(workers × layers + edges). Stateless and thread-safe.
 */
public final class AllocationVerifier {
    /** Relative tolerance of every comparison. */
    public static final double TOLERANCE = 1e-6;

    private static final Comparator<WorkerFlow> WORKER_ORDER =
            Comparator.comparing((WorkerFlow w) -> w.layers().first()).thenComparing(WorkerFlow::worker);
    private static final Comparator<EdgeFlow> EDGE_ORDER =
            Comparator.comparing(EdgeFlow::from).thenComparing(EdgeFlow::to);

    private final Allocation allocation;
    private final List<String> violations = new ArrayList<>();
    private final Map<String, WorkerFlow> workers = new HashMap<>();

    private AllocationVerifier(Allocation allocation) {
        this.allocation = allocation;
    }

    /** Everything wrong with {@code allocation}, one sentence each, naming the value; empty when it holds. */
    public static List<String> verify(Allocation allocation) {
        AllocationVerifier verifier = new AllocationVerifier(allocation);
        verifier.checkTotals();
        verifier.checkWorkers();
        verifier.checkEdges();
        if (verifier.violations.isEmpty()) {
            // Only sums of sane numbers over known names mean anything.
            verifier.checkConservation();
            verifier.checkCoverage();
            verifier.checkCut();
        }
        return List.copyOf(verifier.violations);
    }

    private static boolean sane(double value) {
        return value >= 0 && !Double.isInfinite(value);
    }

    private static boolean exceeds(double value, double limit) {
        return value > limit + TOLERANCE * Math.max(Math.abs(value), Math.abs(limit));
    }

    private static boolean differ(double a, double b) {
        return exceeds(a, b) || exceeds(b, a);
    }

    private void violation(String text) {
        violations.add(text);
    }

    private void checkTotals() {
        if (allocation.model().isBlank()) {
            violation("the model's name is blank");
        }
        if (allocation.placementEpoch() < 1) {
            violation("placement epoch " + allocation.placementEpoch() + " is below 1");
        }
        if (!sane(allocation.maxFlow())) {
            violation("max flow " + allocation.maxFlow() + " tokens/s is not a finite, non-negative number");
        }
        if (!sane(allocation.bound())) {
            violation("bound " + allocation.bound() + " tokens/s is not a finite, non-negative number");
        }
    }

    private void checkWorkers() {
        WorkerFlow previous = null;
        for (WorkerFlow w : allocation.workers()) {
            String name = w.worker().value();
            if (name.equals(Allocation.SOURCE) || name.equals(Allocation.SINK)) {
                violation("a worker is called " + name + ", which names an end of the graph");
            }
            if (workers.put(name, w) != null) {
                violation("worker " + name + " is listed twice");
            }
            if (w.layers().end() > allocation.layerCount()) {
                violation(
                        "worker " + name + " holds layers " + w.layers() + " of a model of " + allocation.layerCount());
            }
            if (!sane(w.capacity()) || !sane(w.flow())) {
                violation("worker " + name + ": capacity " + w.capacity() + " and flow " + w.flow()
                        + " tokens/s must be finite and not negative");
            } else if (exceeds(w.flow(), w.capacity())) {
                violation("worker " + name + " carries " + w.flow() + " of " + w.capacity() + " tokens/s");
            }
            if (w.kvCapacityTokens() < 0) {
                violation("worker " + name + ": KV capacity " + w.kvCapacityTokens() + " tokens is negative");
            }
            if (previous != null && WORKER_ORDER.compare(previous, w) > 0) {
                violation("worker " + name + " is out of order (first layer, then id)");
            }
            previous = w;
        }
    }

    private void checkEdges() {
        EdgeFlow previous = null;
        for (EdgeFlow e : allocation.edges()) {
            if (!sane(e.capacity()) || !sane(e.flow())) {
                violation("edge " + name(e) + ": capacity " + e.capacity() + " and flow " + e.flow()
                        + " tokens/s must be finite and not negative");
            } else if (exceeds(e.flow(), e.capacity())) {
                violation("edge " + name(e) + " carries " + e.flow() + " of " + e.capacity() + " tokens/s");
            }
            checkEnds(e);
            int order = previous == null ? -1 : EDGE_ORDER.compare(previous, e);
            if (order == 0) {
                violation("edge " + name(e) + " is listed twice");
            } else if (order > 0) {
                violation("edge " + name(e) + " is out of order (from, then to)");
            }
            previous = e;
        }
    }

    private static String name(EdgeFlow e) {
        return e.from() + ">" + e.to();
    }

    private void checkEnds(EdgeFlow e) {
        WorkerFlow from = workers.get(e.from());
        WorkerFlow to = workers.get(e.to());
        boolean begins = e.from().equals(Allocation.SOURCE);
        boolean ends = e.to().equals(Allocation.SINK);
        if (!begins && from == null || !ends && to == null || begins && ends) {
            violation("edge " + name(e) + " joins something that is not a listed worker");
            return;
        }
        int leaves = begins ? 0 : from.layers().end();
        if (ends ? leaves != allocation.layerCount() : !to.layers().contains(leaves)) {
            violation("edge " + name(e) + " leaves at layer " + leaves + " and cannot enter "
                    + (ends
                            ? "the sink before layer " + allocation.layerCount()
                            : to.layers().toString()));
        } else if (begins && to.layers().first() != 0) {
            violation("edge " + name(e) + " does not begin at layer 0");
        }
    }

    private void checkConservation() {
        Map<String, Double> in = new HashMap<>();
        Map<String, Double> out = new HashMap<>();
        for (EdgeFlow e : allocation.edges()) {
            out.merge(e.from(), e.flow(), Double::sum);
            in.merge(e.to(), e.flow(), Double::sum);
        }
        for (WorkerFlow w : allocation.workers()) {
            String name = w.worker().value();
            double enters = in.getOrDefault(name, 0.0);
            double leaves = out.getOrDefault(name, 0.0);
            if (conserves(enters, w.flow()) && conserves(leaves, w.flow())) {
                continue;
            }
            violation("worker " + name + ": " + enters + " tokens/s enter, " + w.flow() + " pass and " + leaves
                    + " leave");
        }
        double begins = out.getOrDefault(Allocation.SOURCE, 0.0);
        double ends = in.getOrDefault(Allocation.SINK, 0.0);
        if (differ(begins, allocation.maxFlow()) || differ(ends, allocation.maxFlow())) {
            violation("max flow is " + allocation.maxFlow() + " tokens/s, but " + begins + " leave the source and "
                    + ends + " reach the sink");
        }
    }

    /** Rounding of a small flow is judged against the whole: a thousandth of a token is not a violation. */
    private boolean conserves(double a, double b) {
        return Math.abs(a - b) <= TOLERANCE * Math.max(allocation.maxFlow(), Math.max(a, b));
    }

    private void checkCoverage() {
        double[] passes = new double[allocation.layerCount()];
        for (EdgeFlow e : allocation.edges()) {
            if (e.to().equals(Allocation.SINK)) {
                continue;
            }
            WorkerFlow from = workers.get(e.from());
            int enter = from == null ? 0 : from.layers().end();
            for (int layer = enter; layer < workers.get(e.to()).layers().end(); layer++) {
                passes[layer] += e.flow();
            }
        }
        for (int layer = 0; layer < passes.length; layer++) {
            if (differ(passes[layer], allocation.maxFlow())) {
                violation("layer " + layer + " is passed by " + passes[layer] + " of " + allocation.maxFlow()
                        + " tokens/s");
                return;
            }
        }
    }

    private void checkCut() {
        if (differ(allocation.maxFlow(), allocation.bound())) {
            violation("max flow " + allocation.maxFlow() + " tokens/s differs from its bound " + allocation.bound());
        }
        if (allocation.bottleneck().isEmpty()) {
            violation("no bottleneck is named");
        }
        Set<String> cut = new HashSet<>(allocation.bottleneck());
        if (allocation.bound() > 0) {
            double capacity = 0;
            for (WorkerFlow w : allocation.workers()) {
                capacity += cut.remove(w.worker().value()) ? w.capacity() : 0;
            }
            for (EdgeFlow e : allocation.edges()) {
                capacity += cut.remove(name(e)) ? e.capacity() : 0;
            }
            if (!cut.isEmpty()) {
                violation("bottleneck names " + cut.iterator().next() + ", which is no worker and no edge");
            } else if (differ(capacity, allocation.bound())) {
                violation("the bottleneck holds " + capacity + " tokens/s, the bound says " + allocation.bound());
            }
        }
        String way = wayRound(new HashSet<>(allocation.bottleneck()));
        if (way != null) {
            violation("the bottleneck does not separate source from sink: tokens can still leave through " + way);
        }
    }

    /** A worker next to the sink that flow could reach without passing {@code cut}; null: none. */
    private String wayRound(Set<String> cut) {
        Map<String, List<EdgeFlow>> leaving = new HashMap<>();
        for (EdgeFlow e : allocation.edges()) {
            if (e.capacity() > 0 && !cut.contains(name(e))) {
                leaving.computeIfAbsent(e.from(), k -> new ArrayList<>()).add(e);
            }
        }
        Set<String> seen = new HashSet<>(List.of(Allocation.SOURCE));
        ArrayDeque<String> queue = new ArrayDeque<>(seen);
        while (!queue.isEmpty()) {
            for (EdgeFlow e : leaving.getOrDefault(queue.remove(), List.of())) {
                if (e.to().equals(Allocation.SINK)) {
                    return e.from();
                }
                boolean passable = workers.get(e.to()).capacity() > 0 && !cut.contains(e.to());
                if (passable && seen.add(e.to())) {
                    queue.add(e.to());
                }
            }
        }
        return null;
    }
}

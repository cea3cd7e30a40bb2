package io.sluice.solver;

import com.google.ortools.linearsolver.MPConstraint;
import com.google.ortools.linearsolver.MPVariable;
import io.sluice.core.placement.Feasibility;
import io.sluice.core.placement.FlowBounds;
import io.sluice.core.placement.MultiModelProblem;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.SearchControl;
import java.util.Optional;

/**
 * What no placement of several models can exceed, by linear programs over the part {@code y(i, m)} of node i that model
 * m gets: of its layers, for whether all fit when a node is one model's, or of its time, for how much flows, shared or not.
 * Stateless and thread-safe.
 */
final class MultiModelBounds {
    private static final double AMPLE_SECONDS = 60;
    private static final double ROUNDING = 1e-6;
    private static final int MOST_ROUNDS = 20;

    private MultiModelBounds() {}

    /** How much of a model one node does with all of itself. */
    @FunctionalInterface
    private interface Work {
        double of(int model, int node);
    }

    /** Which model cannot be held, in one sentence; empty: nothing is known to be wrong. */
    static Optional<String> explain(MultiModelProblem problem) {
        for (int m = 0; m < problem.models(); m++) {
            Optional<String> reason = Feasibility.explain(problem.problem(m));
            if (reason.isPresent()) {
                return Optional.of("model " + problem.name(m) + " cannot be held: " + reason.get());
            }
        }
        for (int i = 0; i < problem.cluster().nodes().size(); i++) {
            int first = -1;
            for (int m = 0; m < problem.models(); m++) {
                if (problem.problem(m).pinned(i) != null && first >= 0) {
                    return Optional.of(
                            "node " + problem.cluster().nodes().get(i).id() + " is pinned for "
                                    + problem.name(first) + " and for " + problem.name(m)
                                    + ", but the search gives a node to one model; drop one pin");
                }
                first = problem.problem(m).pinned(i) != null ? m : first;
            }
        }
        return memory(problem);
    }

    private static Optional<String> memory(MultiModelProblem problem) {
        double held = most(problem, -1, needs(problem, true), room(problem));
        if (held >= 1 - ROUNDING) {
            return Optional.empty();
        }
        int blamed = 0;
        for (int m = 0; m < problem.models(); m++) {
            if (problem.models() > 1 && most(problem, m, needs(problem, true), room(problem)) >= 1 - ROUNDING) {
                blamed = m;
                break;
            }
        }
        StringBuilder others = new StringBuilder();
        for (int m = 0; m < problem.models(); m++) {
            others.append(m == blamed ? "" : (others.isEmpty() ? "" : ", ") + problem.name(m));
        }
        return Optional.of("model " + problem.name(blamed) + " cannot be held beside " + others
                + ": the nodes that may hold them fit " + (int) Math.floor(100 * held)
                + " % of all their layers together; add machines or memory, or drop a model");
    }

    private static Work room(MultiModelProblem problem) {
        return (m, i) -> {
            PlacementProblem one = problem.problem(m);
            return one.pinned(i) != null ? one.pinned(i).size() : one.maxLayers(i);
        };
    }

    private static double[] needs(MultiModelProblem problem, boolean replicas) {
        double[] needs = new double[problem.models()];
        for (int m = 0; m < needs.length; m++) {
            needs[m] = (double) problem.problem(m).layers()
                    * (replicas ? problem.problem(m).constraints().minReplicas() : problem.weight(m));
        }
        return needs;
    }

    /**
     * A concurrent flow that no placement exceeds: every token of model m passes all its layers, and a node does at most
     * {@code max over k of k * min(T(k), flow)} layer-tokens/s of it ({@link FlowBounds}); rounds tighten the flow.
     */
    static double concurrentFlow(MultiModelProblem problem) {
        double bound = Double.POSITIVE_INFINITY;
        for (int m = 0; m < problem.models(); m++) {
            bound = Math.min(bound, FlowBounds.flow(problem.problem(m)) / problem.weight(m));
        }
        for (int round = 0; round < MOST_ROUNDS; round++) {
            double most = bound;
            double next = most(problem, -1, needs(problem, false), (m, i) -> work(problem, m, i, most));
            next = Math.min(bound, next * (1 + ROUNDING));
            boolean settled = next >= bound * (1 - 1e-4);
            bound = next;
            if (settled) {
                break;
            }
        }
        return bound;
    }

    /** Layer-tokens/s of model {@code m} on node {@code i} while its flow is at most its weight times {@code level}. */
    static double work(MultiModelProblem problem, int m, int i, double level) {
        PlacementProblem one = problem.problem(m);
        double flow = level * problem.weight(m);
        if (one.pinned(i) != null) {
            int held = one.pinned(i).size();
            return held * Math.min(one.capacity(i, held), flow);
        }
        double most = 0;
        for (int k = 1; k <= one.maxLayers(i); k++) {
            most = Math.max(most, k * Math.min(one.capacity(i, k), flow));
        }
        return most;
    }

    /** The largest t such that every model but {@code without} gets t times what it needs of the nodes' work. */
    private static double most(MultiModelProblem problem, int without, double[] needs, Work work) {
        try (Mip mip = Mip.linear()) {
            MPVariable level = mip.real(0, Double.POSITIVE_INFINITY);
            mip.objective(level, 1);
            int nodes = problem.cluster().nodes().size();
            double scale = 0;
            for (int i = 0; i < nodes; i++) {
                for (int m = 0; m < problem.models(); m++) {
                    scale += m == without ? 0 : work.of(m, i) / needs[m];
                }
            }
            if (!(scale > 0)) {
                return 0;
            }
            MPConstraint[] got = new MPConstraint[problem.models()];
            for (int m = 0; m < got.length; m++) {
                if (m != without) {
                    got[m] = mip.atLeast(0);
                    got[m].setCoefficient(level, -1);
                }
            }
            for (int i = 0; i < nodes; i++) {
                MPConstraint whole = mip.atMost(1);
                for (int m = 0; m < got.length; m++) {
                    double done = m == without ? 0 : work.of(m, i) / needs[m];
                    if (done > 0) {
                        MPVariable part = mip.real(0, 1);
                        whole.setCoefficient(part, 1);
                        got[m].setCoefficient(part, done / scale);
                    }
                }
            }
            SearchControl control = SearchControl.of(0, AMPLE_SECONDS, System::nanoTime);
            return mip.solve(control, AMPLE_SECONDS) && mip.optimal() ? mip.value() * scale : Double.POSITIVE_INFINITY;
        }
    }
}

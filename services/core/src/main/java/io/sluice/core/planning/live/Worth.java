package io.sluice.core.planning.live;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.transition.TransitionPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Whether a move is worth its cost, and why, for people. Two rules: the gain by the objective of the search is at least
 * the threshold, and it has brought in what the move costs ({@link MoveCost}) within the horizon. A layer that nobody
 * serves makes any move worth it. Stateless.
 */
final class Worth {
    private final PlacementPolicy policy;

    Worth(PlacementPolicy policy) {
        this.policy = policy;
    }

    /** @param sentence for people */
    record Verdict(boolean worthIt, String sentence) {}

    Verdict judge(LiveCluster cluster, TransitionPlan plan, Score score) {
        double now = score.before();
        double then = score.after();
        String unit = (score.objective() == LiveObjective.FLOW ? "tokens/s" : "predicted decode tokens/s")
                + score.fallback().map(why -> " of flow, because " + why + ",").orElse("");
        if (!(then > 0)) {
            return new Verdict(false, "no layout of the live workers serves every layer");
        }
        if (plan.phases().isEmpty()) {
            return new Verdict(false, format("the present placement is the best found, %.1f %s", now, unit));
        }
        MoveCost cost = cost(cluster, plan);
        String move = format("move %d %s", cost.workers(), cost.workers() == 1 ? "worker" : "workers");
        String price = format("%.1f s of loading and %.0f sessions", cost.loadSeconds(), cost.sessions());
        if (now <= 0) {
            return new Verdict(true, format("%s, 0 to %.1f %s, costs %s", move, then, unit, price));
        }
        // The tokens that a move costs are those of the flow: the same part of what is compared.
        double gain = then / now - 1;
        double payBack = cost.payBackSeconds(gain * plan.startFlow());
        String change = format("%.1f to %.1f %s", now, then, unit);
        if (gain < policy.threshold()) {
            return new Verdict(
                    false,
                    format(
                            "best found %+.0f %% is below the threshold of %.0f %% (%s)",
                            100 * gain, 100 * policy.threshold(), change));
        }
        if (payBack > policy.horizonSeconds()) {
            return new Verdict(
                    false,
                    format(
                            "best found %+.0f %% would pay back in %.0f s, which is beyond the horizon of %.0f s (%s: %s,"
                                    + " %s)",
                            100 * gain, payBack, policy.horizonSeconds(), change, move, price));
        }
        return new Verdict(
                true,
                format(
                        "%s, %s (%+.0f %%, threshold %.0f %%), costs %s; pays back in %.0f s, if a layer loads in %.1f s and"
                                + " a session lasts %.0f s, which are assumed",
                        move,
                        change,
                        100 * gain,
                        100 * policy.threshold(),
                        price,
                        payBack,
                        policy.layerLoadSeconds(),
                        policy.drainSeconds()));
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    private MoveCost cost(LiveCluster cluster, TransitionPlan plan) {
        PlacementProblem problem = cluster.problem();
        Layout from = plan.start();
        Layout to = plan.target();
        List<MoveCost.Mover> movers = new ArrayList<>();
        for (int node = 0; node < from.nodes(); node++) {
            int held = from.layers(node);
            int wanted = to.layers(node);
            if (from.first(node) == to.first(node) && from.end(node) == to.end(node)) {
                continue;
            }
            int shared =
                    Math.max(0, Math.min(from.end(node), to.end(node)) - Math.max(from.first(node), to.first(node)));
            movers.add(new MoveCost.Mover(
                    held,
                    wanted - shared,
                    held - shared,
                    held + wanted - shared <= cluster.maxLayers()[node],
                    Math.min(problem.capacity(node, held), plan.startFlow()),
                    problem.kvTokensPerLayer(node, held)));
        }
        double sessionTokens =
                problem.workload().meanPromptTokens() + problem.workload().meanOutputTokens();
        return MoveCost.of(
                movers,
                new MoveCost.Basis(
                        policy.layerLoadSeconds(), policy.drainSeconds(), policy.stallMillis() / 1e3, sessionTokens));
    }
}

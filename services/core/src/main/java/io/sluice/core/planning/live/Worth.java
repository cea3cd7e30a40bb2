package io.sluice.core.planning.live;

import io.sluice.core.placement.Layout;
import io.sluice.core.planning.transition.TransitionPlan;
import java.util.Locale;

/**
 * Whether a move is worth its cost, by the objective of the search. The gain must exceed the threshold plus the tokens that the move costs, spread over
 * the horizon: a worker that serves and has to load or give up layers serves fewer tokens while it does, and its KV cache
 * takes no new sessions until the old ones have ended. A layer that nobody serves makes any move worth it. Stateless.
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
        if (now <= 0) {
            return new Verdict(true, format("0 to %.1f %s", then, unit));
        }
        // The tokens a move costs are those of the flow: the same part of what is compared.
        double cost =
                plan.startFlow() > 0 ? now * costTokens(cluster, plan) / plan.startFlow() / policy.horizonSeconds() : 0;
        double needed = now * (1 + policy.threshold()) + cost;
        String move = format("%.1f to %.1f %s (%+.0f %%)", now, then, unit, 100 * (then / now - 1));
        return then >= needed
                ? new Verdict(true, move)
                : new Verdict(
                        false,
                        "not worth moving, " + move
                                + format(" where %.1f would be, of which %.1f for the move", needed, cost));
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    private double costTokens(LiveCluster cluster, TransitionPlan plan) {
        Layout from = plan.start();
        Layout to = plan.target();
        double cost = 0;
        for (int node = 0; node < from.nodes(); node++) {
            boolean changes = from.first(node) != to.first(node) || from.end(node) != to.end(node);
            if (changes && from.holds(node)) {
                int shared = Math.max(
                        0, Math.min(from.end(node), to.end(node)) - Math.max(from.first(node), to.first(node)));
                double seconds = (to.layers(node) - shared) * policy.layerLoadSeconds() + policy.drainSeconds();
                cost += Math.min(cluster.problem().capacity(node, from.layers(node)), plan.startFlow()) * seconds;
            }
        }
        return cost;
    }
}

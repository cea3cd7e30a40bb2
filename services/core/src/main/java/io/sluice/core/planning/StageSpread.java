package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import java.util.Arrays;

/**
 * The flow of workers of one region whose ranges form stages, equal or disjoint, in closed form: every worker carries
 * its share of its stage's capacity and every edge the product of the shares at its ends. Of least {@link FlowCost} but
 * for the steps of edges. Stateless.
 */
final class StageSpread {
    private StageSpread() {}

    /**
     * Flow per edge, tokens/s; null where the workers form no stages, nothing passes, or some link is too slow for it.
     *
     * @param from tail of every edge as a worker's number, -1: source
     * @param to head likewise, -1: sink
     */
    static double[] of(WorkerGraph graph, int[] from, int[] to) {
        double[] stage = oneRegion(graph) ? stageCapacities(graph) : null;
        double narrowest = stage == null ? 0 : Arrays.stream(stage).min().orElse(0);
        if (!(narrowest > 0)) {
            return null;
        }
        double[] spread = new double[from.length];
        for (int e = 0; e < spread.length; e++) {
            double share = from[e] < 0 ? 1 : capacity(graph, from[e]) / stage[from[e]];
            double next = to[e] < 0 ? 1 : capacity(graph, to[e]) / stage[to[e]];
            spread[e] = narrowest * share * next;
            if (spread[e] > graph.edges().get(e).capacity()) {
                return null;
            }
        }
        return spread;
    }

    private static double capacity(WorkerGraph graph, int worker) {
        return graph.vertices().get(worker).capacity();
    }

    private static boolean oneRegion(WorkerGraph graph) {
        String region = graph.vertices().get(0).region();
        return graph.vertices().stream().allMatch(v -> v.region().equals(region));
    }

    /** Per worker the capacity of its stage; null unless the ranges follow each other, equal or disjoint. */
    private static double[] stageCapacities(WorkerGraph graph) {
        int workers = graph.vertices().size();
        double[] stage = new double[workers];
        int begin = 0;
        double sum = 0;
        for (int i = 0; i <= workers; i++) {
            LayerRange current = graph.vertices().get(begin).layers();
            LayerRange layers = i == workers ? null : graph.vertices().get(i).layers();
            if (!current.equals(layers)) {
                Arrays.fill(stage, begin, i, sum);
                if (layers != null && layers.first() != current.end()) {
                    return null;
                }
                begin = i;
                sum = 0;
            }
            if (layers != null) {
                sum += capacity(graph, i);
            }
        }
        return stage;
    }
}

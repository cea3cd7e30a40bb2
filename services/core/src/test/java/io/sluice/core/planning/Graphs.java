package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Builders of graphs for tests. */
final class Graphs {
    static final double FAST_LINK = 1e9;

    private Graphs() {}

    static Vertex vertex(String id, int first, int end, double capacity) {
        return new Vertex(new WorkerId(id), new LayerRange(first, end), "r1", capacity, 4096, FAST_LINK);
    }

    static PlacementPlan plan(int layerCount, List<Vertex> vertices) {
        return new PlacementPlan(
                "psalm",
                1,
                layerCount,
                64,
                2,
                vertices.stream().map(v -> new Stage(v.worker(), v.layers())).toList());
    }

    static WorkerGraph graph(int layerCount, Vertex... vertices) {
        return graph(layerCount, List.of(vertices));
    }

    static WorkerGraph graph(int layerCount, List<Vertex> vertices) {
        return WorkerGraph.build(plan(layerCount, vertices), vertices, WorkerGraph.Bandwidth.declared());
    }

    /** Up to 12 workers with overlapping ranges, capacities over four decades, some links slow, some workers idle. */
    static WorkerGraph random(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int layers = random.nextInt(1, 9);
        int workers = random.nextInt(1, 13);
        List<Vertex> vertices = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            int first = random.nextInt(layers);
            int end = random.nextInt(first + 1, layers + 1);
            double capacity = random.nextInt(10) == 0 ? 0 : Math.pow(10, random.nextDouble(4));
            double link = random.nextInt(3) == 0 ? 128 * Math.pow(10, random.nextDouble(3)) : FAST_LINK;
            vertices.add(
                    new Vertex(new WorkerId("w" + i), new LayerRange(first, end), "r" + i % 2, capacity, 1000, link));
        }
        return graph(layers, vertices);
    }
}

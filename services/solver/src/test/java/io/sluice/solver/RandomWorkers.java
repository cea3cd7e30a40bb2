package io.sluice.solver;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.WorkerGraph;
import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Worker graphs from a seed. */
final class RandomWorkers {
    private RandomWorkers() {}

    /** Up to 16 workers; even seeds in clean stages, odd ones with overlapping ranges; slow links now and then. */
    static WorkerGraph graph(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int stages = random.nextInt(1, 5);
        int layers = stages * 2;
        int workers = random.nextInt(stages, 17);
        List<Vertex> vertices = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            int first = 2 * (i % stages);
            int end = first + 2;
            if (seed % 2 == 1) {
                first = random.nextInt(layers);
                end = random.nextInt(first + 1, layers + 1);
            }
            double link = random.nextInt(4) == 0 ? 128 * Math.pow(10, random.nextDouble(3)) : 1e9;
            double capacity = Math.pow(10, random.nextDouble(4));
            vertices.add(new Vertex(new WorkerId("w" + i), new LayerRange(first, end), "r", capacity, 1, link));
        }
        PlacementPlan plan = new PlacementPlan(
                "psalm",
                1,
                layers,
                64,
                2,
                vertices.stream().map(v -> new Stage(v.worker(), v.layers())).toList());
        return WorkerGraph.build(plan, vertices, WorkerGraph.Bandwidth.declared());
    }
}

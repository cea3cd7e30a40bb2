package io.sluice.solver;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.Node;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.WorkerGraph;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** Clusters of any size for the growth curves, made from a seed. */
public final class SyntheticClusters {
    private static final double NEAR_BYTES_PER_SECOND = 1.25e9;
    private static final double FAR_BYTES_PER_SECOND = 12.5e6;
    private static final double NEAR_SECONDS = 0.001;
    private static final double FAR_SECONDS = 0.05;
    private static final int NODES_PER_REGION = 50;

    private SyntheticClusters() {}

    /**
     * Machines in the mix of {@code like}, spread over regions of about fifty, with geo24's bandwidths and latencies;
     * each link up to a tenth better or worse.
     */
    public static PlacementProblem of(PlacementProblem like, int nodes, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Cluster old = like.cluster();
        int regions = Math.max(3, nodes / NODES_PER_REGION);
        List<Node> made = new ArrayList<>();
        for (int i = 0; i < nodes; i++) {
            String type = old.nodes().get(i % old.nodes().size()).type();
            made.add(new Node(
                    new WorkerId(type.toLowerCase(Locale.ROOT) + "-" + i),
                    type,
                    Integer.toString(1 + random.nextInt(regions))));
        }
        Links.Builder links = Links.builder(nodes);
        for (int a = Links.COORDINATOR; a < nodes; a++) {
            for (int b = a + 1; b < nodes; b++) {
                boolean near = a != Links.COORDINATOR
                        && made.get(a).region().equals(made.get(b).region());
                double noise = 0.9 + 0.2 * random.nextDouble();
                links.setBoth(
                        a,
                        b,
                        noise * (near ? NEAR_BYTES_PER_SECOND : FAR_BYTES_PER_SECOND),
                        near ? NEAR_SECONDS : FAR_SECONDS);
            }
        }
        Cluster cluster = new Cluster(
                "synthetic" + nodes,
                old.types(),
                made,
                links.build(),
                old.coordinatorOutBytesPerSecond(),
                old.coordinatorInBytesPerSecond());
        return new PlacementProblem(cluster, like.profile(), like.workload(), like.constraints());
    }

    /**
     * Workers with unlike ranges over 45 boundaries (fewer for less than 92 workers): about {@code workers * workers / 50} edges between them.
     *
     * @param nudge part by which every tenth capacity is changed, for solving again
     */
    public static WorkerGraph graph(int workers, long seed, double nudge) {
        SplittableRandom random = new SplittableRandom(seed);
        int cells = Math.clamp(workers / 2, 1, 46);
        List<WorkerGraph.Vertex> vertices = new ArrayList<>();
        List<Stage> stages = new ArrayList<>();
        for (int i = 0; i < workers; i++) {
            int first = i < cells ? i : random.nextInt(cells);
            int end = Math.min(cells, first + 1 + (i < cells ? 0 : random.nextInt(2)));
            LayerRange range = new LayerRange(2 * first, 2 * end);
            double capacity = 200 + 800 * random.nextDouble();
            WorkerId id = new WorkerId("w" + i);
            vertices.add(new WorkerGraph.Vertex(
                    id, range, "r" + random.nextInt(8), capacity * (i % 10 == 0 ? 1 + nudge : 1), 100_000, 1e10));
            stages.add(new Stage(id, range));
        }
        List<WorkerGraph.Edge> edges = new ArrayList<>();
        for (WorkerGraph.Vertex u : vertices) {
            String name = u.worker().value();
            if (u.layers().first() == 0) {
                edges.add(new WorkerGraph.Edge(Allocation.SOURCE, name, 1e6));
            }
            if (u.layers().end() == 2 * cells) {
                edges.add(new WorkerGraph.Edge(name, Allocation.SINK, 1e6));
            }
            for (WorkerGraph.Vertex v : vertices) {
                if (u.layers().end() == v.layers().first()) {
                    double capacity = u.region().equals(v.region()) ? 70_000 : 600 + 300 * random.nextDouble();
                    edges.add(new WorkerGraph.Edge(name, v.worker().value(), capacity));
                }
            }
        }
        PlacementPlan plan = new PlacementPlan("m", 1, 2 * cells, 8192, 2, stages);
        return WorkerGraph.of(plan, vertices, edges);
    }
}

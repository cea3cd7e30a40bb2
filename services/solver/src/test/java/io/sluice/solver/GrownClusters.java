package io.sluice.solver;

import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.HelixFolder;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.Node;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** Clusters of any size in the mix of Helix's 24 machines, in regions of about fifty with geo24's links, from a seed. */
final class GrownClusters {
    private static final double NEAR_BYTES_PER_SECOND = 1.25e9;
    private static final double FAR_BYTES_PER_SECOND = 12.5e6;

    private GrownClusters() {}

    static PlacementProblem of(int nodes, long seed) {
        Path folder = Path.of("").toAbsolutePath();
        while (!Files.isDirectory(folder.resolve("examples/helix"))) {
            folder = folder.getParent();
        }
        ClusterDescription like =
                HelixFolder.open(folder.resolve("examples/helix")).cluster("single24");
        SplittableRandom random = new SplittableRandom(seed);
        Cluster old = like.cluster();
        int regions = Math.max(3, nodes / 50);
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
                links.setBoth(a, b, noise * (near ? NEAR_BYTES_PER_SECOND : FAR_BYTES_PER_SECOND), near ? 0.001 : 0.05);
            }
        }
        Cluster grown = new Cluster(
                "grown" + nodes,
                old.types(),
                made,
                links.build(),
                old.coordinatorOutBytesPerSecond(),
                old.coordinatorInBytesPerSecond());
        return new PlacementProblem(
                grown, like.model("llama2_70b"), Workload.AZURE_CONVERSATION, PlacementConstraints.NONE);
    }
}

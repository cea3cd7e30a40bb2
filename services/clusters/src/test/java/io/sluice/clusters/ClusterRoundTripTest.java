package io.sluice.clusters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.Node;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.PlacementConstraints;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ClusterRoundTripTest {
    private static final HelixFolder HELIX = HelixFolder.open(Examples.helix());

    @TempDir
    Path temp;

    static List<String> clusters() {
        return HELIX.clusters();
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void shouldReadEveryImportedClusterBackAsItWas(String name) {
        assertRoundTrip(HELIX.cluster(name));
    }

    @Test
    void shouldWriteTwentyFourNodesForPeople() {
        String single = ClusterFiles.text(HELIX.cluster("single24"));
        assertThat(single).contains("  default: {bandwidth: 1GB/s, latency: 1ms}");
        assertThat(single.lines().count()).isLessThan(150);
        String geo = ClusterFiles.text(HELIX.cluster("geo24"));
        assertThat(geo).contains("megabytes_per_second:");
        assertThat(geo.lines().count()).isLessThan(200);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void shouldReadGeneratedClustersBackAsTheyWere(long seed) {
        assertRoundTrip(generated(new Random(seed)));
    }

    private static ClusterDescription generated(Random random) {
        List<MachineType> types = new ArrayList<>();
        for (int i = 0; i <= random.nextInt(3); i++) {
            types.add(new MachineType(
                    i == 0 ? "true" : "T " + i,
                    1 + random.nextLong(1L << 40),
                    random.nextDouble() * 1e10 + 1,
                    random.nextDouble() * 1e10 + 1,
                    random.nextDouble() * 1e9 + 1,
                    random.nextDouble(),
                    random.nextInt(2) * random.nextDouble() * 100,
                    random.nextDouble() * 1000));
        }
        List<Node> nodes = new ArrayList<>();
        int size = 2 + random.nextInt(12);
        for (int i = 0; i < size; i++) {
            nodes.add(new Node(
                    new WorkerId(i + "n"),
                    types.get(random.nextInt(types.size())).name(),
                    random.nextBoolean() ? "1" : "it's #2: [x]"));
        }
        Links.Builder links = Links.builder(size);
        int form = random.nextInt(3);
        for (int from = Links.COORDINATOR; from < size; from++) {
            for (int to = Links.COORDINATOR; to < size; to++) {
                if (from != to) {
                    double noise = form == 0 || form == 1 && random.nextInt(10) == 0 ? random.nextDouble() : 0.5;
                    links.set(from, to, noise < 0.1 ? 0 : noise * 1e9, noise < 0.1 ? 0 : noise * 1e-2);
                }
            }
        }
        links.setBoth(Links.COORDINATOR, 0, 1e9, 1e-3);
        for (int i = 0; i < size; i++) {
            links.setBoth(i, (i + 1) % size, 1.0 / 3 * 1e9, 1.0 / 7);
        }
        Cluster cluster = new Cluster("generated", types, nodes, links.build(), 1.0 / 3 * 1e10, 1e10);
        var model = HELIX.cluster("single24").model("llama1_30b");
        var profiles =
                new TreeMap<>(Map.of(types.getFirst().name(), model.byType().get("T4")));
        PlacementConstraints asked = new PlacementConstraints(
                random.nextBoolean(),
                Set.of(nodes.getFirst().region()),
                Set.of(nodes.get(0).id()),
                Map.of(nodes.get(1).id(), new LayerRange(0, 1 + random.nextInt(60))),
                random.nextInt(10),
                1 + random.nextInt(3),
                types.stream().allMatch(type -> type.pricePerHour() > 0) ? 12.5 : 0);
        return new ClusterDescription(
                cluster,
                new TreeMap<>(Map.of("llama1_30b", new ModelProfile(model.model(), profiles))),
                new TreeMap<>(Map.of("llama1_30b", 1.0 / 3)),
                new Workload(100.0 / 3, 5),
                new TreeMap<>(Map.of("llama1_30b", asked)));
    }

    private void assertRoundTrip(ClusterDescription written) {
        Path file = temp.resolve("cluster.yaml");
        ClusterFiles.write(written, file);
        ClusterDescription read = ClusterFiles.read(file);
        Cluster before = written.cluster();
        Cluster after = read.cluster();
        assertThat(after.name()).isEqualTo(before.name());
        assertThat(after.types()).isEqualTo(before.types());
        assertThat(after.nodes()).isEqualTo(before.nodes());
        assertThat(after.coordinatorInBytesPerSecond()).isEqualTo(before.coordinatorInBytesPerSecond());
        assertThat(after.coordinatorOutBytesPerSecond()).isEqualTo(before.coordinatorOutBytesPerSecond());
        for (int from = Links.COORDINATOR; from < before.nodes().size(); from++) {
            for (int to = Links.COORDINATOR; to < before.nodes().size(); to++) {
                if (from != to) {
                    assertThat(after.links().bytesPerSecond(from, to))
                            .isEqualTo(before.links().bytesPerSecond(from, to));
                    assertThat(after.links().latencySeconds(from, to))
                            .isCloseTo(before.links().latencySeconds(from, to), within(1e-12));
                }
            }
        }
        assertThat(read.workload()).isEqualTo(written.workload());
        assertThat(read.models()).containsOnlyKeys(written.models().keySet());
        written.models().forEach((name, model) -> {
            assertThat(read.demandOf(name)).isEqualTo(written.demandOf(name));
            assertThat(read.constraintsOf(name)).isEqualTo(written.constraintsOf(name));
            assertThat(read.model(name).model()).isEqualTo(model.model());
            assertThat(read.model(name).byType())
                    .containsOnlyKeys(model.byType().keySet());
            model.byType().forEach((type, layers) -> {
                assertThat(read.model(name).byType().get(type).held()).isEqualTo(layers.held());
                assertCurve(read.model(name).byType().get(type).prompt(), layers.prompt());
                assertCurve(read.model(name).byType().get(type).decode(), layers.decode());
            });
        });
        assertThat(ClusterFiles.text(read)).isEqualTo(ClusterFiles.text(written));
    }

    private static void assertCurve(Curve after, Curve before) {
        assertThat(after.xs()).isEqualTo(before.xs());
        assertThat(after.ys()).isEqualTo(before.ys());
    }
}

package io.sluice.clusters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.clusters.PlacementFile.PlacedStage;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.Links;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

final class HelixFolderTest {
    private static final HelixFolder HELIX = HelixFolder.open(Examples.helix());

    @TempDir
    Path temp;

    static List<String> clusters() {
        return HELIX.clusters();
    }

    @ParameterizedTest
    @MethodSource("clusters")
    void shouldReadEveryClusterWithBothModels(String name) {
        ClusterDescription description = HELIX.cluster(name);
        assertThat(description.models()).containsOnlyKeys("llama1_30b", "llama2_70b");
        for (var model : description.models().values()) {
            assertThat(model.byType().keySet())
                    .containsExactlyInAnyOrderElementsOf(description.cluster().nodes().stream()
                            .map(node -> node.type())
                            .distinct()
                            .toList());
        }
    }

    @Test
    void shouldReadMachinesAndLinksInBytesAndSeconds() {
        Cluster single = HELIX.cluster("single24").cluster();
        assertThat(single.nodes()).hasSize(24);
        assertThat(single.nodes().get(0).id()).isEqualTo(new WorkerId("l4-0"));
        assertThat(single.nodes().get(1).id()).isEqualTo(new WorkerId("t4-1"));
        assertThat(single.typeOf(0).memoryBytes()).isEqualTo(24_000_000_000L);
        assertThat(single.typeOf(0).nicInBytesPerSecond()).isEqualTo(1e10);
        assertThat(single.coordinatorOutBytesPerSecond()).isEqualTo(1e10);
        for (int from = Links.COORDINATOR; from < 24; from++) {
            for (int to = Links.COORDINATOR; to < 24; to++) {
                if (from != to) {
                    assertThat(single.links().bytesPerSecond(from, to)).isEqualTo(1e9);
                    assertThat(single.links().latencySeconds(from, to)).isEqualTo(0.001);
                }
            }
        }
    }

    @Test
    void shouldKeepRegionsAndLeaveOutPrunedLinks() {
        Cluster geo = HELIX.cluster("geo24").cluster();
        Cluster pruned = HELIX.cluster("geo24_pruned_deg12").cluster();
        assertThat(geo.nodes()).extracting(node -> node.region()).containsOnly("1", "2", "3");
        assertThat(pruned.nodes()).isEqualTo(geo.nodes());
        assertThat(linkCount(geo)).isEqualTo(24 * 24 + 24);
        assertThat(linkCount(pruned)).isEqualTo((187 - 24) * 2 + 24);
    }

    private static int linkCount(Cluster cluster) {
        int count = 0;
        for (int from = Links.COORDINATOR; from < cluster.nodes().size(); from++) {
            for (int to = Links.COORDINATOR; to < cluster.nodes().size(); to++) {
                count += from != to && cluster.links().exists(from, to) ? 1 : 0;
            }
        }
        return count;
    }

    @Test
    void shouldReadModelsWithGroupedAndWithFullAttention() {
        var models = HELIX.cluster("single24").models();
        var grouped = models.get("llama2_70b").model();
        assertThat(grouped.layerCount()).isEqualTo(80);
        assertThat(grouped.activationBytesPerToken()).isEqualTo(16_384);
        assertThat(grouped.layerBytes()).isEqualTo(1_530_000_000L);
        assertThat(grouped.kvBytesPerTokenLayer()).isEqualTo(2 * 8 * 128 * 2);
        var full = models.get("llama1_30b").model();
        assertThat(full.activationBytesPerToken()).isEqualTo(13_312);
        assertThat(full.kvBytesPerTokenLayer()).isEqualTo(2 * 52 * 128 * 2);
    }

    @Test
    void shouldReadProfilesInSeconds() {
        LayerProfile a100 =
                HELIX.cluster("single24").model("llama1_30b").byType().get("A100");
        assertThat(a100.prompt().at(250)).isEqualTo(0.001);
        assertThat(a100.prompt().at(0)).isZero();
        assertThat(a100.maxLayers()).isEqualTo(18);
        LayerProfile.Held three = a100.holding(3);
        assertThat(three.tokensPerSecond()).isEqualTo(4200.104121);
        assertThat(three.kvTokensPerLayer()).isEqualTo(403_040);
        assertThat(three.promptMaxRequests()).isEqualTo(3);
        assertThat(three.promptMaxTokens()).isEqualTo(6144);
        assertThat(three.decodeMaxRequests()).isEqualTo(360);
        assertThat(three.decodeMaxContextTokens()).isEqualTo(360_000);
    }

    @ParameterizedTest
    @CsvSource({
        "geo24,single24",
        "geo24_pruned_deg12,single24",
    })
    void shouldTakeCapacitiesOfTheSameMixOfMachines(String cluster, String sameMix) {
        for (String model : HELIX.models()) {
            for (String type : List.of("A100", "L4", "T4")) {
                assertThat(profile(cluster, model, type).held())
                        .isEqualTo(profile(sameMix, model, type).held());
            }
        }
    }

    @Test
    void shouldTakeCapacitiesOfSubClustersFromTheirOwnMix() {
        LayerProfile alone = profile("single_a100x4", "llama2_70b", "A100");
        assertThat(alone.held())
                .isEqualTo(profile("geo_a100x4", "llama2_70b", "A100").held());
        assertThat(alone.held())
                .isNotEqualTo(profile("single24", "llama2_70b", "A100").held());
    }

    private static LayerProfile profile(String cluster, String model, String type) {
        return HELIX.cluster(cluster).model(model).byType().get(type);
    }

    @Test
    void shouldReadALayoutOfTheWholeCluster() {
        PlacementFile helix = HELIX.layout("single24", "llama2_70b", "helix");
        assertThat(helix.stages()).hasSize(24);
        assertThat(helix.stages()).allMatch(stage -> stage.group().isEmpty() && stage.kvTokensPerLayer() == 0);
    }

    /** Sub-clusters are cut out in node order, so that the links of equal ranks are the same. */
    @ParameterizedTest
    @CsvSource({
        "single24,single_a100x4", "single24,single_l4x8", "single24,single_t4x12",
        "geo24,geo_a100x4", "geo24,geo_l4x8", "geo24,geo_t4x12",
    })
    void shouldMapSubClustersByRankWithinTheType(String whole, String part) {
        Cluster full = HELIX.cluster(whole).cluster();
        Cluster sub = HELIX.cluster(part).cluster();
        String type = sub.nodes().getFirst().type();
        int[] rank = Stream.iterate(0, i -> i < full.nodes().size(), i -> i + 1)
                .filter(i -> full.nodes().get(i).type().equals(type))
                .mapToInt(i -> i)
                .toArray();
        assertThat(rank).hasSize(sub.nodes().size());
        for (int from = Links.COORDINATOR; from < rank.length; from++) {
            for (int to = Links.COORDINATOR; to < rank.length; to++) {
                if (from != to) {
                    int fullFrom = from < 0 ? from : rank[from];
                    int fullTo = to < 0 ? to : rank[to];
                    assertThat(sub.links().bytesPerSecond(from, to))
                            .isEqualTo(full.links().bytesPerSecond(fullFrom, fullTo));
                    assertThat(sub.links().latencySeconds(from, to))
                            .isEqualTo(full.links().latencySeconds(fullFrom, fullTo));
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"single24,llama1_30b", "single24,llama2_70b", "geo24,llama1_30b", "geo24,llama2_70b"})
    void shouldCoverTheModelOnceInEveryGroupOfSeparatePipelines(String cluster, String model) {
        PlacementFile separate = HELIX.layout(cluster, model, "separate");
        assertThat(separate.stages()).extracting(PlacedStage::worker).doesNotHaveDuplicates();
        int layers = HELIX.cluster(cluster).model(model).model().layerCount();
        for (String group : List.of("a100", "l4", "t4")) {
            List<PlacedStage> stages = separate.stages().stream()
                    .filter(stage -> stage.group().equals(group))
                    .toList();
            assertThat(stages).allMatch(stage -> stage.worker().value().startsWith(group + "-"));
            assertThat(stages.stream().mapToInt(stage -> stage.layers().size()).sum())
                    .isEqualTo(layers);
        }
    }

    @Test
    void shouldKeepTheHandTypedKvCacheOfPipelinesThatHoldTooMuch() {
        assertThat(HELIX.layout("single24", "llama2_70b", "separate").stages())
                .contains(new PlacedStage(new WorkerId("t4-1"), new LayerRange(0, 6), "t4", 36_160))
                .allMatch(stage -> stage.kvTokensPerLayer() > 0);
        assertThat(HELIX.layout("geo24", "llama2_70b", "separate").stages())
                .contains(new PlacedStage(new WorkerId("a100-3"), new LayerRange(0, 20), "a100", 1_760));
        assertThat(HELIX.layout("geo24", "llama1_30b", "separate").stages())
                .allMatch(stage -> stage.kvTokensPerLayer() == 0);
    }

    @Test
    void shouldReadTheLayoutOfACutOutClusterFromTheWholeOne() {
        PlacementFile part = HELIX.layout("geo_t4x12", "llama2_70b", "separate");
        assertThat(part.stages())
                .hasSize(12)
                .contains(new PlacedStage(new WorkerId("t4-0"), new LayerRange(62, 68), "", 132_496));
        assertThat(HELIX.layout("geo24_pruned_deg12", "llama2_70b", "swarm").stages())
                .isEqualTo(HELIX.layout("geo24", "llama2_70b", "swarm").stages());
    }

    @Test
    void shouldReadReferenceResults() {
        List<ReferenceRow> rows = HELIX.reference();
        assertThat(rows).hasSize(30).allMatch(row -> row.decodeTokensPerSecond() > 0);
        ReferenceRow separate = rows.get(1);
        assertThat(separate.subClusters()).containsExactly("a100", "l4", "t4");
        assertThat(separate.numbers("sub_decode_tokens_per_s").stream()
                        .mapToDouble(x -> x)
                        .sum())
                .isCloseTo(separate.decodeTokensPerSecond(), within(0.01));
        assertThat(separate.number("max_flow_tokens_per_s")).isEmpty();
    }

    @Test
    void shouldReadLengthsAndArrivals() {
        Path traces = Examples.helix().resolve("traces");
        var lengths = RequestLengths.read(traces.resolve("azure_conv_lengths.csv"));
        assertThat(lengths).hasSize(16_657);
        assertThat(lengths.stream()
                        .mapToInt(shape -> shape.promptTokens())
                        .average()
                        .orElseThrow())
                .isCloseTo(763.1, within(0.05));
        assertThat(Arrivals.perSlot(traces.resolve("azure_conv_arrivals_per_3s.csv")))
                .hasSize(1200)
                .startsWith(1, 3, 4);
    }

    @Test
    void shouldNameWhatThereIsWhenANameIsUnknown() {
        assertThatThrownBy(() -> HELIX.cluster("single25"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no cluster 'single25'")
                .hasMessageContaining("geo24");
        assertThatThrownBy(() -> HELIX.layout("single24", "llama2_70b", "magic"))
                .hasMessageContaining("by method 'magic'")
                .hasMessageContaining("[swarm, petals, separate, helix")
                .hasMessageContaining("llama1_30b");
        assertThatThrownBy(() -> HelixFolder.open(temp)).hasMessageContaining("nodes.csv does not exist");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "clusters/links.csv; single24,source,0,1000000000,0.001; single24,source,99,1000000000,0.001;"
                        + " links.csv:2: to '99' is no node: the cluster has nodes 0 to 23",
                "clusters/links.csv; single24,source,0,1000000000,0.001; single24,source,0,NaN,0.001;"
                        + " links.csv:2: bandwidth_bytes_per_s 'NaN' is not a number",
                "clusters/links.csv; single24,source,0,1000000000,0.001; single24,source,0,1e9,-1;"
                        + " links.csv:2: latency_s '-1' must not be negative",
                "clusters/nodes.csv; single24,1,3,T4,0; single24,2,3,T4,0;" + " nodes.csv:3: node_index '2' must be 1",
                "clusters/nodes.csv; single24,1,3,T4,0; single24,1,3,T9,0; describes no machine type 'T9'; it has [Source",
                "clusters/nodes.csv; single24,1,3,T4,0; single24,1,3; nodes.csv:3: 3 cells, but the header names 5",
            })
    void shouldNameFileLineAndValueOfABadRow(String file, String good, String bad, String message) throws IOException {
        Path copy = copy();
        Path changed = copy.resolve(file);
        Files.writeString(changed, Files.readString(changed).replaceFirst(good, bad));
        assertThatThrownBy(() -> HelixFolder.open(copy).cluster("single24"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    private Path copy() throws IOException {
        Path copy = temp.resolve("helix");
        try (Stream<Path> files = Files.walk(Examples.helix())) {
            for (Path from : files.toList()) {
                Files.copy(from, copy.resolve(Examples.helix().relativize(from).toString()));
            }
        }
        return copy;
    }
}

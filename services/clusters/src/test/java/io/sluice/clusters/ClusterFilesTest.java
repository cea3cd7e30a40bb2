package io.sluice.clusters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.placement.PlacementConstraints;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ClusterFilesTest {
    private static final String GOOD =
            """
            cluster: lab
            coordinator: {nic: 20Gbit}
            machine_types:
              small:
                memory: 16GB
                memory_bandwidth: 320GB/s
                tflops: 65
                nic: 10Gbit
            nodes:
              - id: one
                type: small
                region: east
              - {id: "w-{n}", count: 3, type: small, region: west}
            links:
              default: {bandwidth: 1GB/s, latency: 1ms}
              regions:
                - {from: east, to: west, bandwidth: 100Mbit, latency: 20ms}
              nodes:
                - {from: w-1, to: w-2, bandwidth: 2GB/s, latency: 0.1ms, one_way: true}
            models:
              m:
                layers: 8
                hidden_size: 4096
                intermediate_size: 11008
                attention_heads: 32
            placement:
              allowed_regions: [west]
              pinned: {w-1: 0-4}
            """;

    @TempDir
    Path temp;

    @Test
    void shouldReadUnitsRulesAndDefaults() throws IOException {
        ClusterDescription read = read(GOOD);
        Cluster cluster = read.cluster();
        assertThat(cluster.nodes()).extracting(node -> node.id().value()).containsExactly("one", "w-1", "w-2", "w-3");
        MachineType small = cluster.typeOf(0);
        assertThat(small.memoryBytes()).isEqualTo(16_000_000_000L);
        assertThat(small.nicInBytesPerSecond()).isEqualTo(1.25e9);
        assertThat(small.loadBytesPerSecond()).isEqualTo(1e9);
        Links links = cluster.links();
        assertThat(links.bytesPerSecond(Links.COORDINATOR, 0)).isEqualTo(1e9);
        assertThat(links.bytesPerSecond(2, 0)).isEqualTo(12.5e6);
        assertThat(links.latencySeconds(0, 2)).isEqualTo(0.02);
        assertThat(links.bytesPerSecond(1, 2)).isEqualTo(2e9);
        assertThat(links.bytesPerSecond(2, 1)).isEqualTo(1e9);
        PlacementConstraints asked = read.constraintsOf("m");
        assertThat(asked.allowedRegions()).containsExactly("west");
        assertThat(asked.pinned()).containsEntry(new WorkerId("w-1"), new LayerRange(0, 4));
        assertThat(ClusterFiles.warnings(read)).isEmpty();
    }

    @Test
    void shouldComputeAModelFromItsShape() throws IOException {
        ModelSpec model = read(GOOD).model("m").model();
        assertThat(model.layerBytes()).isEqualTo(2L * (4 * 4096L * 4096 + 3 * 4096L * 11008 + 2 * 4096));
        assertThat(model.kvBytesPerTokenLayer()).isEqualTo(2 * 4096 * 2);
        assertThat(model.activationBytesPerToken()).isEqualTo(8192);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "memory: 16GB|memory: 16 GX|5: machine_types.small.memory: '16 GX' is not a size; write for example 16GB",
                "memory: 16GB|memory: -16GB|5: machine_types.small.memory: '-16GB' is not a size",
                "memory: 16GB|memory: -16|5: machine_types.small.memory: '-16' is not a size",
                "memory: 16GB|memory: .nan|5: machine_types.small.memory: '.nan' is not a size",
                "memory: 16GB|memory: [16]|5: machine_types.small.memory: a list is not a size",
                "memory: 16GB|memry: 16GB|5: machine_types.small: unknown key 'memry'; did you mean 'memory'?",
                "memory: 16GB|gpu: A1000|5: machine_types.small.gpu: 'A1000' is not in the catalogue [A10",
                "    memory: 16GB|    price_per_hour: 1|5: machine_types.small: needs memory, for example 24GB",
                "tflops: 65|tflops: 0|7: machine_types.small.tflops: '0' is not a number above 0",
                "tflops: 65|tflops: 1e999|7: machine_types.small.tflops: '1e999' is not a number above 0",
                "nic: 20Gbit}|nic: 0}|2: coordinator: a coordinator with a bandwidth of 0 serves nobody",
                "    nic: 10Gbit|    nic: 0|8: machine_types.small.nic: a bandwidth of 0 leaves the machine useless",
                "    nic: 10Gbit|    nic: 10Gb|8: machine_types.small.nic: '10Gb' is not a bandwidth; write for example 10Gbit",
                "type: small|type: smal|11: nodes[0].type: no machine type 'smal'; did you mean 'small'?",
                "    type: small|    zone: x|11: nodes[0]: unknown key 'zone'",
                "id: one|id: One|10: nodes[0].id: 'One' is not a worker id of 1 to 64 characters",
                "id: one|id: w-1|13: nodes[1].id: node 'w-1' is given twice, first in line 10; choose another id",
                "id: one|id: coordinator|10: nodes[0].id: node 'coordinator' is reserved",
                "w-{n}|w|13: nodes[1].id: with count the id needs {n}, for example w-{n}",
                "count: 3|count: 0|13: nodes[1].count: '0' is not a whole number above 0",
                "count: 3|count: 5000|13: nodes[1]: more than 5000 nodes; split the cluster",
                "latency: 20ms|latency: 20min|17: links.regions[0].latency: '20min' is not a duration; write for example 40ms",
                "latency: 20ms|delay: 20ms|17: links.regions[0]: needs the key 'latency'",
                "from: east|from: est|17: links.regions[0].from: no region 'est'; did you mean 'east'?",
                "from: w-1|from: x-1|19: links.nodes[0].from: no node 'x-1'; did you mean 'w-1'?",
                "to: w-2|to: w-1|19: links.nodes[0].to: a link from 'w-1' to itself",
                "layers: 8|layers: 0|22: models.m.layers: '0' is not a number of layers from 1 to 10000",
                "    layers: 8|    demand: 1|22: models.m: needs the key 'layers', or config: the path of",
                "    layers: 8|    config: none.json|22: models.m.config: ",
                "[west]|[wset]|27: placement.allowed_regions[0]: no region 'wset'; did you mean 'west'?",
                "w-1: 0-4|w-9: 0-4|28: placement.pinned: no node 'w-9'; did you mean 'w-1'?",
                "w-1: 0-4|w-1: 0-9|28: placement.pinned.w-1: '0-9' must be FIRST-END with FIRST below END",
                "w-1: 0-4|w-1: 4|28: placement.pinned.w-1: '4' is not layers FIRST-END",
                "  pinned|  price_ceiling_per_hour: 5 #|28: placement.price_ceiling_per_hour: a price ceiling needs price",
                "  pinned|  max_hop: 3 #|28: placement: unknown key 'max_hop'; did you mean 'max_hops'?",
                "cluster: lab|cluster: lab\\ncluster: b|2: key 'cluster' is given twice, first in line 1; drop one",
                "cluster: lab|cluster: !!str lab|1: cluster: tag tag:yaml.org,2002:str is not read; drop it",
                "cluster: lab|cluster: lab\\n---\\na: b|3: a second document; keep only one",
            })
    void shouldNameFileLinePathValueAndRemedy(String good, String bad, String message) {
        String text = GOOD.replaceFirst(Pattern.quote(good), Matcher.quoteReplacement(bad.replace("\\n", "\n")));
        assertThat(text).isNotEqualTo(GOOD);
        assertThatThrownBy(() -> read(text))
                .isInstanceOf(ClusterFileException.class)
                .hasMessageStartingWith(temp.resolve("lab.yaml") + ":" + message);
    }

    @Test
    void shouldSayAllProblemsInFileOrder() {
        String text = GOOD.replace("16GB", "x").replace("20ms", "y").replace("layers: 8", "layer: 8");
        assertThatThrownBy(() -> read(text)).isInstanceOfSatisfying(ClusterFileException.class, failure -> assertThat(
                        failure.problems())
                .hasSize(3)
                .satisfies(problems -> assertThat(problems.get(0)).contains("yaml:5: "))
                .satisfies(problems -> assertThat(problems.get(1)).contains("yaml:17: "))
                .satisfies(problems -> assertThat(problems.get(2)).contains("yaml:22: ", "did you mean 'layers'?")));
    }

    @Test
    void shouldNameTheNodeThatNobodyCanReach() {
        String text = GOOD.replaceAll("(?m)^  default.*\n", "")
                .replaceAll("(?m)^ +- \\{from: east.*\n", "")
                .replace("  regions:\n", "");
        assertThatThrownBy(() -> read(text))
                .hasMessageContaining("yaml:10: nodes[0]: node 'one' has no link to anybody")
                .hasMessageContaining("yaml:13: nodes[1]: node 'w-3' has no link to anybody")
                .hasMessageNotContaining("'w-1'");
    }

    @Test
    void shouldWarnOfRegionsThatNoRequestReaches() throws IOException {
        String text = GOOD.replace("bandwidth: 100Mbit", "bandwidth: 0")
                .replace(
                        "links:\n",
                        "links:\n  matrix:\n    between: [coordinator, one]\n"
                                + "    megabytes_per_second: [[0, 0], [0, 0]]\n    latency_ms: [[0, 0], [0, 0]]\n")
                .replaceAll("allowed_regions: \\[west\\]", "allowed_regions: [east]");
        String twoEast = text.replace("{id: \"w-{n}\"", "{id: two, type: small, region: east}\n  - {id: \"w-{n}\"")
                .replace("between: [coordinator, one]", "between: [coordinator, one, two]")
                .replace("[[0, 0], [0, 0]]", "[[0, 0, 0], [0, 0, 1], [0, 1, 0]]");
        assertThat(ClusterFiles.warnings(read(twoEast)))
                .containsExactly(
                        "node one in region east cannot be reached from the coordinator; give it a link",
                        "node two in region east cannot be reached from the coordinator; give it a link");
    }

    @Test
    void shouldWarnOfAModelThatDoesNotFit() throws IOException {
        assertThat(ClusterFiles.warnings(read(GOOD.replace("layers: 8", "layers: 800"))))
                .singleElement()
                .asString()
                .contains("model m has 800 layers, but all machines together hold");
    }

    @Test
    void shouldNameTheOneBadRowOfTenThousandLines() throws IOException {
        StringBuilder text = new StringBuilder(GOOD.substring(0, GOOD.indexOf("models:")));
        long start = text.toString().lines().count();
        for (int i = 0; i < 10_000; i++) {
            text.append("    - {from: one, to: w-1, bandwidth: ")
                    .append(i == 7_776 ? "fast" : "1GB/s")
                    .append(", latency: 1ms}\n");
        }
        assertThatThrownBy(() -> read(text.toString()))
                .isInstanceOfSatisfying(ClusterFileException.class, failure -> assertThat(failure.problems())
                        .singleElement()
                        .asString()
                        .contains("lab.yaml:" + (start + 7_777)
                                + ": links.nodes[7777].bandwidth: 'fast' is not a bandwidth"));
    }

    @Test
    void shouldRefuseAnAliasBomb() {
        StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 12; i++) {
            String before = "*a" + (i - 1);
            bomb.append("a%d: &a%d [%s]\n".formatted(i, i, String.join(", ", Collections.nCopies(10, before))));
        }
        assertThatThrownBy(() -> read(bomb.toString()))
                .hasMessageContaining("lab.yaml:7: ")
                .hasMessageContaining("more than 4000000 values once aliases are followed");
        assertThatThrownBy(() -> read("a: &a [*a]")).hasMessageContaining("alias *a refers to itself");
    }

    @Test
    void shouldFollowAliases() throws IOException {
        assertThat(read(GOOD.replace("nic: 20Gbit}", "nic: &nic 20Gbit}").replace("    nic: 10Gbit", "    nic: *nic"))
                        .cluster()
                        .typeOf(0)
                        .nicInBytesPerSecond())
                .isEqualTo(2.5e9);
    }

    @Test
    void shouldRefuseWhatIsTooLargeOrTooDeep() throws IOException {
        assertThatThrownBy(() -> read("a: " + "[".repeat(100_000)))
                .hasMessageContaining("nested deeper than 32 levels");
        Path large = temp.resolve("large.yaml");
        try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
            file.setLength((64L << 20) + 1);
        }
        assertThatThrownBy(() -> ClusterFiles.read(large)).hasMessageContaining("at most 67108864 are read");
        assertThatThrownBy(() -> ClusterFiles.read(temp.resolve("none.yaml"))).hasMessageContaining("does not exist");
        Path binary = Files.write(temp.resolve("binary.yaml"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
        assertThatThrownBy(() -> ClusterFiles.read(binary)).hasMessageContaining("is not UTF-8 text");
        assertThatThrownBy(() -> read("a: [\n")).hasMessageContaining("is not YAML: ");
    }

    @Test
    void shouldReadFiveThousandNodes() throws IOException {
        String text = GOOD.replace("count: 3", "count: 4999").replaceAll("(?s)models:.*", "");
        assertThat(read(text).cluster().nodes()).hasSize(5000);
    }

    @Test
    void shouldTakeAGpuOfTheCatalogueAtItsWord() throws IOException {
        ClusterDescription read = read(
                """
                cluster: 7
                nodes:
                  - {id: a, gpu: a100-40gb}
                  - {id: b, gpu: L4, gpus: 2, region: 2}
                  - {id: "c-{n}", count: 2, gpu: T4, memory: 15GiB}
                links: {default: {bandwidth: 10Gbps, latency: 100us}}
                """);
        assertThat(read.cluster().name()).isEqualTo("7");
        assertThat(read.cluster().types()).extracting(MachineType::name).containsExactly("A100-40GB", "L4x2", "c");
        assertThat(read.cluster().typeOf(1).memoryBytes()).isEqualTo(48_000_000_000L);
        assertThat(read.cluster().typeOf(3).memoryBytes()).isEqualTo(15L << 30);
        assertThat(read.cluster().nodes().get(1).region()).isEqualTo("2");
    }

    /** The figures behind a layer time that nobody has measured, against those measured for Helix. */
    @ParameterizedTest
    @CsvSource({"A100,A100-40GB", "L4,L4", "T4,T4"})
    void shouldEstimateLayerTimesWithinAFactorOfTwo(String type, String gpu) {
        GpuCatalogue.Gpu found = GpuCatalogue.find(gpu).orElseThrow();
        Roofline roofline = new Roofline(found.memoryBytesPerSecond(), found.tflops());
        for (var profile :
                HelixFolder.open(Examples.helix()).cluster("single24").models().values()) {
            var measured = profile.byType().get(type);
            for (int tokens : new int[] {500, 1000, 2000}) {
                assertThat(Math.log(roofline.prompt(profile.model(), 16).at(tokens)
                                / measured.prompt().at(tokens)))
                        .as("prompt of %d, %s", tokens, profile.model().name())
                        .isCloseTo(0, within(Math.log(2)));
            }
            for (int steps : new int[] {1, 8, 64}) {
                assertThat(Math.log(roofline.decode(profile.model(), 16).at(steps)
                                / measured.decode().at(steps)))
                        .as("decode of %d, %s", steps, profile.model().name())
                        .isCloseTo(0, within(Math.log(2)));
            }
        }
    }

    @Test
    void shouldReadTheExampleOfOneRegion() {
        ClusterDescription read = ClusterFiles.read(Examples.folder().resolve("clusters/one-region.yaml"));
        assertThat(read.cluster().nodes()).hasSize(10);
        assertThat(read.model("llama-30b").byType()).containsOnlyKeys("big", "pair", "old");
        assertThat(ClusterFiles.warnings(read)).isEmpty();
    }

    @Test
    void shouldReadTheExampleOfTwoSites() {
        ClusterDescription read = ClusterFiles.read(Examples.folder().resolve("clusters/two-sites.yaml"));
        assertThat(read.cluster().nodes()).hasSize(8);
        assertThat(read.constraintsOf("records").allowedRegions()).containsExactly("clinic");
        assertThat(read.constraintsOf("records").minReplicas()).isEqualTo(2);
        assertThat(read.constraintsOf("public").emptyNodes()).containsExactly(new WorkerId("ward-4"));
        assertThat(read.demandOf("records")).isEqualTo(2);
        assertThat(read.model("records").model().kvBytesPerTokenLayer()).isEqualTo(2 * 1024 * 2);
        assertThat(read.cluster().links().latencySeconds(Links.COORDINATOR, 5)).isEqualTo(0.018);
        assertThat(read.problem("records").nodes()).isEqualTo(8);
        assertThat(ClusterFiles.warnings(read)).isEmpty();
    }

    @Test
    void shouldNameEveryGpuOfTheCatalogueInTheReadme() throws IOException {
        String readme = Files.readString(Examples.folder().resolve("clusters/README.md"));
        assertThat(readme).contains(GpuCatalogue.names());
    }

    private ClusterDescription read(String text) throws IOException {
        return ClusterFiles.read(Files.writeString(temp.resolve("lab.yaml"), text));
    }
}

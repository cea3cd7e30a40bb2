package io.sluice.clusters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.cluster.CapacityModel;
import io.sluice.core.cluster.CapacityModel.Machine;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.LayerProfile.Held;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.ModelSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The capacity model against the throughput that Helix's artefact printed, 147 rows with six decimals. */
final class CapacityModelTest {
    private static final HelixFolder HELIX = HelixFolder.open(Examples.helix());

    /** Tables of Helix's artefact: typical layers and layers times tokens/s to start from. */
    private static final Map<String, Map<String, int[]>> TYPICAL = Map.of(
            "llama2_70b", Map.of("A100", new int[] {8, 800}, "L4", new int[] {4, 200}, "T4", new int[] {3, 125}),
            "llama1_30b", Map.of("A100", new int[] {12, 480}, "L4", new int[] {8, 90}, "T4", new int[] {4, 80}));

    @TempDir
    Path temp;

    /**
     * All rows agree to the last printed digit. Those of {@code quality10} do for 7 T4 and 3 L4: the artefact computed
     * them for another mix than the 6 T4 and 4 L4 of the cluster of that name.
     */
    @ParameterizedTest
    @CsvSource({
        "single24,A100=4 L4=8 T4=12",
        "single_a100x4,A100=4",
        "single_l4x8,L4=8",
        "single_t4x12,T4=12",
        "quality10,T4=7 L4=3",
    })
    void shouldComputeWhatHelixPublished(String cluster, String mix) {
        for (String model : HELIX.models()) {
            ModelProfile profile = HELIX.cluster(cluster).model(model);
            List<Machine> machines = new ArrayList<>();
            counts(mix).forEach((type, count) -> {
                int[] typical = TYPICAL.get(model).get(type);
                machines.add(machine(type, count, profile.byType().get(type), typical[0], typical[1] / 10.0));
            });
            assertRows(profile, machines, 1e-6);
        }
    }

    /** The start hardly matters: after ten rounds it is forgotten, but for a row where the last digit tips a rounding. */
    @Test
    void shouldForgetWhereItStarted() {
        for (String model : HELIX.models()) {
            ModelProfile profile = HELIX.cluster("single24").model(model);
            List<Machine> machines = new ArrayList<>();
            counts("A100=4 L4=8 T4=12").forEach((type, count) -> {
                LayerProfile layers = profile.byType().get(type);
                double start = Machine.of(
                                type, count, layers.prompt(), layers.decode(), kv(layers), CapacityModel.HELIX_WORKLOAD)
                        .startLayerTokensPerSecond();
                machines.add(machine(type, count, layers, TYPICAL.get(model).get(type)[0], start));
            });
            assertRows(profile, machines, 0.05);
        }
    }

    /**
     * Two thirds of what fits instead of Helix's typed table of typical layers: 8 % on 70B. On 30B a batch holds so few
     * decode steps that the rounding to whole ones decides; single rows differ up to 70 %.
     */
    @ParameterizedTest
    @CsvSource({"llama2_70b,0.08", "llama1_30b,0.7"})
    void shouldStayNearHelixWithoutItsTables(String model, double tolerance) {
        ModelProfile profile = HELIX.cluster("single24").model(model);
        List<Machine> machines = new ArrayList<>();
        counts("A100=4 L4=8 T4=12").forEach((type, count) -> {
            LayerProfile layers = profile.byType().get(type);
            machines.add(Machine.of(
                    type, count, layers.prompt(), layers.decode(), kv(layers), CapacityModel.HELIX_WORKLOAD));
        });
        assertRows(profile, machines, tolerance);
    }

    @Test
    void shouldComputeCapacitiesOfAMixThatNoContextDescribes() throws IOException {
        Path copy = temp.resolve("helix");
        try (Stream<Path> files = Files.walk(Examples.helix())) {
            for (Path from : files.toList()) {
                Files.copy(from, copy.resolve(Examples.helix().relativize(from).toString()));
            }
        }
        Path nodes = copy.resolve("clusters/nodes.csv");
        Files.writeString(
                nodes, Files.readString(nodes) + "mine,0,2,A100,1\nmine,1,3,V100,1\nmine,2,4,T4,1\nmine,3,5,L4x2,1\n");
        for (ModelProfile profile :
                HelixFolder.open(copy).cluster("mine").models().values()) {
            assertThat(profile.byType()).containsOnlyKeys("A100", "L4x2", "T4", "V100");
            for (LayerProfile layers : profile.byType().values()) {
                assertThat(layers.held()).isNotEmpty().allMatch(row -> row.tokensPerSecond() > 0);
            }
            assertThat(kv(profile.byType().get("T4")))
                    .isEqualTo(kv(HELIX.cluster("single24")
                            .model(profile.model().name())
                            .byType()
                            .get("T4")));
        }
    }

    /** Nine tenths of the memory less 3 GB and the true weights: within a quarter of what vLLM left on Helix's machines. */
    @ParameterizedTest
    @CsvSource({
        "llama2_70b,8192,28672,1024",
        "llama1_30b,6656,17920,6656",
    })
    void shouldEstimateTheKvCacheFromMemory(String name, long hidden, long intermediate, long kvWidth) {
        ClusterDescription single = HELIX.cluster("single24");
        ModelSpec published = single.model(name).model();
        long weights = 2 * (2 * hidden * hidden + 2 * hidden * kvWidth + 3 * hidden * intermediate);
        ModelSpec model = new ModelSpec(
                name, published.layerCount(), published.hiddenSize(), 2, 2, weights, published.kvBytesPerTokenLayer());
        for (MachineType type : single.cluster().types()) {
            List<Held> measured = single.model(name).byType().get(type.name()).held();
            assertThat(CapacityTables.maxLayers(type.memoryBytes(), model))
                    .isBetween(measured.size() - 1, measured.size());
            for (Held row : measured) {
                double estimated = CapacityTables.kvTokensPerLayer(type.memoryBytes(), model, row.layers());
                assertThat(estimated / row.kvTokensPerLayer())
                        .as("%s with %d layers", type.name(), row.layers())
                        .isCloseTo(1, within(0.25));
            }
        }
    }

    private static Machine machine(String type, int count, LayerProfile layers, int typical, double start) {
        return new Machine(type, count, layers.prompt(), layers.decode(), kv(layers), typical, start);
    }

    private static List<Long> kv(LayerProfile layers) {
        return layers.held().stream().map(Held::kvTokensPerLayer).toList();
    }

    private static void assertRows(ModelProfile published, List<Machine> machines, double tolerance) {
        CapacityModel computed =
                CapacityModel.of(published.model().layerCount(), CapacityModel.HELIX_WORKLOAD, machines);
        published.byType().forEach((type, layers) -> {
            for (Held row : layers.held()) {
                assertThat(computed.tokensPerSecond(type, row.layers()) / row.tokensPerSecond())
                        .as("%s, %s with %d layers", published.model().name(), type, row.layers())
                        .isCloseTo(1, within(tolerance));
            }
        });
    }

    private static Map<String, Integer> counts(String mix) {
        Map<String, Integer> counts = new TreeMap<>();
        for (String part : mix.split(" ")) {
            counts.put(part.substring(0, part.indexOf('=')), Integer.parseInt(part.substring(part.indexOf('=') + 1)));
        }
        return counts;
    }
}

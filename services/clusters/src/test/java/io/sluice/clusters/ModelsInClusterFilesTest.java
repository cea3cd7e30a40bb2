package io.sluice.clusters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.ModelSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models and profiles of cluster files, and files that chance has damaged. */
final class ModelsInClusterFilesTest {
    private static final String HEAD =
            """
            cluster: lab
            nodes:
              - {id: a, gpu: A100-40GB}
              - {id: b, memory: 16GB}
            links: {default: {bandwidth: 10Gbit, latency: 1ms}}
            models:
              m:
            """;

    private static final String MEASURED =
            """
                config: config.json
                profiles:
                  b:
                    prompt: {tokens: [0, 1000], ms: [0, 50]}
                    decode: {tokens: [1, 100], ms: [8, 20.5]}
                    kv_tokens_per_layer: [9000, 4000]
                    tokens_per_second: [800, 300.25]
                    decode_max_requests: [64, 32]
                    prompt_max_tokens: 1024
            """;

    private static final String CONFIG =
            """
            {"num_hidden_layers": 32, "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
             "num_key_value_heads": 8, "torch_dtype": "bfloat16"}
            """;

    @TempDir
    Path temp;

    @Test
    void shouldReadTheShapeOfAModelFromAHuggingFaceConfig() throws IOException {
        ModelSpec model = read(MEASURED, CONFIG).model("m").model();
        assertThat(model.layerCount()).isEqualTo(32);
        assertThat(model.layerBytes())
                .isEqualTo(2L * (2 * 4096L * 4096 + 2 * 4096L * 1024 + 3 * 4096L * 14336 + 2 * 4096));
        assertThat(model.kvBytesPerTokenLayer()).isEqualTo(2 * 1024 * 2);
    }

    @Test
    void shouldReadAQuantizedConfigAndOneInsideATextModel() throws IOException {
        String quantized = CONFIG.replace("\"torch_dtype\"", "\"quantization_config\": {\"bits\": 4}, \"torch_dtype\"");
        long whole = read(MEASURED, CONFIG).model("m").model().layerBytes();
        assertThat(read(MEASURED, quantized).model("m").model().layerBytes()).isEqualTo(whole / 4);
        assertThat(read(MEASURED, "{\"text_config\": " + CONFIG + "}")
                        .model("m")
                        .model()
                        .layerBytes())
                .isEqualTo(whole);
    }

    @Test
    void shouldTakeMeasuredTablesAsTheyAreAndComputeTheOthers() throws IOException {
        var byType = read(MEASURED, CONFIG).model("m").byType();
        LayerProfile measured = byType.get("b");
        assertThat(measured.prompt().at(500)).isEqualTo(0.025);
        assertThat(measured.maxLayers()).isEqualTo(2);
        LayerProfile.Held two = measured.holding(2);
        assertThat(two).isEqualTo(new LayerProfile.Held(2, 300.25, 4000, 1, 1024, 32, 300_000));
        assertThat(byType.get("A100-40GB").holding(32).tokensPerSecond()).isPositive();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "kv_tokens_per_layer: [9000, 4000]|kv_tokens_per_layer: [9000]|14: models.m.profiles.b.tokens_per_second: has 2",
                "ms: [0, 50]|ms: [0]|11: models.m.profiles.b.prompt.ms: has 1 entries, but tokens has 2",
                "tokens: [0, 1000]|tokens: [9, 9]|11: models.m.profiles.b.prompt: curve: x must rise",
                "ms: [0, 50]|ms: [0, -1]|11: models.m.profiles.b.prompt.ms[1]: '-1' is not a number of at least 0",
                "decode_max_requests: [64, 32]|decode_max_requests: [1, 2, 3]|15: models.m.profiles.b.decode_max_requests: has 3",
                "decode_max_requests: [64, 32]|decode_max_requests: 0|15: models.m.profiles.b.decode_max_requests: '0' is not a",
                "decode_max_requests: [64, 32]|max_layers: 3|15: models.m.profiles.b.max_layers: '3' layers, but",
                "  b:|  c:|10: models.m.profiles: no machine type 'c'; there are [A100-40GB, b]",
                "prompt: {|prompts: {|11: models.m.profiles.b: unknown key 'prompts'; did you mean 'prompt'?",
            })
    void shouldNameTheWrongPartOfAProfile(String good, String bad, String message) {
        assertThat(MEASURED).contains(good);
        assertThatThrownBy(() -> read(MEASURED.replace(good, bad), CONFIG))
                .isInstanceOf(ClusterFileException.class)
                .hasMessageContaining("lab.yaml:" + message);
    }

    @Test
    void shouldAskForFiguresOfAMachineThatNobodyKnows() {
        assertThatThrownBy(() -> read("    config: config.json\n", CONFIG))
                .hasMessageContaining("machine type 'b' has no measured prompt and decode times for m")
                .hasMessageContaining("or write 'none' there");
    }

    @Test
    void shouldLeaveOutATypeThatMustNotHoldTheModel() throws IOException {
        assertThat(read("    config: config.json\n    profiles: {b: none}\n", CONFIG)
                        .model("m")
                        .byType())
                .containsOnlyKeys("A100-40GB");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"hidden_size\"|\"size\"|models.m: config has no 'hidden_size'; give hidden_size here",
                "32,|\"many\",|models.m.config: num_hidden_layers 'many' in the config is not a whole number above 0",
                "{\"num_hidden|{\"num_local_experts\": 8, \"num_hidden|models.m: config describes a mixture of experts",
                "{\"num_hidden|{\"kv_lora_rank\": 8, \"num_hidden|models.m: config describes latent attention",
                "{\"num_hidden|[\"num_hidden|config.json:1: is not JSON",
            })
    void shouldSayWhatAConfigLacks(String good, String bad, String message) {
        assertThatThrownBy(
                        () -> read(MEASURED, CONFIG.replaceFirst(Pattern.quote(good), Matcher.quoteReplacement(bad))))
                .isInstanceOf(ClusterFileException.class)
                .hasMessageContaining(message);
    }

    /** Whatever becomes of a file, it is read or refused with a line; nothing else happens. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void shouldReadOrExplainAFileThatChanceHasDamaged(long seed) throws IOException {
        Random random = new Random(seed);
        String good = Files.readString(Examples.folder().resolve("clusters/two-sites.yaml")) + "# end\n";
        Files.createDirectories(temp.resolve("small-model"));
        Files.writeString(temp.resolve("small-model/config.json"), CONFIG);
        String pieces = "{}[]:,-#&*!|>'\"%@`\n\t 0129.eEinfnull~GBms";
        int refused = 0;
        for (int round = 0; round < 300; round++) {
            StringBuilder text = new StringBuilder(good);
            for (int change = 0; change <= random.nextInt(3); change++) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.deleteCharAt(at);
                    case 1 -> text.insert(at, pieces.charAt(random.nextInt(pieces.length())));
                    default -> text.setCharAt(at, pieces.charAt(random.nextInt(pieces.length())));
                }
            }
            Path file = Files.writeString(temp.resolve("damaged.yaml"), text);
            try {
                ClusterFiles.read(file);
            } catch (ClusterFileException e) {
                refused++;
                assertThat(e.problems()).isNotEmpty().allMatch(line -> line.matches("(?s).*damaged.yaml:\\d+: .+"));
            }
        }
        assertThat(refused).isBetween(50, 299);
    }

    private ClusterDescription read(String model, String config) throws IOException {
        Files.writeString(temp.resolve("config.json"), config);
        return ClusterFiles.read(Files.writeString(temp.resolve("lab.yaml"), HEAD + model));
    }
}

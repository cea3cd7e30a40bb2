package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.runtime.gguf.GgufModel;
import io.sluice.runtime.text.ChatTemplate.Message;
import io.sluice.runtime.text.TokenStream;
import io.sluice.runtime.text.Tokenizer;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A real model against llama.cpp: SmolLM2-135M-Instruct, from the folder that {@code infra/checks/smollm2.py} fills.
 * Skipped unless the environment variable or system property {@code SLUICE_SMOLLM2_DIR} names that folder.
 */
@Tag("real-model")
final class SmolLm2Test {
    private static final String SETTING = "SLUICE_SMOLLM2_DIR";
    private static final String PREFIX = "SmolLM2-135M-Instruct.";
    private static final long KV_BYTES = 1L << 30;

    private Path folder;
    private JsonNode reference;

    @BeforeEach
    void findFolder() throws IOException {
        String setting = System.getProperty(SETTING, System.getenv(SETTING));
        Assumptions.assumeTrue(
                setting != null,
                SETTING + " is not set: run infra/checks/smollm2.py and set it to the folder it fills");
        folder = Path.of(setting);
        Path file = folder.resolve("reference.json");
        Assumptions.assumeTrue(
                Files.isRegularFile(file), file + " is not there: run infra/checks/smollm2.py --out " + folder);
        reference = new ObjectMapper().readTree(file.toFile());
    }

    @Test
    void shouldTokenizeAsLlamaCppDoes() {
        try (GgufModel model = open("Q4_1")) {
            Tokenizer tokenizer = model.tokenizer();
            List<String> differences = new ArrayList<>();
            for (JsonNode text : reference.path("tokenizer")) {
                compare(tokenizer, text.path("text").asText(), ids(text.path("token_ids")), differences);
            }
            for (JsonNode prompt : reference.path("cases")) {
                compare(tokenizer, prompt.path("prompt").asText(), ids(prompt.path("prompt_token_ids")), differences);
            }
            assertThat(reference.path("tokenizer")).hasSizeGreaterThan(40);
            assertThat(differences).isEmpty();
        }
    }

    @Test
    void shouldRenderChatsAsJinja2Does() {
        try (GgufModel model = open("Q4_1")) {
            Tokenizer tokenizer = model.tokenizer();
            assertThat(reference.path("chats")).isNotEmpty();
            for (JsonNode chat : reference.path("chats")) {
                List<Message> messages = new ArrayList<>();
                chat.path("messages")
                        .forEach(message -> messages.add(new Message(
                                message.path("role").asText(),
                                message.path("content").asText())));
                String text = tokenizer
                        .chatTemplate()
                        .orElseThrow()
                        .render(messages, chat.path("add_generation_prompt").asBoolean());
                assertThat(text).isEqualTo(chat.path("text").asText());
                assertThat(tokenizer.encodeRendered(text)).isEqualTo(ids(chat.path("token_ids")));
            }
        }
    }

    @Test
    void shouldDecodeWhatLlamaCppGenerated() {
        try (GgufModel model = open("Q4_1")) {
            Tokenizer tokenizer = model.tokenizer();
            for (JsonNode expected : reference.path("cases")) {
                int[] ids = ids(expected.path("greedy_token_ids"));
                TokenStream stream = tokenizer.stream();
                StringBuilder streamed = new StringBuilder();
                for (int id : ids) {
                    streamed.append(stream.append(id));
                }
                streamed.append(stream.finish());
                assertThat(streamed).hasToString(tokenizer.decode(ids));
                assertThat(tokenizer.decode(ids))
                        .isEqualTo(expected.path("text").asText());
            }
        }
    }

    /** The file that llama.cpp's quantiser expanded must hold, bit for bit, what we expand from the packed one. */
    @Test
    void shouldExpandWeightsAsLlamaCppDoes() {
        try (GgufModel packed = open("Q4_1");
                GgufModel expanded = open("F32")) {
            assertThat(packed.config()).isEqualTo(expanded.config());
            assertThat(packed.names()).isEqualTo(expanded.names());
            for (String name : packed.names()) {
                int elements = (int) Arrays.stream(packed.shape(name)).reduce(1, (a, b) -> a * b);
                FloatBuffer ours = FloatBuffer.allocate(elements);
                FloatBuffer theirs = FloatBuffer.allocate(elements);
                packed.read(name, ours);
                expanded.read(name, theirs);
                assertThat(Arrays.equals(bits(ours), bits(theirs))).as(name).isTrue();
            }
        }
    }

    @Test
    void shouldGenerateLlamaCppsTokensFromF32() {
        generateAndCompare("F32");
    }

    @Test
    void shouldGenerateLlamaCppsTokensFromQ41ExpandedAtLoad() {
        generateAndCompare("Q4_1");
    }

    private void generateAndCompare(String type) {
        List<String> differences = new ArrayList<>();
        int compared = 0;
        try (GgufModel model = open(type);
                InProcessGenerator generator = InProcessGenerator.open(model, new RuntimeOptions(2, KV_BYTES))) {
            Tokenizer tokenizer = model.tokenizer();
            for (JsonNode expected : reference.path("cases")) {
                int[] wanted = ids(expected.path("greedy_token_ids"));
                int[] prompt = tokenizer.encode(expected.path("prompt").asText());
                int[] got = generator.generate(prompt, wanted.length, SamplingParams.GREEDY, 256);
                int differs = Arrays.mismatch(wanted, got);
                compared += wanted.length;
                if (differs >= 0) {
                    differences.add("prompt '" + expected.path("prompt").asText() + "': token " + differs + " is "
                            + got[differs] + " instead of " + wanted[differs]
                            + ", where llama.cpp's two largest logits are "
                            + expected.path("gaps").path(differs).asDouble() + " apart");
                }
            }
        }
        assertThat(compared).isEqualTo(20 * 64);
        if (!differences.isEmpty()) {
            fail(String.join("\n", differences));
        }
    }

    private GgufModel open(String type) {
        Path file = folder.resolve(PREFIX + type + ".gguf");
        Assumptions.assumeTrue(
                Files.isRegularFile(file), file + " is not there: run infra/checks/smollm2.py --out " + folder);
        return GgufModel.open(file, "smollm2");
    }

    private static void compare(Tokenizer tokenizer, String text, int[] expected, List<String> differences) {
        int[] got = tokenizer.encode(text);
        if (!Arrays.equals(got, expected)) {
            differences.add("'" + text + "': " + Arrays.toString(got) + " instead of " + Arrays.toString(expected));
        }
    }

    private static int[] ids(JsonNode array) {
        int[] ids = new int[array.size()];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = array.path(i).asInt();
        }
        return ids;
    }

    private static int[] bits(FloatBuffer values) {
        int[] bits = new int[values.capacity()];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values.get(i));
        }
        return bits;
    }
}

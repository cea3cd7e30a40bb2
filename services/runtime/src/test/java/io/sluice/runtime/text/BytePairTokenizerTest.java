package io.sluice.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.runtime.PsalmModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The plain Java tokenizer against Hugging Face's native library, on the vocabulary of the model in this repository.
 */
final class BytePairTokenizerTest {
    private static final Path PSALM = PsalmModel.folder();
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    @Test
    void shouldEqualTheLibraryOnTheShippedModel() throws IOException {
        compare(definition -> {});
    }

    @Test
    void shouldEqualTheLibraryOnSmolLmStyleDigits() throws IOException {
        compare(
                definition -> definition.set(
                        "pre_tokenizer",
                        parse(
                                """
                {"type": "Sequence", "pretokenizers": [
                  {"type": "Digits", "individual_digits": true},
                  {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}]}""")));
    }

    @Test
    void shouldEqualTheLibraryOnLlama3Style() throws IOException {
        compare(definition -> {
            definition.set("pre_tokenizer", split(WordPatterns.LLAMA3));
            ((ObjectNode) definition.path("model")).put("ignore_merges", true);
            definition.set(
                    "post_processor",
                    parse(
                            """
                    {"type": "Sequence", "processors": [
                      {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true},
                      {"type": "TemplateProcessing",
                       "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}},
                                  {"Sequence": {"id": "A", "type_id": 0}}],
                       "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                       "special_tokens": {"<|endoftext|>":
                         {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}}}]}"""));
        });
    }

    @Test
    void shouldEqualTheLibraryOnQwen2StyleWithNormalization() throws IOException {
        compare(definition -> {
            definition.set("pre_tokenizer", split(WordPatterns.QWEN2));
            definition.set("normalizer", parse("{\"type\": \"NFC\"}"));
        });
    }

    @Test
    void shouldEqualTheLibraryOnMistralStyle() throws IOException {
        compare(definition -> definition.set("pre_tokenizer", split(WordPatterns.TEKKEN)));
    }

    @Test
    void shouldEqualTheLibraryOnAddedTokensThatStrip() throws IOException {
        compare(definition -> {
            definition.set(
                    "added_tokens",
                    parse(
                            """
                    [{"id": 0, "content": "<|endoftext|>", "single_word": false, "lstrip": true, "rstrip": false,
                      "normalized": false, "special": true},
                     {"id": 2048, "content": "42", "single_word": true, "lstrip": false, "rstrip": true,
                      "normalized": false, "special": false},
                     {"id": 2049, "content": "<|end", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": false}]"""));
            definition.set(
                    "pre_tokenizer",
                    parse(
                            """
                    {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"""));
        });
    }

    @Test
    void shouldStreamExactlyTheDecodedText() {
        Tokenizer tokenizer = FolderTokenizer.open(PSALM);
        for (String text : HardTexts.all()) {
            int[] ids = tokenizer.encode(text);
            assertThat(streamed(tokenizer, ids)).isEqualTo(tokenizer.decode(ids));
        }
        int[] rocket = tokenizer.encode("\ud83d\ude80");
        assertThat(rocket).hasSizeGreaterThan(1);
        TokenStream stream = tokenizer.stream();
        for (int i = 0; i < rocket.length - 1; i++) {
            assertThat(stream.append(rocket[i])).isEmpty();
        }
        assertThat(stream.append(rocket[rocket.length - 1])).isEqualTo("\ud83d\ude80");
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void shouldGiveBackTextExceptSpecialTokens() {
        Tokenizer tokenizer = FolderTokenizer.open(PSALM);
        for (String text : HardTexts.all()) {
            assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text.replace("<|endoftext|>", ""));
        }
        assertThat(tokenizer.decode(tokenizer.encode("a\ud83dz"))).isEqualTo("a\ufffdz");
    }

    @Test
    void shouldRepeatTheReferenceIds() throws IOException {
        Tokenizer tokenizer = FolderTokenizer.open(PSALM);
        JsonNode cases = JSON.readTree(PSALM.resolve("reference.json").toFile()).path("cases");
        assertThat(cases).isNotEmpty();
        for (JsonNode expected : cases) {
            assertThat(Arrays.toString(tokenizer.encode(expected.path("prompt").asText())))
                    .isEqualTo(expected.path("prompt_token_ids").toString().replace(",", ", "));
        }
    }

    @Test
    void shouldKnowTheShippedModelsRoles() {
        Tokenizer tokenizer = FolderTokenizer.open(PSALM);
        assertThat(tokenizer).isInstanceOf(BytePairTokenizer.class);
        assertThat(tokenizer.vocabSize()).isEqualTo(2048);
        assertThat(tokenizer.bos()).hasValue(0);
        assertThat(tokenizer.eos()).containsExactly(0);
        assertThat(tokenizer.chatTemplate()).isEmpty();
    }

    @Test
    void shouldRefuseIdsOutsideTheVocabulary() {
        Tokenizer tokenizer = FolderTokenizer.open(PSALM);
        assertThatThrownBy(() -> tokenizer.decode(new int[] {2048}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("token id 2048 is outside the vocabulary of 2048");
        assertThatThrownBy(() -> tokenizer.stream().append(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    private void compare(Consumer<ObjectNode> change) throws IOException {
        ObjectNode definition =
                (ObjectNode) JSON.readTree(PSALM.resolve("tokenizer.json").toFile());
        change.accept(definition);
        Files.writeString(folder.resolve("tokenizer.json"), definition.toString());
        Tokenizer ours = FolderTokenizer.open(folder);
        assertThat(ours).isInstanceOf(BytePairTokenizer.class);
        try (Tokenizer library = FolderTokenizer.open(folder, true)) {
            assertThat(library).isInstanceOf(LibraryTokenizer.class);
            assertThat(ours.vocabSize()).isEqualTo(library.vocabSize());
            for (String text : HardTexts.all()) {
                int[] ids = ours.encode(text);
                assertThat(ids).as("'%s'", text).isEqualTo(library.encode(text));
                assertThat(ours.encodeRendered(text)).as("'%s'", text).isEqualTo(library.encodeRendered(text));
                assertThat(ours.decode(ids)).as("'%s'", text).isEqualTo(library.decode(ids));
            }
        }
    }

    private static String streamed(Tokenizer tokenizer, int[] ids) {
        TokenStream stream = tokenizer.stream();
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(stream.append(id));
        }
        return text.append(stream.finish()).toString();
    }

    private static JsonNode split(String pattern) {
        ObjectNode node = (ObjectNode)
                parse(
                        """
                {"type": "Sequence", "pretokenizers": [
                  {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated", "invert": false},
                  {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]}""");
        ((ObjectNode) node.path("pretokenizers").path(0).path("pattern")).put("Regex", pattern);
        return node;
    }

    private static JsonNode parse(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }
}

package io.sluice.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.runtime.ModelFormatException;
import io.sluice.runtime.text.ChatTemplate.Message;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FolderTokenizerTest {
    /** A byte-level tokenizer of five tokens. */
    private static final String SMALL =
            """
            {"added_tokens": [{"id": 4, "content": "<eos>", "special": true}],
             "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
             "decoder": {"type": "ByteLevel"},
             "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "\u0120": 3}, "merges": ["a b"]}}""";

    /** The way of Llama 2: spaces as a visible mark, unknown characters as bytes. */
    private static final String SENTENCE_PIECE =
            """
            {"version": "1.0", "truncation": null, "padding": null,
             "added_tokens": [
              {"id": 0, "content": "<unk>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
               "special": true},
              {"id": 1, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
               "special": true}],
             "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
              {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
             "pre_tokenizer": null,
             "post_processor": {"type": "TemplateProcessing",
              "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
              "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
              "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
             "decoder": {"type": "Sequence", "decoders": [
              {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
              {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
             "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
              "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true,
              "vocab": {"<unk>": 0, "<s>": 1, "\u2581": 2, "h": 3, "i": 4, "\u2581h": 5, "\u2581hi": 6%s},
              "merges": ["\u2581 h", "\u2581h i"]}}""";

    @TempDir
    private Path folder;

    @Test
    void shouldReadASmallFolder() throws IOException {
        write("tokenizer.json", SMALL);
        write(
                "tokenizer_config.json",
                """
                {"bos_token": null, "eos_token": {"content": "<eos>"}, "chat_template": [
                  {"name": "tool_use", "template": "no"},
                  {"name": "default", "template": "{{ messages[0].content }}{{ eos_token }}"}]}""");
        write("generation_config.json", "{\"eos_token_id\": [3, 4]}");
        write("config.json", "{\"eos_token_id\": 4, \"bos_token_id\": 0}");
        Tokenizer tokenizer = FolderTokenizer.open(folder);
        assertThat(tokenizer).isInstanceOf(BytePairTokenizer.class);
        assertThat(tokenizer.encode("ab ba<eos>")).containsExactly(2, 3, 1, 0, 4);
        assertThat(tokenizer.vocabSize()).isEqualTo(5);
        assertThat(tokenizer.bos()).isEmpty();
        assertThat(tokenizer.eos()).containsExactly(3, 4);
        assertThat(tokenizer.chatTemplate().orElseThrow().render(List.of(new Message("user", "ab")), true))
                .isEqualTo("ab<eos>");
        write("chat_template.jinja", "file wins");
        assertThat(FolderTokenizer.open(folder).chatTemplate().orElseThrow().render(List.of(), true))
                .isEqualTo("file wins");
    }

    @Test
    void shouldLeaveOtherKindsToTheLibrary() throws IOException {
        StringBuilder bytes = new StringBuilder();
        for (int value = 0; value < 256; value++) {
            bytes.append(", \"<0x%02X>\": %d".formatted(value, 7 + value));
        }
        write("tokenizer.json", SENTENCE_PIECE.formatted(bytes));
        try (Tokenizer tokenizer = FolderTokenizer.open(folder)) {
            assertThat(tokenizer).isInstanceOf(LibraryTokenizer.class);
            assertThat(tokenizer.encode("hi hi")).containsExactly(1, 6, 6);
            assertThat(tokenizer.encodeRendered("hi")).containsExactly(6);
            // Longer than the 512 tokens at which the library cuts unless told otherwise.
            assertThat(tokenizer.encode("hi ".repeat(700))).hasSizeGreaterThan(700);
            int[] ids = tokenizer.encode("hi \ud83d\ude80 hi \u00e9");
            TokenStream stream = tokenizer.stream();
            StringBuilder text = new StringBuilder();
            for (int id : ids) {
                String added = stream.append(id);
                assertThat(added).doesNotContain("\ufffd");
                text.append(added);
            }
            assertThat(text.append(stream.finish())).hasToString(tokenizer.decode(ids));
            assertThat(tokenizer.decode(ids)).isEqualTo("hi \ud83d\ude80 hi \u00e9");
            assertThatThrownBy(() -> tokenizer.decode(new int[] {99_999})).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void shouldNameWhatIsWrongWithAFolder() throws IOException {
        assertThatThrownBy(() -> FolderTokenizer.open(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("tokenizer.json: no such file");
        write("tokenizer.json", "");
        assertThatThrownBy(() -> FolderTokenizer.open(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("tokenizer.json: holds no tokenizer");
        write("tokenizer.json", "{\"model\": ");
        assertThatThrownBy(() -> FolderTokenizer.open(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("tokenizer.json: is not valid JSON");
        write("tokenizer.json", SMALL.replace("\"a b\"", "\"a x\""));
        assertThatThrownBy(() -> FolderTokenizer.open(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("merge 'a x' needs the token 'x', which is not there");
        write("tokenizer.json", SMALL.replace("\"ab\": 2", "\"ab\": -2"));
        assertThatThrownBy(() -> FolderTokenizer.open(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("impossible id -2");
        write("tokenizer.json", SMALL);
        write("generation_config.json", "{\"eos_token_id\": 77}");
        assertThatThrownBy(() -> FolderTokenizer.open(folder))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("the token for end of sequence is 77, outside the vocabulary of 5");
    }

    /** Whatever is cut off or flipped, the folder opens or gives the one exception of damaged files. */
    @Test
    void shouldSurviveRandomDamage() throws IOException {
        byte[] good = SMALL.getBytes(StandardCharsets.UTF_8);
        int refused = 0;
        for (int seed = 0; seed < 500; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            byte[] bad = seed % 3 == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
            for (int i = 0; i < seed % 3 && bad.length > 0; i++) {
                bad[random.nextInt(bad.length)] ^= (byte) (1 << random.nextInt(7));
            }
            Files.write(folder.resolve("tokenizer.json"), bad);
            try (Tokenizer tokenizer = FolderTokenizer.open(folder)) {
                tokenizer.encode("ab ba<eos>");
            } catch (ModelFormatException e) {
                assertThat(e.getMessage()).as("seed %d", seed).doesNotContain("\n");
                refused++;
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + " gives another exception", e);
            }
        }
        assertThat(refused).isGreaterThan(150);
    }

    private void write(String name, String content) throws IOException {
        Files.writeString(folder.resolve(name), content);
    }
}

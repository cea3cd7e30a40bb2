package io.sluice.runtime.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelFormatException;
import io.sluice.runtime.RopeScaling;
import io.sluice.runtime.text.ChatTemplate.Message;
import io.sluice.runtime.text.ChatTemplateException;
import io.sluice.runtime.text.Tokenizer;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class GgufModelTest {
    @TempDir
    private Path folder;

    @Test
    void shouldDescribeTheModelByItsMetadata() throws IOException {
        ModelConfig config = open(TinyGguf.model()).config();
        assertThat(config)
                .isEqualTo(new ModelConfig(
                        "tiny",
                        "LlamaForCausalLM",
                        2,
                        8,
                        16,
                        2,
                        1,
                        4,
                        TinyGguf.TOKENS.size(),
                        64,
                        1e-5f,
                        10_000.0,
                        true,
                        0,
                        List.of(0, 2)));
    }

    @Test
    void shouldUseHuggingFaceNamesAndUntieTheHead() throws IOException {
        float[] head = new float[TinyGguf.TOKENS.size() * TinyGguf.HIDDEN];
        GgufModel model = open(TinyGguf.model().tensor("output.weight", new long[] {TinyGguf.TOKENS.size(), 8}, head));
        assertThat(model.config().tiedEmbeddings()).isFalse();
        assertThat(model.names())
                .hasSize(2 * 9 + 3)
                .contains(
                        "model.embed_tokens.weight",
                        "model.layers.1.self_attn.q_proj.weight",
                        "model.layers.0.mlp.down_proj.weight",
                        "model.layers.1.post_attention_layernorm.weight",
                        "model.norm.weight",
                        "lm_head.weight");
        assertThat(model.shape("model.layers.0.mlp.down_proj.weight")).containsExactly(8, 16);
        assertThatThrownBy(() -> model.shape("model.layers.2.self_attn.q_proj.weight"))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("has no tensor for model.layers.2");
    }

    /** As the converter does it: reshape to [heads, 2, headDim / 2], swap the last two, reshape back. */
    @Test
    void shouldUndoTheInterleavingOfQueryAndKeyRows() throws IOException {
        float[] queries = new float[8 * 8];
        float[] keys = new float[4 * 8];
        for (int head = 0; head < 2; head++) {
            for (int half = 0; half < 2; half++) {
                for (int i = 0; i < 2; i++) {
                    int original = head * 4 + half * 2 + i;
                    int converted = head * 4 + i * 2 + half;
                    Arrays.fill(queries, converted * 8, converted * 8 + 8, original);
                    if (head == 0) {
                        Arrays.fill(keys, converted * 8, converted * 8 + 8, original);
                    }
                }
            }
        }
        GgufModel model = open(TinyGguf.model()
                .tensor("blk.0.attn_q.weight", new long[] {8, 8}, queries)
                .tensor("blk.0.attn_k.weight", new long[] {4, 8}, keys)
                .tensor("blk.0.attn_k.bias", new long[] {4}, 0, 2, 1, 3));
        FloatBuffer all = FloatBuffer.allocate(64);
        model.read("model.layers.0.self_attn.q_proj.weight", all);
        for (int row = 0; row < 8; row++) {
            assertThat(all.get(row * 8)).isEqualTo(row);
            assertThat(all.get(row * 8 + 7)).isEqualTo(row);
        }
        FloatBuffer two = FloatBuffer.allocate(16);
        model.readRows("model.layers.0.self_attn.k_proj.weight", 1, 2, two);
        assertThat(two.get(0)).isEqualTo(1);
        assertThat(two.get(8)).isEqualTo(2);
        FloatBuffer bias = FloatBuffer.allocate(4);
        model.read("model.layers.0.self_attn.k_proj.bias", bias);
        assertThat(bias.array()).containsExactly(0, 1, 2, 3);
    }

    @Test
    void shouldRefuseRowsOutsideATensor() throws IOException {
        GgufModel model = open(TinyGguf.model());
        FloatBuffer small = FloatBuffer.allocate(8);
        assertThatThrownBy(() -> model.readRows("model.embed_tokens.weight", TinyGguf.TOKENS.size(), 1, small))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("outside tensor");
        assertThatThrownBy(() -> model.readRows("model.embed_tokens.weight", 0, 2, small))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("do not fit");
    }

    @Test
    void shouldReadRotaryScaling() throws IOException {
        assertThat(open(TinyGguf.model()
                                .string("llama.rope.scaling.type", "linear")
                                .number("llama.rope.scaling.factor", 4))
                        .config()
                        .ropeScaling())
                .isEqualTo(new RopeScaling.Linear(4));
        assertThat(open(TinyGguf.model().tensor("rope_freqs.weight", new long[] {2}, 1, 8))
                        .config()
                        .ropeScaling())
                .isEqualTo(new RopeScaling.Factors(List.of(1f, 8f)));
        assertThatOpening(TinyGguf.model().string("llama.rope.scaling.type", "yarn"))
                .hasMessageContaining("uses the rotary scaling 'yarn'");
    }

    @Test
    void shouldNameWhatIsNotSupportedOrMissing() throws IOException {
        assertThatOpening(TinyGguf.model().string("general.architecture", "gemma2"))
                .hasMessageContaining("holds a model of the architecture 'gemma2', supported is 'llama'");
        assertThatOpening(TinyGguf.model().without("llama.block_count"))
                .hasMessageContaining("has no metadata 'llama.block_count'");
        assertThatOpening(TinyGguf.model().without("blk.1.ffn_up.weight"))
                .hasMessageContaining("has no tensor for model.layers.1.mlp.up_proj.weight");
        assertThatOpening(TinyGguf.model().integer("llama.attention.head_count_kv", 2))
                .hasMessageContaining("tensor 'blk.0.attn_k.weight' has the shape [4, 8], expected [8, 8]");
        assertThatOpening(TinyGguf.model().integer("llama.expert_count", 8)).hasMessageContaining("mixture of experts");
        assertThatOpening(TinyGguf.model().integer("llama.rope.dimension_count", 2))
                .hasMessageContaining("heads of 4");
        assertThatOpening(TinyGguf.model().number("llama.rope.freq_base", -1))
                .hasMessageContaining("describes an impossible model");
    }

    @Test
    void shouldTokenizeFromTheFilesOwnVocabulary() throws IOException {
        Tokenizer tokenizer = open(TinyGguf.model()).tokenizer();
        int hello = TinyGguf.TOKENS.indexOf("hello");
        int spaceW = TinyGguf.TOKENS.indexOf("\u0120w");
        assertThat(tokenizer.encode("hello wo")).containsExactly(hello, spaceW, TinyGguf.TOKENS.indexOf("o"));
        assertThat(tokenizer.encode("<|im_start|>hello<user thing><|im_end|>"))
                .containsExactly(1, hello, TinyGguf.TOKENS.size() - 1, 2);
        assertThat(tokenizer.decode(new int[] {1, hello, TinyGguf.TOKENS.size() - 1, 2}))
                .isEqualTo("hello<user thing>");
        assertThat(tokenizer.vocabSize()).isEqualTo(TinyGguf.TOKENS.size());
        assertThat(tokenizer.bos()).hasValue(0);
        assertThat(tokenizer.eos()).containsExactly(0, 2);
        assertThat(tokenizer.chatTemplate().orElseThrow().render(List.of(new Message("user", "hello")), false))
                .isEqualTo("<|im_start|>user\nhello<|im_end|>\n");
    }

    @Test
    void shouldPutTheBeginningTokenFirstOnlyWhenTheFileSaysSo() throws IOException {
        Tokenizer asked = open(TinyGguf.model().flag("tokenizer.ggml.add_bos_token", true))
                .tokenizer();
        assertThat(asked.encode("h")).startsWith(0).hasSize(2);
        assertThat(asked.encodeRendered("h")).hasSize(1);
        Tokenizer llama3 = open(TinyGguf.model()
                        .string("tokenizer.ggml.pre", "llama-bpe")
                        .without("tokenizer.ggml.add_bos_token"))
                .tokenizer();
        assertThat(llama3.encode("h")).startsWith(0).hasSize(2);
    }

    @Test
    void shouldNameWhatIsWrongWithATokenizer() throws IOException {
        assertThatTokenizer(TinyGguf.model().string("tokenizer.ggml.model", "llama"))
                .hasMessageContaining("carries the tokenizer model 'llama', supported is 'gpt2'");
        assertThatTokenizer(TinyGguf.model().string("tokenizer.ggml.pre", "superbpe"))
                .hasMessageContaining("names the pre-tokenizer 'superbpe'")
                .hasMessageContaining("smollm");
        assertThatTokenizer(TinyGguf.model().strings("tokenizer.ggml.merges", List.of("he xx")))
                .hasMessageContaining("merge 'he xx' needs the token 'xx'");
        assertThatTokenizer(TinyGguf.model().integers("tokenizer.ggml.token_type", 1, 2))
                .hasMessageContaining("tokens but 2 token types");
        assertThatTokenizer(TinyGguf.model().without("tokenizer.ggml.merges"))
                .hasMessageContaining("has no metadata 'tokenizer.ggml.merges'");
    }

    @Test
    void shouldOpenFilesAndFoldersAlike() throws IOException {
        Path file = TinyGguf.model().write(folder.resolve("some-model.gguf"));
        assertThat(ModelFiles.weights(file).config().name()).isEqualTo("some-model");
        assertThat(ModelFiles.tokenizer(file).vocabSize()).isEqualTo(TinyGguf.TOKENS.size());
        assertThatThrownBy(() -> ModelFiles.weights(folder.resolve("absent")))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("absent: give a Hugging Face folder or a .gguf file");
    }

    /** Whatever is cut off or flipped, opening and using the file works or gives the one exception of damaged files. */
    @Test
    void shouldSurviveRandomDamage() throws IOException {
        byte[] good = TinyGguf.model().toBytes();
        int opened = 0;
        int refused = 0;
        for (int seed = 0; seed < 600; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            byte[] bad = seed % 3 == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
            int flips = seed % 3 == 0 ? 0 : random.nextInt(1, 4);
            for (int i = 0; i < flips; i++) {
                // Most of the file is weights, where damage cannot show; so most flips go to the head.
                int at = random.nextInt(random.nextInt(4) == 0 ? bad.length : 6000);
                bad[at] ^= (byte) (1 << random.nextInt(8));
            }
            Path file = Files.write(folder.resolve("damaged.gguf"), bad);
            try {
                use(file);
                opened++;
            } catch (ModelFormatException | ChatTemplateException e) {
                assertThat(e.getMessage()).as("seed %d", seed).doesNotContain("\n");
                refused++;
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + " gives another exception", e);
            }
        }
        assertThat(opened).isGreaterThan(25);
        assertThat(refused).isGreaterThan(200);
    }

    private static void use(Path file) {
        GgufModel model = GgufModel.open(file, "damaged");
        FloatBuffer row = FloatBuffer.allocate(64);
        model.readRows("model.embed_tokens.weight", 1, 1, row);
        model.readRows("model.layers.1.self_attn.q_proj.weight", 1, 2, row);
        Tokenizer tokenizer = model.tokenizer();
        tokenizer.decode(tokenizer.encode("hello world<|im_end|> 123"));
        tokenizer.chatTemplate().ifPresent(template -> template.render(List.of(new Message("user", "hi")), true));
    }

    private GgufModel open(GgufWriter writer) throws IOException {
        return GgufModel.open(writer.write(folder.resolve("tiny.gguf")), "tiny");
    }

    private AbstractThrowableAssert<?, ?> assertThatOpening(GgufWriter writer) throws IOException {
        Path file = writer.write(folder.resolve("wrong.gguf"));
        return assertThatThrownBy(() -> GgufModel.open(file, "wrong"))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith(file.toString());
    }

    private AbstractThrowableAssert<?, ?> assertThatTokenizer(GgufWriter writer) throws IOException {
        Path file = writer.write(folder.resolve("wrong.gguf"));
        return assertThatThrownBy(() -> GgufModel.tokenizer(file))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageStartingWith(file.toString());
    }
}

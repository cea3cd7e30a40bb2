package io.sluice.runtime.gguf;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** A whole but tiny Llama model as GGUF: 2 layers, hidden 8, 2 query heads and 1 key/value head of 4. */
final class TinyGguf {
    static final int HIDDEN = 8;
    static final int KEYS = 4;
    static final int WIDE = 16;
    static final List<String> TOKENS = tokens();

    private TinyGguf() {}

    static GgufWriter model() {
        GgufWriter file = new GgufWriter()
                .string("general.architecture", "llama")
                .integer("llama.block_count", 2)
                .integer("llama.context_length", 64)
                .integer("llama.embedding_length", HIDDEN)
                .integer("llama.feed_forward_length", WIDE)
                .integer("llama.attention.head_count", 2)
                .integer("llama.attention.head_count_kv", 1)
                .number("llama.rope.freq_base", 10_000)
                .number("llama.attention.layer_norm_rms_epsilon", 1e-5f)
                .string("tokenizer.ggml.model", "gpt2")
                .string("tokenizer.ggml.pre", "smollm")
                .strings("tokenizer.ggml.tokens", TOKENS)
                .integers("tokenizer.ggml.token_type", types())
                .strings("tokenizer.ggml.merges", List.of("h e", "l l", "he ll", "hell o", "\u0120 w"))
                .integer("tokenizer.ggml.bos_token_id", 0)
                .integer("tokenizer.ggml.eos_token_id", 2)
                .flag("tokenizer.ggml.add_bos_token", false)
                .string(
                        "tokenizer.chat_template",
                        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
                                + "{% endfor %}");
        SplittableRandom random = new SplittableRandom(1);
        tensor(file, random, "token_embd.weight", TOKENS.size(), HIDDEN);
        for (int layer = 0; layer < 2; layer++) {
            String block = "blk." + layer + ".";
            tensor(file, random, block + "attn_norm.weight", HIDDEN);
            tensor(file, random, block + "attn_q.weight", HIDDEN, HIDDEN);
            tensor(file, random, block + "attn_k.weight", KEYS, HIDDEN);
            tensor(file, random, block + "attn_v.weight", KEYS, HIDDEN);
            tensor(file, random, block + "attn_output.weight", HIDDEN, HIDDEN);
            tensor(file, random, block + "ffn_norm.weight", HIDDEN);
            tensor(file, random, block + "ffn_gate.weight", WIDE, HIDDEN);
            tensor(file, random, block + "ffn_up.weight", WIDE, HIDDEN);
            tensor(file, random, block + "ffn_down.weight", HIDDEN, WIDE);
        }
        tensor(file, random, "output_norm.weight", HIDDEN);
        return file;
    }

    private static void tensor(GgufWriter file, SplittableRandom random, String name, long... shape) {
        float[] values = new float[(int) (shape.length == 1 ? shape[0] : shape[0] * shape[1])];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextDouble(-1, 1);
        }
        file.tensor(name, shape, values);
    }

    /** Three control tokens, the 256 bytes in their visible spelling, the merged tokens, and one user-defined token. */
    private static List<String> tokens() {
        List<String> tokens = new ArrayList<>(List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"));
        int next = 256;
        for (int value = 0; value < 256; value++) {
            boolean visible =
                    value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xAC || value >= 0xAE && value <= 0xFF;
            tokens.add(String.valueOf((char) (visible ? value : next++)));
        }
        tokens.addAll(List.of("he", "ll", "hell", "hello", "\u0120w", "<user thing>"));
        return List.copyOf(tokens);
    }

    private static int[] types() {
        int[] types = new int[TOKENS.size()];
        Arrays.fill(types, 1);
        types[0] = types[1] = types[2] = 3;
        types[types.length - 1] = 4;
        return types;
    }
}

package io.sluice.runtime.gguf;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Hugging Face's names of the tensors of a Llama-family model, and those a GGUF file gives them. */
final class LlamaTensorNames {
    private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d{1,6})\\.([a-z_]+\\.(?:weight|bias))");
    private static final Map<String, String> WHOLE_MODEL = Map.of(
            "token_embd.weight", "model.embed_tokens.weight",
            "output_norm.weight", "model.norm.weight",
            "output.weight", "lm_head.weight");
    private static final Map<String, String> IN_BLOCK = Map.of(
            "attn_norm", "input_layernorm",
            "attn_q", "self_attn.q_proj",
            "attn_k", "self_attn.k_proj",
            "attn_v", "self_attn.v_proj",
            "attn_output", "self_attn.o_proj",
            "ffn_norm", "post_attention_layernorm",
            "ffn_gate", "mlp.gate_proj",
            "ffn_up", "mlp.up_proj",
            "ffn_down", "mlp.down_proj");

    private LlamaTensorNames() {}

    /** Empty for tensors that are not part of the computation's weights, such as {@code rope_freqs.weight}. */
    static Optional<String> huggingFace(String gguf) {
        Matcher block = BLOCK.matcher(gguf);
        if (!block.matches()) {
            return Optional.ofNullable(WHOLE_MODEL.get(gguf));
        }
        String kind = block.group(2).substring(0, block.group(2).indexOf('.'));
        String suffix = block.group(2).substring(kind.length());
        return Optional.ofNullable(IN_BLOCK.get(kind))
                .map(name -> "model.layers." + Integer.parseInt(block.group(1)) + "." + name + suffix);
    }
}

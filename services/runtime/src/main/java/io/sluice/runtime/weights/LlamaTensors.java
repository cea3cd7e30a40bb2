package io.sluice.runtime.weights;

import io.sluice.core.LayerRange;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFormatException;
import io.sluice.runtime.ModelWeights;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Names and shapes of a Llama-family model's tensors. */
public final class LlamaTensors {
    public static final String EMBEDDING = "model.embed_tokens.weight";
    public static final String FINAL_NORM = "model.norm.weight";
    public static final String HEAD = "lm_head.weight";
    public static final String ATTENTION_NORM = "input_layernorm.weight";
    public static final String QUERY = "self_attn.q_proj.weight";
    public static final String KEY = "self_attn.k_proj.weight";
    public static final String VALUE = "self_attn.v_proj.weight";
    public static final String OUTPUT = "self_attn.o_proj.weight";
    public static final String FEED_FORWARD_NORM = "post_attention_layernorm.weight";
    public static final String GATE = "mlp.gate_proj.weight";
    public static final String UP = "mlp.up_proj.weight";
    public static final String DOWN = "mlp.down_proj.weight";

    private LlamaTensors() {}

    /** Full name of a layer's tensor, for example {@code model.layers.3.mlp.up_proj.weight}. */
    public static String ofLayer(int layer, String name) {
        return "model.layers." + layer + "." + name;
    }

    /** The tensor the head multiplies with: the embedding when the model ties them. */
    public static String head(ModelConfig config) {
        return config.tiedEmbeddings() ? EMBEDDING : HEAD;
    }

    /** Every tensor that a stage with these layers needs, with its shape. */
    public static Map<String, long[]> ofStage(ModelConfig c, LayerRange layers) {
        Map<String, long[]> shapes = new LinkedHashMap<>();
        if (layers.first() == 0) {
            shapes.put(EMBEDDING, new long[] {c.vocabSize(), c.hiddenSize()});
        }
        long query = (long) c.headCount() * c.headDim();
        long keyValue = (long) c.kvHeadCount() * c.headDim();
        for (int l = layers.first(); l < layers.end(); l++) {
            shapes.put(ofLayer(l, ATTENTION_NORM), new long[] {c.hiddenSize()});
            shapes.put(ofLayer(l, QUERY), new long[] {query, c.hiddenSize()});
            shapes.put(ofLayer(l, KEY), new long[] {keyValue, c.hiddenSize()});
            shapes.put(ofLayer(l, VALUE), new long[] {keyValue, c.hiddenSize()});
            shapes.put(ofLayer(l, OUTPUT), new long[] {c.hiddenSize(), query});
            shapes.put(ofLayer(l, FEED_FORWARD_NORM), new long[] {c.hiddenSize()});
            shapes.put(ofLayer(l, GATE), new long[] {c.intermediateSize(), c.hiddenSize()});
            shapes.put(ofLayer(l, UP), new long[] {c.intermediateSize(), c.hiddenSize()});
            shapes.put(ofLayer(l, DOWN), new long[] {c.hiddenSize(), c.intermediateSize()});
        }
        if (layers.end() == c.layerCount()) {
            shapes.put(FINAL_NORM, new long[] {c.hiddenSize()});
            shapes.put(head(c), new long[] {c.vocabSize(), c.hiddenSize()});
        }
        return shapes;
    }

    /** Memory that the weights of one transformer layer take in fp32, bytes. */
    public static long layerBytes(ModelConfig c) {
        long attention = (2L * c.headCount() + 2L * c.kvHeadCount()) * c.headDim() * c.hiddenSize();
        long feedForward = 3L * c.intermediateSize() * c.hiddenSize();
        return Float.BYTES * (attention + feedForward + 2L * c.hiddenSize());
    }

    /** Memory that the final norm and the head take in fp32, beside the last layer, bytes. */
    public static long headBytes(ModelConfig c) {
        return Float.BYTES * (c.vocabSize() + 1L) * c.hiddenSize();
    }

    /** @throws ModelFormatException when a tensor that the stage needs is missing or has another shape */
    public static void require(ModelWeights weights, LayerRange layers) {
        ofStage(weights.config(), layers).forEach((name, expected) -> {
            long[] actual = weights.shape(name);
            if (!Arrays.equals(actual, expected)) {
                throw new ModelFormatException("tensor " + name + " of model "
                        + weights.config().name() + " has shape " + Arrays.toString(actual) + " but its configuration"
                        + " says "
                        + Arrays.toString(expected) + ": weights and configuration belong to different models");
            }
        });
    }
}

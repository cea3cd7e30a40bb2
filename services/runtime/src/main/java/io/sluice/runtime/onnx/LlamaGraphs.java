package io.sluice.runtime.onnx;

import static io.sluice.runtime.onnx.OnnxGraph.FLOAT;
import static io.sluice.runtime.onnx.OnnxGraph.INT32;
import static io.sluice.runtime.onnx.OnnxGraph.MICROSOFT;
import static io.sluice.runtime.onnx.OnnxGraph.STANDARD;

import io.sluice.runtime.ModelConfig;
import java.util.List;
import java.util.Map;

/**
 * The graphs of a Llama-family model. Linear layers keep Hugging Face's {@code [outputs, inputs]} layout and are
 * multiplied transposed, which ONNX Runtime packs at load for its kernels; queries, keys and values are one product.
 */
final class LlamaGraphs {
    /** Names of a layer's and the head's values, the same in every graph. */
    static final String X = "x";

    static final String Y = "y";
    static final String LOGITS = "logits";
    static final String LAST_POSITIONS = "last_positions";
    static final String TOTAL_LENGTH = "total_length";
    static final String PAST_KEYS = "past_keys";
    static final String PAST_VALUES = "past_values";
    static final String KEYS = "keys";
    static final String VALUES = "values";
    static final String QKV = "qkv";
    static final String ATTENDED = "attended";
    static final String COS = "cos";
    static final String SIN = "sin";
    static final String W_QKV = "w_qkv";
    static final String W_OUTPUT = "w_output";
    static final String W_GATE = "w_gate";
    static final String W_UP = "w_up";
    static final String W_DOWN = "w_down";
    static final String W_HEAD = "w_head";

    private LlamaGraphs() {}

    /** Width of the packed query, key and value rows. */
    static long qkvWidth(ModelConfig c) {
        return (c.headCount() + 2L * c.kvHeadCount()) * c.headDim();
    }

    /** Width of the rows that attention gives. */
    static long attentionWidth(ModelConfig c) {
        return (long) c.headCount() * c.headDim();
    }

    /**
     * First half of a transformer layer, {@code x [rows, positions, hidden] -> attended [rows, positions, heads * headDim]},
     * with keys and values of all earlier positions; {@code past_keys} and {@code keys} are one and the same memory.
     * {@code qkv} is what its attention takes, for {@link #attention}.
     *
     * @param ropePositions positions that the rotary tables cover
     */
    static byte[] attend(ModelConfig c, float[] attentionNorm, int ropePositions) {
        OnnxGraph graph = new OnnxGraph()
                .input(X, FLOAT, "rows", "positions", c.hiddenSize())
                .constant("attention_norm", attentionNorm)
                .external(W_QKV, qkvWidth(c), c.hiddenSize());
        norm(graph, c, X, "attention_norm", "normed");
        linear(graph, "normed", W_QKV, QKV);
        attention(graph, c, ropePositions);
        return graph.output(QKV, FLOAT, "rows", "positions", qkvWidth(c)).toModel();
    }

    /** The attention of {@link #attend} alone, {@code qkv [rows, positions, qkvWidth] -> attended}; has no weights. */
    static byte[] attention(ModelConfig c, int ropePositions) {
        OnnxGraph graph = new OnnxGraph().input(QKV, FLOAT, "rows", "positions", qkvWidth(c));
        attention(graph, c, ropePositions);
        return graph.toModel();
    }

    /** Second half of a layer, {@code x, attended -> y [rows, positions, hidden]}; every position by itself. */
    static byte[] feedForward(ModelConfig c, float[] feedForwardNorm) {
        OnnxGraph graph = new OnnxGraph()
                .input(X, FLOAT, "rows", "positions", c.hiddenSize())
                .input(ATTENDED, FLOAT, "rows", "positions", attentionWidth(c))
                .constant("feed_forward_norm", feedForwardNorm)
                .external(W_OUTPUT, c.hiddenSize(), attentionWidth(c))
                .external(W_GATE, c.intermediateSize(), c.hiddenSize())
                .external(W_UP, c.intermediateSize(), c.hiddenSize())
                .external(W_DOWN, c.hiddenSize(), c.intermediateSize());
        linear(graph, ATTENDED, W_OUTPUT, "attention");
        graph.node(
                "SkipSimplifiedLayerNormalization",
                MICROSOFT,
                List.of(X, "attention", "feed_forward_norm"),
                List.of("normed_2", "", "", "residual"),
                Map.of("epsilon", c.normEpsilon()));
        linear(graph, "normed_2", W_GATE, "gate");
        linear(graph, "normed_2", W_UP, "up");
        // QuickGelu with alpha 1 is SiLU: gate * sigmoid(gate).
        graph.node("QuickGelu", MICROSOFT, List.of("gate"), List.of("activated"), Map.of("alpha", 1f));
        graph.node("Mul", STANDARD, List.of("activated", "up"), List.of("gated"), Map.of());
        linear(graph, "gated", W_DOWN, "feed_forward");
        graph.node("Add", STANDARD, List.of("residual", "feed_forward"), List.of(Y), Map.of());
        return graph.output(Y, FLOAT, "rows", "positions", c.hiddenSize()).toModel();
    }

    /** Final norm and some rows of the head's matrix, {@code x [rows, hidden] -> logits [rows, width]}. */
    static byte[] head(ModelConfig c, float[] finalNorm, int width) {
        OnnxGraph graph = new OnnxGraph()
                .input(X, FLOAT, "rows", c.hiddenSize())
                .constant("final_norm", finalNorm)
                .external(W_HEAD, width, c.hiddenSize());
        norm(graph, c, X, "final_norm", "normed");
        linear(graph, "normed", W_HEAD, LOGITS);
        return graph.output(LOGITS, FLOAT, "rows", width).toModel();
    }

    private static void attention(OnnxGraph graph, ModelConfig c, int ropePositions) {
        graph.input(LAST_POSITIONS, INT32, "rows")
                .input(TOTAL_LENGTH, INT32, 1)
                .input(PAST_KEYS, FLOAT, "rows", c.kvHeadCount(), "slot_length", c.headDim())
                .input(PAST_VALUES, FLOAT, "rows", c.kvHeadCount(), "slot_length", c.headDim())
                .external(COS, ropePositions, c.headDim() / 2)
                .external(SIN, ropePositions, c.headDim() / 2)
                .node(
                        "GroupQueryAttention",
                        MICROSOFT,
                        List.of(QKV, "", "", PAST_KEYS, PAST_VALUES, LAST_POSITIONS, TOTAL_LENGTH, COS, SIN),
                        List.of(ATTENDED, KEYS, VALUES),
                        Map.of("num_heads", c.headCount(), "kv_num_heads", c.kvHeadCount(), "do_rotary", 1))
                .output(ATTENDED, FLOAT, "rows", "positions", attentionWidth(c))
                .output(KEYS, FLOAT, "rows", c.kvHeadCount(), "slot_length", c.headDim())
                .output(VALUES, FLOAT, "rows", c.kvHeadCount(), "slot_length", c.headDim());
    }

    private static void norm(OnnxGraph graph, ModelConfig c, String from, String scale, String to) {
        graph.node(
                "SimplifiedLayerNormalization",
                STANDARD,
                List.of(from, scale),
                List.of(to),
                Map.of("axis", -1, "epsilon", c.normEpsilon()));
    }

    private static void linear(OnnxGraph graph, String from, String weight, String to) {
        graph.node("FusedMatMul", MICROSOFT, List.of(from, weight), List.of(to), Map.of("transB", 1));
    }
}

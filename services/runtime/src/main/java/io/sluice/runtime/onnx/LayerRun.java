package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import ai.onnxruntime.OnnxValue;
import io.sluice.core.LayerRange;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Passes the hidden states in {@link HiddenBuffers#first} through layers, one after the other. Attention over one
 * position adds in another order than over several at once; norms, projections and the feed-forward network give every
 * row the same bits whatever stands beside it. So {@link #steps} gives the bits of decode steps at nearly the speed of
 * a prefill. Not thread-safe.
 */
final class LayerRun implements AutoCloseable {
    private final HiddenBuffers buffers;
    private final LayerSet layers;
    private final LayerSession attention;
    private final Map<String, OnnxTensorLike> attendInputs = new HashMap<>();
    private final Map<String, OnnxValue> attendOutputs = new HashMap<>();
    private final Map<String, OnnxTensorLike> stepInputs = new HashMap<>();
    private final Map<String, OnnxValue> stepOutputs = new HashMap<>();

    /** @param attention of any layer, without projections; closed with this */
    LayerRun(HiddenBuffers buffers, LayerSet layers, LayerSession attention) {
        this.buffers = buffers;
        this.layers = layers;
        this.attention = attention;
        attendInputs.put(LlamaGraphs.TOTAL_LENGTH, buffers.total());
        stepInputs.put(LlamaGraphs.TOTAL_LENGTH, buffers.total());
    }

    /**
     * Layers {@code run} over all rows and positions at once.
     *
     * @param range of the view, which contains {@code run}
     * @param longest most positions that a row has afterwards
     * @return the buffer that holds the last layer's output
     */
    FloatBuffer together(HiddenBuffers.Shape shape, LayerRange run, LayerRange range, int longest, KvPool.View view) {
        attendOutputs.put(LlamaGraphs.ATTENDED, shape.attended());
        buffers.setTotal(longest);
        OnnxTensor from = shape.first();
        OnnxTensor to = shape.second();
        for (int layer = run.first(); layer < run.end(); layer++) {
            attend(shape, from, layer, view, layer - range.first());
            feedForward(shape, from, to, layer);
            OnnxTensor swap = from;
            from = to;
            to = swap;
        }
        return from == shape.first() ? buffers.first() : buffers.second();
    }

    /**
     * As {@link #together}, of one row whose positions see each other as decode steps would.
     *
     * @param shape of one row
     * @param position the first one
     * @param count positions in the row
     */
    FloatBuffer steps(
            HiddenBuffers.Shape shape, LayerRange run, LayerRange range, int position, int count, KvPool.View view) {
        attendOutputs.put(LlamaGraphs.ATTENDED, shape.attended());
        OnnxTensor from = shape.first();
        OnnxTensor to = shape.second();
        try (StepBuffers steps = buffers.steps(count)) {
            attendOutputs.put(LlamaGraphs.QKV, steps.qkv());
            stepInputs.put(LlamaGraphs.LAST_POSITIONS, steps.lastPosition());
            for (int layer = run.first(); layer < run.end(); layer++) {
                int i = layer - range.first();
                buffers.setTotal(position + count);
                attend(shape, from, layer, view, i);
                put(stepInputs, stepOutputs, view, i);
                for (int step = 0; step < count; step++) {
                    steps.setLastPosition(position + step);
                    buffers.setTotal(position + step + 1);
                    stepInputs.put(LlamaGraphs.QKV, steps.qkv(step));
                    stepOutputs.put(LlamaGraphs.ATTENDED, steps.attended(step));
                    attention.run(stepInputs, stepOutputs);
                }
                feedForward(shape, from, to, layer);
                OnnxTensor swap = from;
                from = to;
                to = swap;
            }
        } finally {
            attendOutputs.remove(LlamaGraphs.QKV);
        }
        return from == shape.first() ? buffers.first() : buffers.second();
    }

    @Override
    public void close() {
        attention.close();
    }

    private void attend(HiddenBuffers.Shape shape, OnnxTensor x, int layer, KvPool.View view, int i) {
        attendInputs.put(LlamaGraphs.X, x);
        attendInputs.put(LlamaGraphs.LAST_POSITIONS, shape.lastPositions());
        put(attendInputs, attendOutputs, view, i);
        layers.layer(layer).attend().run(attendInputs, attendOutputs);
    }

    private void feedForward(HiddenBuffers.Shape shape, OnnxTensor x, OnnxTensor y, int layer) {
        layers.layer(layer)
                .feedForward()
                .run(Map.of(LlamaGraphs.X, x, LlamaGraphs.ATTENDED, shape.attended()), Map.of(LlamaGraphs.Y, y));
    }

    private static void put(
            Map<String, OnnxTensorLike> inputs, Map<String, OnnxValue> outputs, KvPool.View view, int i) {
        inputs.put(LlamaGraphs.PAST_KEYS, view.keys()[i]);
        inputs.put(LlamaGraphs.PAST_VALUES, view.values()[i]);
        outputs.put(LlamaGraphs.KEYS, view.keys()[i]);
        outputs.put(LlamaGraphs.VALUES, view.values()[i]);
    }
}

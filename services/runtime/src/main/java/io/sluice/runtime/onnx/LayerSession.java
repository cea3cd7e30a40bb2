package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.OffHeap;
import io.sluice.runtime.weights.LlamaTensors;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** One ONNX Runtime session, of a transformer layer or of the head, with its weights. Not thread-safe. */
final class LayerSession implements AutoCloseable {
    private final OrtSession session;
    private final List<ByteBuffer> kept;

    private LayerSession(OrtSession session, List<ByteBuffer> kept) {
        this.session = session;
        this.kept = kept;
    }

    /** Loads the first half of transformer layer {@code layer}; {@code rope} must outlive the session. */
    static LayerSession attend(
            OnnxEngine engine, ModelWeights weights, int layer, RopeTables rope, WeightStaging staging) {
        ModelConfig c = weights.config();
        byte[] model = LlamaGraphs.attend(
                c, vector(weights, LlamaTensors.ofLayer(layer, LlamaTensors.ATTENTION_NORM)), rope.positions());
        List<String> qkv = List.of(
                LlamaTensors.ofLayer(layer, LlamaTensors.QUERY),
                LlamaTensors.ofLayer(layer, LlamaTensors.KEY),
                LlamaTensors.ofLayer(layer, LlamaTensors.VALUE));
        staging.matrix(LlamaGraphs.W_QKV, qkv, LlamaGraphs.qkvWidth(c), c.hiddenSize());
        OrtSession session = open(engine, model, staging.tensors(), shared(rope));
        return new LayerSession(session, staging.handOver(() -> probeAttend(engine, session, c)));
    }

    /** Loads attention without projections, the same for all layers; {@code rope} must outlive the session. */
    static LayerSession attention(OnnxEngine engine, ModelConfig c, RopeTables rope) {
        return new LayerSession(
                open(engine, LlamaGraphs.attention(c, rope.positions()), Map.of(), shared(rope)), List.of());
    }

    /** Loads the second half of transformer layer {@code layer}. */
    static LayerSession feedForward(OnnxEngine engine, ModelWeights weights, int layer, WeightStaging staging) {
        ModelConfig c = weights.config();
        byte[] model = LlamaGraphs.feedForward(
                c, vector(weights, LlamaTensors.ofLayer(layer, LlamaTensors.FEED_FORWARD_NORM)));
        long width = LlamaGraphs.attentionWidth(c);
        matrix(staging, LlamaGraphs.W_OUTPUT, layer, LlamaTensors.OUTPUT, c.hiddenSize(), width);
        matrix(staging, LlamaGraphs.W_GATE, layer, LlamaTensors.GATE, c.intermediateSize(), c.hiddenSize());
        matrix(staging, LlamaGraphs.W_UP, layer, LlamaTensors.UP, c.intermediateSize(), c.hiddenSize());
        matrix(staging, LlamaGraphs.W_DOWN, layer, LlamaTensors.DOWN, c.hiddenSize(), c.intermediateSize());
        OrtSession session = open(engine, model, staging.tensors(), Map.of());
        return new LayerSession(session, staging.handOver(() -> probeFeedForward(engine, session, c)));
    }

    /** Loads final norm and the head over {@code rows} of the vocabulary. */
    static LayerSession head(OnnxEngine engine, ModelWeights weights, int firstRow, int rows, WeightStaging staging) {
        ModelConfig c = weights.config();
        byte[] model = LlamaGraphs.head(c, vector(weights, LlamaTensors.FINAL_NORM), rows);
        staging.matrix(LlamaGraphs.W_HEAD, LlamaTensors.head(c), firstRow, rows, c.hiddenSize());
        OrtSession session = open(engine, model, staging.tensors(), Map.of());
        return new LayerSession(session, staging.handOver(() -> probeHead(engine, session, c, rows)));
    }

    /** Bytes of weights that ONNX Runtime reads from our memory instead of a packed copy. */
    long keptBytes() {
        return kept.stream().mapToLong(ByteBuffer::capacity).sum();
    }

    /** Runs with all outputs pinned, so that nothing is allocated for them. */
    void run(Map<String, OnnxTensorLike> inputs, Map<String, OnnxValue> outputs) {
        run(session, inputs, outputs);
    }

    @Override
    public void close() {
        try {
            session.close();
        } catch (OrtException e) {
            throw OnnxEngine.failed("close a session", e);
        } finally {
            kept.forEach(OffHeap::free);
        }
    }

    private static void run(OrtSession session, Map<String, OnnxTensorLike> inputs, Map<String, OnnxValue> outputs) {
        try {
            session.run(inputs, Set.of(), outputs).close();
        } catch (OrtException e) {
            throw OnnxEngine.failed("run a layer", e);
        }
    }

    private static OrtSession open(
            OnnxEngine engine, byte[] model, Map<String, OnnxTensorLike> weights, Map<String, OnnxTensorLike> shared) {
        try (OrtSession.SessionOptions options = engine.sessionOptions()) {
            if (!weights.isEmpty()) {
                options.addExternalInitializers(weights);
            }
            if (!shared.isEmpty()) {
                options.addExternalInitializers(shared);
            }
            return engine.environment().createSession(model, options);
        } catch (OrtException e) {
            throw OnnxEngine.failed("load a layer", e);
        }
    }

    private static Map<String, OnnxTensorLike> shared(RopeTables rope) {
        return Map.of(LlamaGraphs.COS, rope.cos(), LlamaGraphs.SIN, rope.sin());
    }

    private static void matrix(
            WeightStaging staging, String name, int layer, String source, long outputs, long inputs) {
        staging.matrix(name, List.of(LlamaTensors.ofLayer(layer, source)), outputs, inputs);
    }

    private static float[] vector(ModelWeights weights, String name) {
        float[] values = new float[Math.toIntExact(weights.shape(name)[0])];
        weights.read(name, FloatBuffer.wrap(values));
        return values;
    }

    private static boolean probeAttend(OnnxEngine engine, OrtSession session, ModelConfig c) {
        try (Probe probe = new Probe(engine)) {
            long[] kv = {1, c.kvHeadCount(), 1, c.headDim()};
            Map<String, OnnxTensorLike> in = new LinkedHashMap<>();
            in.put(LlamaGraphs.X, probe.floats(1, 1, c.hiddenSize()));
            in.put(LlamaGraphs.LAST_POSITIONS, probe.one(0));
            in.put(LlamaGraphs.TOTAL_LENGTH, probe.one(1));
            in.put(LlamaGraphs.PAST_KEYS, probe.floats(kv));
            in.put(LlamaGraphs.PAST_VALUES, probe.floats(kv));
            run(
                    session,
                    in,
                    Map.of(
                            LlamaGraphs.ATTENDED,
                            probe.floats(1, 1, LlamaGraphs.attentionWidth(c)),
                            LlamaGraphs.QKV,
                            probe.floats(1, 1, LlamaGraphs.qkvWidth(c)),
                            LlamaGraphs.KEYS,
                            (OnnxTensor) in.get(LlamaGraphs.PAST_KEYS),
                            LlamaGraphs.VALUES,
                            (OnnxTensor) in.get(LlamaGraphs.PAST_VALUES)));
            return probe.finite();
        }
    }

    private static boolean probeFeedForward(OnnxEngine engine, OrtSession session, ModelConfig c) {
        try (Probe probe = new Probe(engine)) {
            Map<String, OnnxTensorLike> in = Map.of(
                    LlamaGraphs.X, probe.floats(1, 1, c.hiddenSize()),
                    LlamaGraphs.ATTENDED, probe.floats(1, 1, LlamaGraphs.attentionWidth(c)));
            run(session, in, Map.of(LlamaGraphs.Y, probe.floats(1, 1, c.hiddenSize())));
            return probe.finite();
        }
    }

    private static boolean probeHead(OnnxEngine engine, OrtSession session, ModelConfig c, int rows) {
        try (Probe probe = new Probe(engine)) {
            Map<String, OnnxTensorLike> in = Map.of(LlamaGraphs.X, probe.floats(1, c.hiddenSize()));
            run(session, in, Map.of(LlamaGraphs.LOGITS, probe.floats(1, rows)));
            return probe.finite();
        }
    }

    /** Small zeroed tensors of one trial run. */
    private static final class Probe implements AutoCloseable {
        private final OnnxEngine engine;
        private final List<ByteBuffer> buffers = new ArrayList<>();
        private final List<OnnxTensor> tensors = new ArrayList<>();

        Probe(OnnxEngine engine) {
            this.engine = engine;
        }

        OnnxTensor floats(long... shape) {
            long elements = 1;
            for (long dimension : shape) {
                elements *= dimension;
            }
            buffers.add(OffHeap.allocate(elements * Float.BYTES));
            tensors.add(engine.floats(buffers.getLast(), shape));
            return tensors.getLast();
        }

        OnnxTensor one(int value) {
            buffers.add(OffHeap.allocate(Integer.BYTES).putInt(0, value));
            tensors.add(engine.ints(buffers.getLast(), 1));
            return tensors.getLast();
        }

        /** Whether no tensor, inputs and KV cache included, holds a NaN. */
        boolean finite() {
            for (ByteBuffer buffer : buffers) {
                FloatBuffer floats = buffer.asFloatBuffer();
                while (floats.hasRemaining()) {
                    if (Float.isNaN(floats.get())) {
                        return false;
                    }
                }
            }
            return true;
        }

        @Override
        public void close() {
            tensors.forEach(OnnxTensor::close);
            buffers.forEach(OffHeap::free);
        }
    }
}

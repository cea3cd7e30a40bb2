package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import ai.onnxruntime.OnnxValue;
import io.sluice.core.LayerRange;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.weights.LlamaTensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link StageRunner} on ONNX Runtime's CPU kernels, fp32. One session per layer; keys and values are written in
 * place by GroupQueryAttention. The kernels compute every row of a batch in the same order whatever stands beside it,
 * so batching changes no bit; running one position at a time differs from running several at once in the last bits, so
 * prompts must be cut into the same kind of chunks ({@link io.sluice.runtime.PromptChunks}) to be reproducible.
 *
 * <p>Not thread-safe. The weights must stay open while a runner that holds layer 0 lives: it looks embeddings up in
 * them.
 */
public final class OnnxStageRunner implements StageRunner {
    private static final Logger log = LoggerFactory.getLogger(OnnxStageRunner.class);

    private final ModelWeights weights;
    private final ModelConfig config;
    private final LayerRange layers;
    private final KvCache cache;
    private final HiddenBuffers buffers;
    private final StageBatchCheck check;
    private final Map<String, OnnxTensorLike> inputs = new HashMap<>();
    private final Map<String, OnnxValue> outputs = new HashMap<>();
    private final List<LayerSession> sessions = new ArrayList<>();
    private RopeTables rope;
    private LogitsHead head;
    private ByteBuffer hiddenOut = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
    private boolean closed;

    private OnnxStageRunner(ModelWeights weights, LayerRange layers, RuntimeOptions options) {
        this.weights = weights;
        this.config = weights.config();
        this.layers = layers;
        if (layers.end() > config.layerCount()) {
            throw new IllegalArgumentException("layers " + layers + " are outside the " + config.layerCount()
                    + " layers of model " + config.name());
        }
        LlamaTensors.require(weights, layers);
        OnnxEngine engine = OnnxEngine.get(options.threads(), options.spinning());
        cache = new KvCache(engine, config, layers.size(), options.kvBudgetBytes());
        check = new StageBatchCheck(config, layers, cache);
        buffers = new HiddenBuffers(engine, config.hiddenSize());
        try {
            load(engine);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /**
     * Loads the layers; about as much memory as their weights in fp32 is used, and of the head's when the last layer is
     * among them.
     *
     * @throws io.sluice.runtime.ModelFormatException when tensors are missing or have the wrong shape
     * @throws IllegalArgumentException when the model has no such layers or the KV budget is too small
     */
    public static OnnxStageRunner open(ModelWeights weights, LayerRange layers, RuntimeOptions options) {
        return new OnnxStageRunner(weights, layers, options);
    }

    @Override
    public ModelConfig model() {
        return config;
    }

    @Override
    public LayerRange layers() {
        return layers;
    }

    @Override
    public long kvCapacityTokens() {
        return cache.capacityTokens();
    }

    @Override
    public long kvReservedTokens() {
        return cache.reservedTokens();
    }

    /** Bytes of KV cache allocated now, free slots included; at most the budget. */
    public long kvAllocatedBytes() {
        return cache.allocatedBytes();
    }

    @Override
    public Optional<KvSlot> reserve(int tokens) {
        requireOpen();
        return cache.reserve(tokens).map(slot -> slot);
    }

    @Override
    public void release(KvSlot slot) {
        requireOpen();
        cache.release(check.ours(slot));
    }

    @Override
    public List<StageOutput> run(List<StageInput> batch) {
        requireOpen();
        check.require(batch);
        OutputPlan plan = new OutputPlan(batch);
        for (RowGroup group : RowGroup.of(batch)) {
            runRows(batch, group, plan);
        }
        for (int i = 0; i < batch.size(); i++) {
            if (batch.get(i).count() > 1) {
                runPositions(batch.get(i), i, plan);
            }
        }
        if (plan.logitRows > 0) {
            head.run(plan.logitRows);
        }
        return plan.collect();
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        sessions.forEach(LayerSession::close);
        if (head != null) {
            head.close();
        }
        if (rope != null) {
            rope.close();
        }
        cache.close();
        buffers.close();
    }

    private void load(OnnxEngine engine) {
        long start = System.nanoTime();
        rope = new RopeTables(engine, config, cache.positionsMax());
        long keptBytes = 0;
        try (WeightStaging staging = new WeightStaging(engine, weights)) {
            for (int layer = layers.first(); layer < layers.end(); layer++) {
                sessions.add(LayerSession.layer(engine, weights, layer, rope, staging));
                keptBytes += sessions.getLast().keptBytes();
            }
        }
        if (isLast()) {
            head = new LogitsHead(engine, weights);
            keptBytes += head.keptBytes();
        }
        inputs.put(LlamaGraphs.TOTAL_LENGTH, buffers.total());
        log.info(
                "event=stage_loaded model={} layers={} kv_tokens={} unpacked_weight_bytes={} millis={}",
                config.name(),
                layers,
                cache.capacityTokens(),
                keptBytes,
                (System.nanoTime() - start) / 1_000_000);
    }

    /** One position of each of several sessions. */
    private void runRows(List<StageInput> batch, RowGroup group, OutputPlan plan) {
        HiddenBuffers.Shape shape = buffers.shape(group.rows(), 1);
        FloatBuffer x = buffers.first();
        IntBuffer lastPositions = buffers.lastPositions();
        int longest = 0;
        for (int row = 0; row < group.rows(); row++) {
            int index = group.inputs()[row];
            CacheSlot slot = group.pool().at(group.firstRow() + row);
            int position;
            if (index == RowGroup.IDLE) {
                fillZero(x, row);
                position = slot == null ? 0 : slot.idlePosition();
            } else {
                fill(x, row, batch.get(index));
                position = slot.length();
            }
            lastPositions.put(row, position);
            longest = Math.max(longest, position + 1);
        }
        KvPool.View view = group.pool().view(group.firstRow(), group.rows());
        FloatBuffer y = runLayers(shape, group.enterLayer(), longest, view);
        for (int row = 0; row < group.rows(); row++) {
            int index = group.inputs()[row];
            if (index != RowGroup.IDLE) {
                plan.take(index, y, row);
                group.pool().at(group.firstRow() + row).advance(1);
            }
        }
    }

    /** Several positions of one session. */
    private void runPositions(StageInput input, int index, OutputPlan plan) {
        CacheSlot slot = (CacheSlot) input.slot();
        HiddenBuffers.Shape shape = buffers.shape(1, input.count());
        fill(buffers.first(), 0, input);
        int length = input.position() + input.count();
        buffers.lastPositions().put(0, length - 1);
        FloatBuffer y = runLayers(shape, input.enterLayer(), length, slot.pool().view(slot.row(), 1));
        plan.take(index, y, 0);
        slot.advance(input.count());
    }

    /** Returns the buffer that holds the last layer's output. */
    private FloatBuffer runLayers(HiddenBuffers.Shape shape, int enterLayer, int longest, KvPool.View view) {
        buffers.setTotal(longest);
        inputs.put(LlamaGraphs.LAST_POSITIONS, shape.lastPositions());
        OnnxTensor from = shape.first();
        OnnxTensor to = shape.second();
        for (int i = enterLayer - layers.first(); i < sessions.size(); i++) {
            inputs.put(LlamaGraphs.X, from);
            inputs.put(LlamaGraphs.PAST_KEYS, view.keys()[i]);
            inputs.put(LlamaGraphs.PAST_VALUES, view.values()[i]);
            outputs.put(LlamaGraphs.Y, to);
            outputs.put(LlamaGraphs.KEYS, view.keys()[i]);
            outputs.put(LlamaGraphs.VALUES, view.values()[i]);
            sessions.get(i).run(inputs, outputs);
            OnnxTensor swap = from;
            from = to;
            to = swap;
        }
        return from == shape.first() ? buffers.first() : buffers.second();
    }

    private void fill(FloatBuffer x, int row, StageInput input) {
        int offset = row * config.hiddenSize();
        if (input.hidden() != null) {
            x.put(offset, input.hidden(), input.hidden().position(), input.count() * config.hiddenSize());
            return;
        }
        x.position(offset);
        for (int i = 0; i < input.count(); i++) {
            weights.readRows(LlamaTensors.EMBEDDING, input.tokenIds()[i], 1, x);
        }
    }

    private void fillZero(FloatBuffer x, int row) {
        for (int i = row * config.hiddenSize(); i < (row + 1) * config.hiddenSize(); i++) {
            x.put(i, 0f);
        }
    }

    private boolean isLast() {
        return layers.end() == config.layerCount();
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the runner of layers " + layers + " is closed");
        }
    }

    /** Where the results of one batch go: hidden states one after the other, or rows of the head. */
    private final class OutputPlan {
        private final List<StageInput> batch;
        /** Per input the first position of its hidden states, or the row of its logits, or -1. */
        private final int[] places;

        private final FloatBuffer hidden;
        private int logitRows;

        OutputPlan(List<StageInput> batch) {
            this.batch = batch;
            places = new int[batch.size()];
            int positions = 0;
            for (int i = 0; i < places.length; i++) {
                StageInput input = batch.get(i);
                if (isLast()) {
                    places[i] = input.needLogits() ? logitRows++ : -1;
                } else {
                    places[i] = positions;
                    positions += input.count();
                }
            }
            if (isLast()) {
                hidden = head.input(logitRows);
            } else {
                int bytes = Math.multiplyExact(positions * config.hiddenSize(), Float.BYTES);
                if (bytes > hiddenOut.capacity()) {
                    // Left to the garbage collector: the caller may still hold results of the last batch.
                    hiddenOut = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
                }
                hidden = hiddenOut.asFloatBuffer();
            }
        }

        /** Takes the result of an input that starts at {@code row} of {@code y}. */
        void take(int index, FloatBuffer y, int row) {
            int size = config.hiddenSize();
            int count = batch.get(index).count();
            if (!isLast()) {
                hidden.put(places[index] * size, y, row * size, count * size);
            } else if (places[index] >= 0) {
                hidden.put(places[index] * size, y, (row + count - 1) * size, size);
            }
        }

        List<StageOutput> collect() {
            List<StageOutput> results = new ArrayList<>(places.length);
            for (int i = 0; i < places.length; i++) {
                if (!isLast()) {
                    int size = config.hiddenSize();
                    results.add(new StageOutput(
                            hidden.slice(places[i] * size, batch.get(i).count() * size), null));
                } else {
                    results.add(new StageOutput(null, places[i] < 0 ? null : head.logits(places[i])));
                }
            }
            return results;
        }
    }
}

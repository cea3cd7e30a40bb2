package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelWeights;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Final norm and head of the last stage, run only over the rows whose logits are wanted. The head runs in parts, each a
 * range of the vocabulary with a session of its own ({@link HeadParts}), so that a batch may rest between two of them; all
 * batches run the same parts, whether they rest or not. Of heads that compute on their callers' threads several batches may
 * run parts at once, each with rows of its own.
 */
final class LogitsHead implements AutoCloseable {
    private final OnnxEngine engine;
    private final HeadParts parts;
    private final List<LayerSession> sessions = new ArrayList<>();
    private final int hiddenSize;
    private final HeadBuffers buffers;

    /** @param buffers shared by heads whose batches may go on at one another */
    LogitsHead(OnnxEngine engine, ModelWeights weights, HeadParts parts, HeadBuffers buffers) {
        this.engine = engine;
        this.parts = parts;
        this.buffers = buffers;
        ModelConfig config = weights.config();
        hiddenSize = config.hiddenSize();
        try {
            int alike = config.vocabSize() / parts.width();
            load(weights, 0, alike);
            load(weights, alike, parts.count());
            if (parts.count() > 1) {
                // Copies of parts, unlike one of a whole head, may be left in the C library's heap when they are
                // packed.
                NativeHeap.trim();
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /** Parts {@code [from, to)}, which have the same width. */
    private void load(ModelWeights weights, int from, int to) {
        try (WeightStaging staging = new WeightStaging(engine, weights)) {
            for (int part = from; part < to; part++) {
                sessions.add(LayerSession.head(engine, weights, parts.first(part), parts.size(part), staging));
            }
        }
    }

    long keptBytes() {
        return sessions.stream().mapToLong(LayerSession::keptBytes).sum();
    }

    /** How many parts there are. */
    int parts() {
        return parts.count();
    }

    /** Buffers for {@code rows} rows, of which no part has run. */
    HeadRows begin(int rows) {
        return buffers.take(rows);
    }

    /** Runs the next part. */
    void advance(HeadRows rows) {
        int part = rows.partsDone();
        int first = parts.first(part);
        int size = parts.size(part);
        int count = rows.rows();
        ByteBuffer to = count == 1 ? rows.logitBytes(first, size) : rows.partBytes(parts.width(), size);
        try (OnnxTensor x = engine.floats(rows.inputBytes(), count, hiddenSize);
                OnnxTensor y = engine.floats(to, count, size)) {
            sessions.get(part).run(Map.of(LlamaGraphs.X, x), Map.of(LlamaGraphs.LOGITS, y));
        }
        if (count > 1) {
            rows.take(to.asFloatBuffer(), first, size);
        }
        rows.partDone();
    }

    /** Takes back the buffers of a batch that has ended: their logits may be read until another one ends here. */
    void end(HeadRows rows) {
        buffers.giveBack(rows);
    }

    @Override
    public void close() {
        sessions.forEach(LayerSession::close);
    }
}

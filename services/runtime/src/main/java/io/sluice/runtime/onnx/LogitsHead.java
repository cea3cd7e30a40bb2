package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelWeights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;

/** Final norm and head of the last stage, run only over the rows whose logits are wanted. Not thread-safe. */
final class LogitsHead implements AutoCloseable {
    private final OnnxEngine engine;
    private final LayerSession session;
    private final int hiddenSize;
    private final int vocabSize;
    private ByteBuffer hidden = managed(0);
    private ByteBuffer logits = managed(0);
    private int rowsMax;

    LogitsHead(OnnxEngine engine, ModelWeights weights) {
        this.engine = engine;
        ModelConfig config = weights.config();
        hiddenSize = config.hiddenSize();
        vocabSize = config.vocabSize();
        session = LayerSession.head(engine, weights);
    }

    long keptBytes() {
        return session.keptBytes();
    }

    /** Where to put {@code rows} rows of hidden state before {@link #run}. */
    FloatBuffer input(int rows) {
        if (rows > rowsMax) {
            // The old logits are left to the garbage collector: the caller may still hold them.
            hidden = managed(rows * hiddenSize);
            logits = managed(rows * vocabSize);
            rowsMax = rows;
        }
        return hidden.asFloatBuffer();
    }

    void run(int rows) {
        try (OnnxTensor x = engine.floats(part(hidden, rows * hiddenSize), rows, hiddenSize);
                OnnxTensor y = engine.floats(part(logits, rows * vocabSize), rows, vocabSize)) {
            session.run(Map.of(LlamaGraphs.X, x), Map.of(LlamaGraphs.LOGITS, y));
        }
    }

    /** Logits of one row of the last {@link #run}, {@code [vocabSize]}. */
    FloatBuffer logits(int row) {
        return logits.asFloatBuffer().slice(row * vocabSize, vocabSize);
    }

    @Override
    public void close() {
        session.close();
    }

    private static ByteBuffer managed(int floats) {
        return ByteBuffer.allocateDirect(Math.multiplyExact(floats, Float.BYTES))
                .order(ByteOrder.nativeOrder());
    }

    private static ByteBuffer part(ByteBuffer buffer, int elements) {
        return buffer.slice(0, elements * Float.BYTES).order(ByteOrder.nativeOrder());
    }
}

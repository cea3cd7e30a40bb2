package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.OffHeap;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Inputs and outputs of the layers, kept from step to step: two hidden-state buffers that layers read and write by
 * turns, one for what attention gives, the rows' last positions and the longest length. They grow with the largest
 * batch seen. Not thread-safe.
 */
final class HiddenBuffers implements AutoCloseable {
    private static final int SHAPES_MAX = 64;

    private final OnnxEngine engine;
    private final int hiddenSize;
    private final int attentionWidth;
    private final int qkvWidth;
    private final ByteBuffer totalBuffer = OffHeap.allocate(Integer.BYTES);
    private final OnnxTensor total;
    private final Map<Long, Shape> shapes = new LinkedHashMap<>(16, 0.75f, true);
    private ByteBuffer first;
    private ByteBuffer second;
    private ByteBuffer attended;
    private ByteBuffer positionBuffer;

    /** Tensors of one batch shape. */
    record Shape(OnnxTensor first, OnnxTensor second, OnnxTensor attended, OnnxTensor lastPositions) {}

    HiddenBuffers(OnnxEngine engine, ModelConfig config) {
        this.engine = engine;
        hiddenSize = config.hiddenSize();
        attentionWidth = Math.toIntExact(LlamaGraphs.attentionWidth(config));
        qkvWidth = Math.toIntExact(LlamaGraphs.qkvWidth(config));
        total = engine.ints(totalBuffer, 1);
        allocate(1);
    }

    /** Tensors for {@code rows} rows of {@code positions} positions; fill the buffers afterwards, they may be new. */
    Shape shape(int rows, int positions) {
        int needed = Math.multiplyExact(rows, positions);
        if (needed > positionBuffer.capacity() / Integer.BYTES) {
            free();
            allocate(Math.max(needed, Integer.highestOneBit(needed) << 1));
        }
        long key = (long) rows << 32 | positions;
        Shape shape = shapes.get(key);
        if (shape == null) {
            if (shapes.size() == SHAPES_MAX) {
                var eldest = shapes.entrySet().iterator();
                close(eldest.next().getValue());
                eldest.remove();
            }
            shape = new Shape(
                    engine.floats(part(first, needed * hiddenSize), rows, positions, hiddenSize),
                    engine.floats(part(second, needed * hiddenSize), rows, positions, hiddenSize),
                    engine.floats(part(attended, needed * attentionWidth), rows, positions, attentionWidth),
                    engine.ints(part(positionBuffer, rows), rows));
            shapes.put(key, shape);
        }
        return shape;
    }

    /** The buffer of {@link Shape#first}, whole. */
    FloatBuffer first() {
        return first.asFloatBuffer();
    }

    FloatBuffer second() {
        return second.asFloatBuffer();
    }

    IntBuffer lastPositions() {
        return positionBuffer.asIntBuffer();
    }

    OnnxTensor total() {
        return total;
    }

    void setTotal(int positions) {
        totalBuffer.putInt(0, positions);
    }

    /**
     * Queries, keys and values of {@code positions} positions of one session, and where their attention goes; valid
     * until the next call of {@link #shape}, to be closed before.
     */
    StepBuffers steps(int positions) {
        return new StepBuffers(engine, attended, positions, qkvWidth, attentionWidth);
    }

    @Override
    public void close() {
        free();
        total.close();
        OffHeap.free(totalBuffer);
    }

    private void allocate(int positions) {
        first = OffHeap.allocate((long) positions * hiddenSize * Float.BYTES);
        second = OffHeap.allocate((long) positions * hiddenSize * Float.BYTES);
        attended = OffHeap.allocate((long) positions * attentionWidth * Float.BYTES);
        positionBuffer = OffHeap.allocate((long) positions * Integer.BYTES);
    }

    private void free() {
        shapes.values().forEach(HiddenBuffers::close);
        shapes.clear();
        OffHeap.free(first);
        OffHeap.free(second);
        OffHeap.free(attended);
        OffHeap.free(positionBuffer);
    }

    private static ByteBuffer part(ByteBuffer buffer, int elements) {
        return buffer.slice(0, elements * Float.BYTES).order(ByteOrder.nativeOrder());
    }

    private static void close(Shape shape) {
        shape.first().close();
        shape.second().close();
        shape.attended().close();
        shape.lastPositions().close();
    }
}

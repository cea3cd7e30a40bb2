package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import io.sluice.runtime.OffHeap;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What attention takes and gives when it goes over some positions of a session one by one. Not thread-safe. */
final class StepBuffers implements AutoCloseable {
    private final ByteBuffer buffer;
    private final ByteBuffer last = OffHeap.allocate(Integer.BYTES);
    private final OnnxTensor lastPosition;
    private final OnnxTensor all;
    private final OnnxTensor[] qkv;
    private final OnnxTensor[] attended;

    /** @param attendedBuffer rows of all positions, one after the other */
    StepBuffers(OnnxEngine engine, ByteBuffer attendedBuffer, int positions, int qkvWidth, int attentionWidth) {
        buffer = OffHeap.allocate((long) positions * qkvWidth * Float.BYTES);
        lastPosition = engine.ints(last, 1);
        all = engine.floats(buffer, 1, positions, qkvWidth);
        qkv = rows(engine, buffer, positions, qkvWidth);
        attended = rows(engine, attendedBuffer, positions, attentionWidth);
    }

    /** All positions, {@code [1, positions, qkvWidth]}. */
    OnnxTensor qkv() {
        return all;
    }

    /** One position, {@code [1, 1, qkvWidth]}. */
    OnnxTensor qkv(int i) {
        return qkv[i];
    }

    OnnxTensor attended(int i) {
        return attended[i];
    }

    OnnxTensor lastPosition() {
        return lastPosition;
    }

    void setLastPosition(int position) {
        last.putInt(0, position);
    }

    @Override
    public void close() {
        for (int i = 0; i < qkv.length; i++) {
            qkv[i].close();
            attended[i].close();
        }
        all.close();
        lastPosition.close();
        OffHeap.free(buffer);
        OffHeap.free(last);
    }

    private static OnnxTensor[] rows(OnnxEngine engine, ByteBuffer buffer, int count, int width) {
        OnnxTensor[] rows = new OnnxTensor[count];
        int bytes = width * Float.BYTES;
        for (int i = 0; i < count; i++) {
            rows[i] = engine.floats(buffer.slice(i * bytes, bytes).order(ByteOrder.nativeOrder()), 1, 1, width);
        }
        return rows;
    }
}

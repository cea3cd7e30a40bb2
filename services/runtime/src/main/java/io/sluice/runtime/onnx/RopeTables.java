package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.OffHeap;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/**
 * Cosines and sines of the rotary embedding, {@code [positions, headDim / 2]} each (RoFormer, arXiv 2104.09864),
 * computed in double precision and shared by all layers of a stage.
 */
final class RopeTables implements AutoCloseable {
    private final int positions;
    private final ByteBuffer cosBuffer;
    private final ByteBuffer sinBuffer;
    private final OnnxTensor cos;
    private final OnnxTensor sin;

    RopeTables(OnnxEngine engine, ModelConfig config, int positions) {
        this.positions = positions;
        int half = config.headDim() / 2;
        cosBuffer = OffHeap.allocate((long) positions * half * Float.BYTES);
        sinBuffer = OffHeap.allocate((long) positions * half * Float.BYTES);
        double[] frequencies = config.ropeScaling().frequencies(config.ropeTheta(), config.headDim());
        FloatBuffer cosines = cosBuffer.asFloatBuffer();
        FloatBuffer sines = sinBuffer.asFloatBuffer();
        for (int position = 0; position < positions; position++) {
            for (double frequency : frequencies) {
                cosines.put((float) Math.cos(position * frequency));
                sines.put((float) Math.sin(position * frequency));
            }
        }
        cos = engine.floats(cosBuffer, positions, half);
        sin = engine.floats(sinBuffer, positions, half);
    }

    int positions() {
        return positions;
    }

    OnnxTensor cos() {
        return cos;
    }

    OnnxTensor sin() {
        return sin;
    }

    @Override
    public void close() {
        cos.close();
        sin.close();
        OffHeap.free(cosBuffer);
        OffHeap.free(sinBuffer);
    }
}

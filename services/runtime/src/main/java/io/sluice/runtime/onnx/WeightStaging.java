package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.OffHeap;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Hands fp32 matrices to sessions while they are made. ONNX Runtime packs matrices into its own memory, after which
 * ours would be a second copy. Whether it did is found out, not assumed: ours are overwritten with NaN and the session
 * is run once. A finite result proves that nothing reads them; then the next layer, whose matrices have the same
 * shapes, reuses them. Otherwise they are filled again and stay with the session. Not thread-safe.
 */
final class WeightStaging implements AutoCloseable {
    private static final int POISON_BLOCK = 8192;

    private final OnnxEngine engine;
    private final ModelWeights weights;
    private final Map<String, Matrix> matrices = new HashMap<>();

    private static final class Matrix {
        final ByteBuffer buffer;
        final OnnxTensor tensor;
        Consumer<FloatBuffer> source;

        Matrix(ByteBuffer buffer, OnnxTensor tensor) {
            this.buffer = buffer;
            this.tensor = tensor;
        }

        void close() {
            tensor.close();
            OffHeap.free(buffer);
        }
    }

    WeightStaging(OnnxEngine engine, ModelWeights weights) {
        this.engine = engine;
        this.weights = weights;
    }

    /**
     * Reads the rows of {@code sources}, one after the other, into a matrix of this shape, always the same per name.
     */
    void matrix(String name, List<String> sources, long outputs, long inputs) {
        matrix(name, target -> sources.forEach(source -> weights.read(source, target)), outputs, inputs);
    }

    /** Reads rows {@code [firstRow, firstRow + rows)} of {@code source}; otherwise as {@link #matrix}. */
    void matrix(String name, String source, long firstRow, long rows, long inputs) {
        matrix(name, target -> weights.readRows(source, firstRow, rows, target), rows, inputs);
    }

    private void matrix(String name, Consumer<FloatBuffer> source, long outputs, long inputs) {
        Matrix matrix = matrices.computeIfAbsent(name, key -> {
            ByteBuffer buffer = OffHeap.allocate(Math.multiplyExact(outputs * inputs, Float.BYTES));
            return new Matrix(buffer, engine.floats(buffer, outputs, inputs));
        });
        matrix.source = source;
        fill(matrix);
    }

    /** The matrices by name, for {@code SessionOptions.addExternalInitializers}. */
    Map<String, OnnxTensorLike> tensors() {
        Map<String, OnnxTensorLike> tensors = new HashMap<>();
        matrices.forEach((name, matrix) -> tensors.put(name, matrix.tensor));
        return tensors;
    }

    /**
     * Finds out whether a new session still reads the matrices.
     *
     * @param resultIsFinite runs the session and says whether its result has no NaN
     * @return what the session must keep and free when it closes; empty when it has copies of its own
     */
    List<ByteBuffer> handOver(BooleanSupplier resultIsFinite) {
        matrices.values().forEach(WeightStaging::poison);
        if (resultIsFinite.getAsBoolean()) {
            return List.of();
        }
        matrices.values().forEach(WeightStaging::fill);
        matrices.values().forEach(matrix -> matrix.tensor.close());
        List<ByteBuffer> kept = new ArrayList<>();
        matrices.values().forEach(matrix -> kept.add(matrix.buffer));
        matrices.clear();
        return kept;
    }

    @Override
    public void close() {
        matrices.values().forEach(Matrix::close);
        matrices.clear();
    }

    private static void fill(Matrix matrix) {
        matrix.source.accept(matrix.buffer.asFloatBuffer());
    }

    private static void poison(Matrix matrix) {
        FloatBuffer target = matrix.buffer.asFloatBuffer();
        float[] poison = new float[Math.min(POISON_BLOCK, target.remaining())];
        Arrays.fill(poison, Float.NaN);
        while (target.hasRemaining()) {
            target.put(poison, 0, Math.min(poison.length, target.remaining()));
        }
    }
}

package io.sluice.runtime.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.OffHeap;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;

/**
 * The fp32 matrices of one session while it is made. ONNX Runtime packs matrices into its own memory, after which ours
 * would be a second copy. Whether it did is found out, not assumed: the copies are overwritten with NaN and the session
 * is run once. A finite result proves that nothing reads them, and they are freed; otherwise they are filled again and
 * kept.
 */
final class WeightStaging implements AutoCloseable {
    private static final float POISON = Float.NaN;

    private final OnnxEngine engine;
    private final ModelWeights weights;
    private final List<Matrix> matrices = new ArrayList<>();
    private final Map<String, OnnxTensorLike> tensors = new HashMap<>();

    private record Matrix(ByteBuffer buffer, List<String> sources) {}

    WeightStaging(OnnxEngine engine, ModelWeights weights) {
        this.engine = engine;
        this.weights = weights;
    }

    /** Reads the rows of {@code sources}, one after the other, into one matrix of this shape. */
    void matrix(String name, List<String> sources, long outputs, long inputs) {
        ByteBuffer buffer = OffHeap.allocate(Math.multiplyExact(outputs * inputs, Float.BYTES));
        Matrix matrix = new Matrix(buffer, sources);
        matrices.add(matrix);
        fill(matrix);
        tensors.put(name, engine.floats(buffer, outputs, inputs));
    }

    /** The matrices by name, for {@code SessionOptions.addExternalInitializers}. */
    Map<String, OnnxTensorLike> tensors() {
        return tensors;
    }

    /**
     * Frees the copies if the session does not read them.
     *
     * @param resultIsFinite runs the session and says whether its result has no NaN
     * @return bytes that have to stay
     */
    long releaseUnlessUsed(BooleanSupplier resultIsFinite) {
        for (Matrix matrix : matrices) {
            FloatBuffer floats = matrix.buffer().asFloatBuffer();
            float[] poison = new float[Math.min(8192, floats.remaining())];
            Arrays.fill(poison, POISON);
            while (floats.hasRemaining()) {
                floats.put(poison, 0, Math.min(poison.length, floats.remaining()));
            }
        }
        if (resultIsFinite.getAsBoolean()) {
            close();
            return 0;
        }
        matrices.forEach(this::fill);
        return matrices.stream().mapToLong(matrix -> matrix.buffer().capacity()).sum();
    }

    @Override
    public void close() {
        tensors.values().forEach(tensor -> ((OnnxTensor) tensor).close());
        tensors.clear();
        matrices.forEach(matrix -> OffHeap.free(matrix.buffer()));
        matrices.clear();
    }

    private void fill(Matrix matrix) {
        FloatBuffer target = matrix.buffer().duplicate().order(ByteOrder.nativeOrder()).asFloatBuffer();
        matrix.sources().forEach(source -> weights.read(source, target));
    }
}

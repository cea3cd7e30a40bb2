package io.sluice.runtime.onnx;

import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Where the results of a batch go: hidden states one after the other, or rows for the head of inputs whose layers end
 * with the model's. May be reused from batch to batch. Not thread-safe.
 */
final class BatchOutputs {
    private static final int NOWHERE = -1;

    private final ModelConfig config;
    private ByteBuffer kept = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
    private List<StageInput> batch = List.of();
    /** Per input the first of its hidden states that are kept, or {@link #NOWHERE}. */
    private int[] places = {};

    private FloatBuffer hidden;

    BatchOutputs(ModelConfig config) {
        this.config = config;
    }

    void begin(List<StageInput> newBatch) {
        batch = newBatch;
        places = new int[batch.size()];
        int positions = 0;
        for (int i = 0; i < places.length; i++) {
            StageInput input = batch.get(i);
            int kept = !isLast(i) ? input.count() : input.needLogits() ? 1 : 0;
            places[i] = kept == 0 ? NOWHERE : positions;
            positions += kept;
        }
        int bytes = Math.multiplyExact(positions * config.hiddenSize(), Float.BYTES);
        if (bytes > kept.capacity()) {
            // Left to the garbage collector: the caller may still hold results of the last batch.
            kept = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        }
        hidden = kept.asFloatBuffer();
    }

    /** Whether an input's last position goes through the head. */
    boolean wantsLogits(int index) {
        return isLast(index) && places[index] != NOWHERE;
    }

    /** Takes the results of positions {@code [from, from + count)} of an input, from row {@code row} of {@code y} on. */
    void take(int index, FloatBuffer y, int row, int from, int count) {
        int size = config.hiddenSize();
        if (!isLast(index)) {
            hidden.put((places[index] + from) * size, y, row * size, count * size);
        } else if (places[index] != NOWHERE && from + count == batch.get(index).count()) {
            hidden.put(places[index] * size, y, (row + count - 1) * size, size);
        }
    }

    /**
     * Runs the head where logits are wanted, and returns one output per input.
     *
     * @param head null unless the last layer is held
     * @param counts whether an input still counts; the output of one that does not has nothing in it
     */
    List<StageOutput> finish(LogitsHead head, IntPredicate counts) {
        int size = config.hiddenSize();
        int rows = (int) IntStream.range(0, places.length)
                .filter(i -> wantsLogits(i) && counts.test(i))
                .count();
        if (rows > 0) {
            FloatBuffer headRows = head.input(rows);
            int row = 0;
            for (int i = 0; i < places.length; i++) {
                if (wantsLogits(i) && counts.test(i)) {
                    headRows.put(row++ * size, hidden, places[i] * size, size);
                }
            }
            head.run(rows);
        }
        List<StageOutput> results = new ArrayList<>(places.length);
        int row = 0;
        for (int i = 0; i < places.length; i++) {
            boolean gives = places[i] != NOWHERE && counts.test(i);
            FloatBuffer states = gives && !isLast(i)
                    ? hidden.slice(places[i] * size, batch.get(i).count() * size)
                    : null;
            results.add(new StageOutput(states, gives && isLast(i) ? head.logits(row++) : null));
        }
        return results;
    }

    private boolean isLast(int index) {
        return batch.get(index).slot().layers().end() == config.layerCount();
    }
}

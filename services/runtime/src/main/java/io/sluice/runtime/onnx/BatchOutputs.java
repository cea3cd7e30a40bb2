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
    private final HeadParts headParts;
    /** Inputs whose logits are computed, in the order of their rows. */
    private int[] headInputs = {};
    /** Their rows on the way through the head; null: no part has run. */
    private HeadRows headRows;

    BatchOutputs(ModelConfig config) {
        this.config = config;
        headParts = HeadParts.of(config);
    }

    void begin(List<StageInput> newBatch) {
        batch = newBatch;
        headRows = null;
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
    private boolean wantsLogits(int index) {
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
     * Parts of the head that are still to run.
     *
     * @param counts whether an input still counts
     */
    int headLeft(IntPredicate counts) {
        if (IntStream.range(0, places.length).noneMatch(i -> wantsLogits(i) && counts.test(i))) {
            return 0;
        }
        return headParts.count() - (headRows == null ? 0 : headRows.partsDone());
    }

    /** Runs the next part of the head, over the rows of all inputs that counted when the first one ran. */
    void advanceHead(LogitsHead head, IntPredicate counts) {
        if (headRows == null) {
            headInputs = IntStream.range(0, places.length)
                    .filter(i -> wantsLogits(i) && counts.test(i))
                    .toArray();
            headRows = head.begin(headInputs.length);
            int size = config.hiddenSize();
            FloatBuffer input = headRows.input();
            for (int row = 0; row < headInputs.length; row++) {
                input.put(row * size, hidden, places[headInputs[row]] * size, size);
            }
        }
        head.advance(headRows);
    }

    /**
     * One output per input, after the head; that of an input that does not count has nothing in it.
     *
     * @param head null unless the last layer is held
     */
    List<StageOutput> finish(LogitsHead head, IntPredicate counts) {
        int size = config.hiddenSize();
        List<StageOutput> results = new ArrayList<>(places.length);
        for (int i = 0; i < places.length; i++) {
            boolean states = places[i] != NOWHERE && counts.test(i) && !isLast(i);
            results.add(new StageOutput(
                    states ? hidden.slice(places[i] * size, batch.get(i).count() * size) : null, null));
        }
        for (int row = 0; headRows != null && row < headInputs.length; row++) {
            if (counts.test(headInputs[row])) {
                results.set(headInputs[row], new StageOutput(null, headRows.logits(row)));
            }
        }
        if (headRows != null && head != null) {
            head.end(headRows);
        }
        headRows = null;
        return results;
    }

    private boolean isLast(int index) {
        return batch.get(index).slot().layers().end() == config.layerCount();
    }
}

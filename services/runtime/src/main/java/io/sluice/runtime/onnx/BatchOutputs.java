package io.sluice.runtime.onnx;

import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the results of a batch go: hidden states one after the other, or rows of the head for inputs whose layers end
 * with the model's. Reused from batch to batch. Not thread-safe.
 */
final class BatchOutputs {
    private static final int NOWHERE = -1;

    private final ModelConfig config;
    private ByteBuffer kept = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
    private List<StageInput> batch = List.of();
    /** Per input the first position of its hidden states, or the row of its logits, or {@link #NOWHERE}. */
    private int[] places = {};

    private FloatBuffer hidden;
    private FloatBuffer headRows;
    private LogitsHead head;
    private int logitRows;

    BatchOutputs(ModelConfig config) {
        this.config = config;
    }

    /** @param lastHead null unless the last layer is held */
    void begin(List<StageInput> newBatch, LogitsHead lastHead) {
        batch = newBatch;
        head = lastHead;
        places = new int[batch.size()];
        logitRows = 0;
        int positions = 0;
        for (int i = 0; i < places.length; i++) {
            StageInput input = batch.get(i);
            if (isLast(i)) {
                places[i] = input.needLogits() ? logitRows++ : NOWHERE;
            } else {
                places[i] = positions;
                positions += input.count();
            }
        }
        int bytes = Math.multiplyExact(positions * config.hiddenSize(), Float.BYTES);
        if (bytes > kept.capacity()) {
            // Left to the garbage collector: the caller may still hold results of the last batch.
            kept = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        }
        hidden = kept.asFloatBuffer();
        headRows = logitRows > 0 ? head.input(logitRows) : null;
    }

    /** Takes the result of an input that starts at {@code row} of {@code y}. */
    void take(int index, FloatBuffer y, int row) {
        int size = config.hiddenSize();
        int count = batch.get(index).count();
        if (!isLast(index)) {
            hidden.put(places[index] * size, y, row * size, count * size);
        } else if (places[index] != NOWHERE) {
            headRows.put(places[index] * size, y, (row + count - 1) * size, size);
        }
    }

    /** Runs the head where logits are wanted, and returns one output per input. */
    List<StageOutput> finish() {
        if (logitRows > 0) {
            head.run(logitRows);
        }
        List<StageOutput> results = new ArrayList<>(places.length);
        int size = config.hiddenSize();
        for (int i = 0; i < places.length; i++) {
            if (!isLast(i)) {
                results.add(new StageOutput(
                        hidden.slice(places[i] * size, batch.get(i).count() * size), null));
            } else {
                results.add(new StageOutput(null, places[i] == NOWHERE ? null : head.logits(places[i])));
            }
        }
        return results;
    }

    private boolean isLast(int index) {
        return batch.get(index).slot().layers().end() == config.layerCount();
    }
}

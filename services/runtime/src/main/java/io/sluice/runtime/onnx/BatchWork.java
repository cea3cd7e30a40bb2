package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.weights.LlamaTensors;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * Runs the inputs of a batch through some layers, with buffers that all batches share: between two calls nothing of a
 * batch is in them. Not thread-safe.
 */
final class BatchWork implements AutoCloseable {
    private final ModelWeights weights;
    private final ModelConfig config;
    private final LayerSet layers;
    private final int lane;
    private final HiddenBuffers buffers;
    private final LayerRun layerRun;
    private volatile boolean closed;

    /**
     * @param engine the one that the layers were loaded with
     * @param lane which of those that may run at once; {@link KvPool#view}
     */
    BatchWork(OnnxEngine engine, ModelWeights weights, LayerSet layers, RopeTables rope, int lane) {
        this.weights = weights;
        this.config = weights.config();
        this.layers = layers;
        this.lane = lane;
        buffers = new HiddenBuffers(engine, config);
        layerRun = new LayerRun(buffers, layers, LayerSession.attention(engine, config, rope));
    }

    ModelConfig config() {
        return config;
    }

    /** Null unless the last layer is held. */
    LogitsHead head() {
        return layers.head();
    }

    /** @throws IllegalStateException when the runner is closed */
    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the runner of model " + config.name() + " is closed");
        }
    }

    /** One position of each of several sessions through the layers {@code span}. */
    void rows(BatchRun run, RowGroup group, LayerRange span) {
        HiddenBuffers.Shape shape = buffers.shape(group.rows(), 1);
        FloatBuffer x = buffers.first();
        IntBuffer lastPositions = buffers.lastPositions();
        int longest = 0;
        for (int row = 0; row < group.rows(); row++) {
            int index = group.inputs()[row];
            CacheSlot slot = group.pool().at(group.firstRow() + row);
            int position;
            if (index == RowGroup.IDLE) {
                fillZero(x, row);
                position = slot == null ? 0 : slot.idlePosition();
            } else {
                run.put(index, span.first(), x, row, 0, 1);
                position = slot.length();
            }
            lastPositions.put(row, position);
            longest = Math.max(longest, position + 1);
        }
        KvPool.View view = group.pool().view(lane, group.firstRow(), group.rows());
        FloatBuffer y = layerRun.together(shape, span, group.pool().range(), longest, view);
        for (int row = 0; row < group.rows(); row++) {
            int index = group.inputs()[row];
            if (index != RowGroup.IDLE) {
                run.take(index, span.end(), y, row, 0, 1);
            }
        }
    }

    /**
     * Several positions of one session through the layers {@code span}. Attention goes over blocks of two positions per
     * element of a head, and over a block of one position it adds in another order; so that position is not left alone.
     */
    void positions(BatchRun run, int index, StageInput input, LayerRange span) {
        boolean leavesOne = !input.asSteps() && input.count() % (2 * config.headDim()) == 1;
        int first = leavesOne ? input.count() - 2 : input.count();
        positions(run, index, input, span, 0, first);
        if (leavesOne) {
            positions(run, index, input, span, first, input.count() - first);
        }
    }

    private void positions(BatchRun run, int index, StageInput input, LayerRange span, int from, int count) {
        CacheSlot slot = (CacheSlot) input.slot();
        HiddenBuffers.Shape shape = buffers.shape(1, count);
        run.put(index, span.first(), buffers.first(), 0, from, count);
        int position = input.position() + from;
        buffers.lastPositions().put(0, position + count - 1);
        KvPool.View view = slot.pool().view(lane, slot.row(), 1);
        FloatBuffer y = input.asSteps()
                ? layerRun.steps(shape, span, slot.layers(), position, count, view)
                : layerRun.together(shape, span, slot.layers(), position + count, view);
        run.take(index, span.end(), y, 0, from, count);
    }

    /** Writes what {@code count} positions of an input begin with, from row {@code row} of {@code x} on. */
    void fill(FloatBuffer x, int row, StageInput input, int from, int count) {
        int size = config.hiddenSize();
        if (input.hidden() != null) {
            x.put(row * size, input.hidden(), input.hidden().position() + from * size, count * size);
            return;
        }
        x.position(row * size);
        for (int i = from; i < from + count; i++) {
            weights.readRows(LlamaTensors.EMBEDDING, input.tokenIds()[i], 1, x);
        }
    }

    private void fillZero(FloatBuffer x, int row) {
        for (int i = row * config.hiddenSize(); i < (row + 1) * config.hiddenSize(); i++) {
            x.put(i, 0f);
        }
    }

    @Override
    public void close() {
        closed = true;
        layerRun.close();
        buffers.close();
    }
}

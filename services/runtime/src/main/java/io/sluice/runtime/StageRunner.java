package io.sluice.runtime;

import io.sluice.core.LayerRange;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;

/**
 * Runs layers of one model. A session runs a range of the layers held, fixed when its slot is reserved. The runner that
 * holds layer 0 embeds token ids; the one that holds the last layer applies the final norm and the head. Not
 * thread-safe: one thread owns a runner and its slots, but for {@link StageRun#advanceBeside} and
 * {@link StageRun#advanceHeadBeside}.
 */
public interface StageRunner extends AutoCloseable {
    /** What speed and capacity of a runner that serves nothing are counted over. */
    LayerRange ONE_LAYER = new LayerRange(0, 1);

    ModelConfig model();

    /** The layers that new sessions run; empty: none are served. */
    Optional<LayerRange> served();

    /**
     * The layers that new sessions run.
     *
     * @throws IllegalStateException when none are served
     */
    default LayerRange layers() {
        return served().orElseThrow(() -> new IllegalStateException("this runner serves no layers"));
    }

    /** The layers in memory: those served, and others that slots at hand may still run. */
    HeldLayers held();

    /** KV cache capacity for sessions over {@code layers}, tokens: the budget of bytes is one for all ranges. */
    long kvCapacityTokens(LayerRange layers);

    /** KV cache capacity in tokens, each token counted over the layers served; over one layer when none are. */
    default long kvCapacityTokens() {
        return kvCapacityTokens(served().orElse(ONE_LAYER));
    }

    /** KV cache reserved now by sessions of any range, counted like {@link #kvCapacityTokens()}, tokens. */
    long kvReservedTokens();

    /**
     * Reserves KV cache for a session of at most {@code tokens} positions over {@code layers}; rounded up as
     * {@code io.sluice.core.routing.KvReservation} says. The slot has KV cache for these layers only.
     *
     * @return empty when the cache has no room now
     * @throws IllegalArgumentException when a layer is not held or the sequence is longer than the context
     */
    Optional<KvSlot> reserve(int tokens, LayerRange layers);

    /** As {@link #reserve(int, LayerRange)}, over the layers served. */
    default Optional<KvSlot> reserve(int tokens) {
        return reserve(tokens, layers());
    }

    /** Batches that may run beside others at once ({@link StageRun#advanceBeside}). */
    default int lanes() {
        return 0;
    }

    /**
     * As {@link #reserve(int, LayerRange)}, for best-effort work. Its slots are never between those of others, whose batches
     * would compute their rows idly; with {@link #lanes()} its batches may run beside others ({@link StageRun#advanceBeside}).
     */
    default Optional<KvSlot> reserveBestEffort(int tokens, LayerRange layers) {
        return reserve(tokens, layers);
    }

    /** Frees a slot; the slot is dead afterwards. Releasing twice is an error. */
    void release(KvSlot slot);

    /**
     * Forgets the positions from {@code length} on, so that the next input goes on there: O(1). What is computed
     * afterwards has the same bits as if they had never been.
     *
     * @throws IllegalArgumentException when the slot has fewer positions, or is dead
     */
    void truncate(KvSlot slot, int length);

    /**
     * Runs one batch: each input is a run of positions of one session. Inputs with one position are batched together
     * (ragged decode); longer ones (prefill chunks) run one after the other. The result of an input does not depend on
     * what else is in the batch. Prompts are cut by {@link PromptChunks}, so that it does not depend on the chunk size
     * either. A slot occurs at most once in a batch. Slots of different layer ranges may be in one batch; positions are
     * batched together only where the ranges are equal, so that layers shared by two ranges read their weights twice.
     *
     * @return one output per input, same order; the buffers are valid until the next call of {@code run}
     * @throws IllegalArgumentException when an input's position is not the slot's length, or its shape is wrong
     */
    List<StageOutput> run(List<StageInput> batch);

    /**
     * Begins a batch as {@link #run} has it, of which nothing runs yet: it runs a few layers, then parts of the
     * head, at a time, as its owner says.
     * Between two of its steps other batches may run or be begun, slots be reserved, released or cut, and layers be adopted
     * and retired: the results have the same bits as if nothing had come between. A session takes part in one such batch at
     * once, and in no other batch meanwhile; its slot keeps its length until the end. The buffers of the inputs must not
     * change until then.
     *
     * @throws IllegalArgumentException as {@link #run}, or when a session is in a batch under way
     */
    StageRun begin(List<StageInput> batch);

    @Override
    void close();

    /** A batch that runs a few layers, then parts of the head, at a time. Owned by the runner's thread. */
    interface StageRun {
        /** The layer that comes next; all layers below it that any input passes are done. */
        int nextLayer();

        /** Layers still to come; 0: the head, or {@link #finish}, comes next. */
        int layersLeft();

        /**
         * Parts of the head still to come after the layers; 0 where nobody wants logits. A part is a range of the vocabulary
         * that takes about as long as a layer; how many there are is the same for all batches of a model.
         */
        int headLeft();

        /**
         * Runs at most {@code layers} layers, each over all inputs that pass it.
         *
         * @return how many it has run
         * @throws RuntimeException when they cannot be computed; the batch is then over, its slots as before it
         */
        int advance(int layers);

        /**
         * Runs at most {@code parts} parts of the head, each over all inputs that want logits; on the runner's thread.
         *
         * @return how many it has run
         * @throws IllegalStateException when there are layers to come
         * @throws RuntimeException as {@link #advance}
         */
        int advanceHead(int parts);

        /**
         * As {@link #advance}, computed on the calling thread alone, which may be another one than the runner's: that one
         * does meanwhile what it likes, batches of other slots included. Only for slots of {@link #reserveBestEffort}. No two
         * batches are on one lane at once, and of this one no other method is called meanwhile but {@link #drop}; it goes on
         * by any of them afterwards, with the same bits. A call of the runner that touches slots or layers waits for the
         * layers at hand.
         *
         * @param lane from 0 to {@link StageRunner#lanes} - 1
         * @throws UnsupportedOperationException where the runner has no such lane
         */
        default int advanceBeside(int lane, int layers) {
            throw new UnsupportedOperationException(
                    "this runner has no lane " + lane + ": it computes one batch at a time");
        }

        /**
         * As {@link #advanceHead}, computed on the calling thread alone, under the rules of {@link #advanceBeside}. A batch that
         * wants no more of the head needs its owner only for {@link #finish}.
         *
         * @throws UnsupportedOperationException where the runner has no such lane
         */
        default int advanceHeadBeside(int lane, int parts) {
            throw new UnsupportedOperationException(
                    "this runner has no lane " + lane + ": it computes one batch at a time");
        }

        /** Leaves a session out from now on, as happens by itself when its slot is released or cut. */
        void drop(KvSlot slot);

        /**
         * Ends the batch after its last layer, with what is left of the head: the slots have grown.
         *
         * @return one output per input, same order, without anything for an input that was left out; logits are valid
         *     until anything else runs
         * @throws IllegalStateException when there are layers to come
         */
        List<StageOutput> finish();

        /** Ends the batch where it is: its slots are as before it. Does nothing when it is over. */
        void abandon();
    }

    /** A session's place in the KV cache. */
    interface KvSlot {
        /** The layers it has KV cache for: where its inputs enter at the earliest, and where they leave. */
        LayerRange layers();

        /** Positions computed so far. */
        int length();

        /** Positions this slot can hold. */
        int capacityTokens();
    }

    /**
     * Positions {@code [position, position + count)} of one session. Exactly one of {@code tokenIds} (stage that holds
     * layer 0) and {@code hidden} (row-major {@code [count, hiddenSize]}) is given.
     *
     * @param enterLayer layer at which to enter, normally {@code slot.layers().first()}; layers below it are skipped
     * @param needLogits only where the slot's layers end with the model's: compute the logits of the last position
     * @param asSteps the bits of every position are those of a decode step of its own: for what was decoded once and is
     *     computed again. Nothing else changes; makes no difference to a single position
     */
    record StageInput(
            KvSlot slot,
            int position,
            int count,
            int[] tokenIds,
            FloatBuffer hidden,
            int enterLayer,
            boolean needLogits,
            boolean asSteps) {

        /** A decode step, or positions of a prompt. */
        public StageInput(
                KvSlot slot,
                int position,
                int count,
                int[] tokenIds,
                FloatBuffer hidden,
                int enterLayer,
                boolean needLogits) {
            this(slot, position, count, tokenIds, hidden, enterLayer, needLogits, false);
        }
    }

    /**
     * Result of one input: {@code hidden} row-major {@code [count, hiddenSize]} from every stage but the last; from the
     * last stage {@code logits} of the last position, {@code [vocabSize]}, when asked for. The other one is null.
     */
    record StageOutput(FloatBuffer hidden, FloatBuffer logits) {}
}

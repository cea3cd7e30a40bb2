package io.sluice.runtime;

import io.sluice.core.LayerRange;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;

/**
 * Runs the layers {@code [first, end)} of one model. The runner that holds layer 0 embeds token ids; the one that holds
 * the last layer applies the final norm and the head. Not thread-safe: one thread owns a runner and its slots.
 */
public interface StageRunner extends AutoCloseable {

    ModelConfig model();

    LayerRange layers();

    /** KV cache capacity in tokens, each token counted over all layers held. */
    long kvCapacityTokens();

    /** KV cache reserved now, tokens. */
    long kvReservedTokens();

    /**
     * Reserves KV cache for a session of at most {@code tokens} positions; rounded up as
     * {@code io.sluice.core.routing.KvReservation} says.
     *
     * @return empty when the cache has no room now
     */
    Optional<KvSlot> reserve(int tokens);

    /** Frees a slot; the slot is dead afterwards. Releasing twice is an error. */
    void release(KvSlot slot);

    /**
     * Runs one batch: each input is a run of positions of one session. Inputs with one position are batched together
     * (ragged decode); longer ones (prefill chunks) run one after the other. The result of an input does not depend on
     * what else is in the batch. Prompts are cut by {@link PromptChunks}, so that it does not depend on the chunk size
     * either. A slot occurs at most once in a batch.
     *
     * @return one output per input, same order; the buffers are valid until the next call of {@code run}
     * @throws IllegalArgumentException when an input's position is not the slot's length, or its shape is wrong
     */
    List<StageOutput> run(List<StageInput> batch);

    @Override
    void close();

    /** A session's place in the KV cache. */
    interface KvSlot {
        /** Positions computed so far. */
        int length();

        /** Positions this slot can hold. */
        int capacityTokens();
    }

    /**
     * Positions {@code [position, position + count)} of one session. Exactly one of {@code tokenIds} (stage that holds
     * layer 0) and {@code hidden} (row-major {@code [count, hiddenSize]}) is given.
     *
     * @param enterLayer layer at which to enter, normally {@code layers().first()}; layers below it are skipped
     * @param needLogits last stage only: compute the logits of the last position
     */
    record StageInput(
            KvSlot slot,
            int position,
            int count,
            int[] tokenIds,
            FloatBuffer hidden,
            int enterLayer,
            boolean needLogits) {}

    /**
     * Result of one input: {@code hidden} row-major {@code [count, hiddenSize]} from every stage but the last; from the
     * last stage {@code logits} of the last position, {@code [vocabSize]}, when asked for. The other one is null.
     */
    record StageOutput(FloatBuffer hidden, FloatBuffer logits) {}
}

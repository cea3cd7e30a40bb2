package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.core.batching.BatchLimits;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.PromptChunks;
import java.time.Duration;
import java.util.Objects;

/**
 * Bounds of the compute thread's work. Immutable.
 *
 * @param self this worker
 * @param activations element type sent on
 * @param maxPayloadBytes most payload of a chunk sent
 * @param prefillChunk prompt positions per chunk at the first stage
 * @param batch bounds of a batch
 * @param maxWaitingSessions sessions that may wait for KV cache; the next one fails
 * @param waitTimeout how long a session waits for KV cache
 * @param gapTimeout how long a session waits for a missing chunk
 * @param idleTimeout after this long without a chunk a session is dropped
 */
record LoopSettings(
        WorkerId self,
        ActivationDtype activations,
        int maxPayloadBytes,
        int prefillChunk,
        BatchLimits batch,
        int maxWaitingSessions,
        Duration waitTimeout,
        Duration gapTimeout,
        Duration idleTimeout) {
    LoopSettings {
        Objects.requireNonNull(self, "self");
        Objects.requireNonNull(activations, "activations");
        Objects.requireNonNull(batch, "batch");
        if (prefillChunk < PromptChunks.MIN_CHUNK) {
            throw new IllegalArgumentException(
                    "--prefill-chunk " + prefillChunk + " must be at least " + PromptChunks.MIN_CHUNK);
        }
    }

    static LoopSettings of(WorkerId self, ActivationDtype activations, int prefillChunk) {
        return new LoopSettings(
                self,
                activations,
                ChunkWriter.MAX_PAYLOAD_BYTES,
                prefillChunk,
                new BatchLimits(64, prefillChunk, 1),
                64,
                Duration.ofSeconds(30),
                Duration.ofSeconds(3),
                Duration.ofMinutes(10));
    }
}

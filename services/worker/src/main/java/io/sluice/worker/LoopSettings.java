package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.core.batching.BatchLimits;
import io.sluice.core.batching.SchedulingBounds;
import io.sluice.runtime.PromptChunks;
import java.time.Duration;
import java.util.Objects;

/**
 * Bounds of the compute thread's work. Immutable.
 *
 * @param self this worker
 * @param activations element types sent on
 * @param maxPayloadBytes most payload of a chunk sent
 * @param chunks prompt positions per chunk
 * @param batch bounds of a batch
 * @param maxWaitingSessions sessions that may wait for KV cache; the next one fails
 * @param waitTimeout how long a session waits for KV cache
 * @param gapTimeout how long a session waits for a missing chunk
 * @param rebuildTimeout how long the log is read for the inputs of a session
 * @param idleTimeout after this long without a chunk a session is dropped
 * @param exactRebuild whether what is computed again has the same bits as the first time
 */
record LoopSettings(
        WorkerId self,
        PayloadTypes activations,
        int maxPayloadBytes,
        PromptChunking chunks,
        BatchLimits batch,
        int maxWaitingSessions,
        Duration waitTimeout,
        Duration gapTimeout,
        Duration rebuildTimeout,
        Duration idleTimeout,
        boolean exactRebuild) {
    LoopSettings {
        Objects.requireNonNull(self, "self");
        Objects.requireNonNull(activations, "activations");
        Objects.requireNonNull(batch, "batch");
        if (Objects.requireNonNull(chunks, "chunks").mostTokens() < PromptChunks.MIN_CHUNK) {
            throw new IllegalArgumentException(
                    "--prefill-chunk " + chunks.mostTokens() + " must be at least " + PromptChunks.MIN_CHUNK);
        }
    }

    static LoopSettings of(WorkerId self, PayloadTypes activations, PromptChunking chunks, boolean exactRebuild) {
        return new LoopSettings(
                self,
                activations,
                ChunkWriter.MAX_PAYLOAD_BYTES,
                chunks,
                BatchLimits.adaptive(
                        64,
                        chunks.mostTokens(),
                        SchedulingBounds.DEFAULT.decodeBatchesPerPrefill(),
                        chunks.mostBatchTokens()),
                64,
                Duration.ofSeconds(30),
                Duration.ofMillis(1_500),
                Duration.ofSeconds(5),
                Duration.ofMinutes(3),
                exactRebuild);
    }
}

package io.sluice.worker;

import io.sluice.core.batching.BatchScheduler;
import io.sluice.core.batching.CohortGate;
import io.sluice.runtime.PromptChunks;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * Turns chunks whose turn has come, of sessions with KV cache, into work: decode steps as they are, prompts and what is
 * computed again cut or gathered to this worker's chunk size. Owned by the compute thread.
 *
 * <p>What is computed again goes in chunks as a prompt does. With {@link LoopSettings#exactRebuild} no chunk of it has
 * positions of both sides of the prompt's end, so that those after it can be computed as the decode steps they were
 * ({@link io.sluice.runtime.StageRunner.StageInput#asSteps}), and every bit is the same; else the results differ from
 * those of the first time in the last bits, because attention over one position adds in another order than over several.
 */
final class WorkFeed {
    private final LoopSettings settings;
    private final BatchScheduler<Work> scheduler;
    private final BestEffortQueue bestEffort;
    private final CohortGate gate;
    private final int maxSendTokens;

    /**
     * @param scheduler for latency-critical work
     * @param gate of it
     * @param maxSendTokens most positions in one payload sent; no prompt is cut into larger chunks
     */
    WorkFeed(
            LoopSettings settings,
            BatchScheduler<Work> scheduler,
            BestEffortQueue bestEffort,
            CohortGate gate,
            int maxSendTokens) {
        this.settings = Objects.requireNonNull(settings, "settings");
        this.scheduler = Objects.requireNonNull(scheduler, "scheduler");
        this.bestEffort = Objects.requireNonNull(bestEffort, "bestEffort");
        this.gate = Objects.requireNonNull(gate, "gate");
        this.maxSendTokens = maxSendTokens;
    }

    void add(StageSession session, InboundChunk chunk) {
        if (!session.plan.isPrompt(chunk.position()) && chunk.count() == 1) {
            addStep(session, chunk);
            return;
        }
        int prompt = session.plan.promptTokens();
        if (!settings.exactRebuild() || chunk.end() <= prompt) {
            addRun(session, chunk, chunk.end() == prompt);
            return;
        }
        int first = Math.max(0, prompt - chunk.position());
        if (first > 0) {
            addRun(session, chunk.slice(0, first), true);
        }
        addRun(session, chunk.slice(first, chunk.count()), false);
    }

    /** Forgets what waits. */
    void remove(StageSession session) {
        if (session.bestEffort()) {
            bestEffort.forget(session);
        } else {
            scheduler.remove(session.id);
            gate.ended(session.id);
        }
        session.gathering.clear();
    }

    private BatchScheduler<Work> queue(StageSession session) {
        return session.bestEffort() ? bestEffort.of(session) : scheduler;
    }

    private void addStep(StageSession session, InboundChunk chunk) {
        Arrival arrival = chunk.arrival();
        if (!session.bestEffort()) {
            gate.returned(session.id, TimeUnit.MICROSECONDS.toNanos(arrival.transferMicros()), arrival.receivedNanos());
        }
        if (!session.isStep(chunk, session.slot.length())) {
            // What comes before is still to be computed again, and goes in the order in which it was added.
            addPrefill(session, chunk);
        } else {
            queue(session).addDecode(session.id, new Work(session, chunk));
        }
    }

    /** Positions that are computed several at once, all of the prompt or, where bits count, all after it. */
    private void addRun(StageSession session, InboundChunk chunk, boolean endsPrompt) {
        int chunkTokens =
                Math.min(settings.chunks().tokens(session.plan.layers().size()), maxSendTokens);
        if (chunk.tokenIds() == null) {
            boolean last = chunk.lastOfPrompt()
                    || chunk.end() == session.plan.resume().start()
                    || settings.exactRebuild() && endsPrompt;
            InboundChunk whole = session.gathering.add(chunk, chunkTokens, last);
            if (whole != null) {
                addPrefill(session, whole);
            }
            return;
        }
        int from = 0;
        for (int size : PromptChunks.split(chunk.count(), chunkTokens)) {
            addPrefill(session, chunk.slice(from, from + size));
            from += size;
        }
    }

    private void addPrefill(StageSession session, InboundChunk chunk) {
        queue(session).addPrefill(session.id, chunk.count(), session.rank, new Work(session, chunk));
    }
}

package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.slo.PromptClock;
import io.sluice.core.stage.SessionAtStage;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.text.TokenStream;

/** One attempt of a session at this stage, with what only a live one needs. Mutable; owned by the compute thread. */
final class StageSession extends SessionAtStage<InboundChunk, SessionPlan, KvSlot> {
    /** Prompt chunks that are shorter than they should be. */
    final PromptGathering gathering = new PromptGathering();
    /** How long this stage has had the prompt, where it has a budget for that. */
    final PromptClock prompt = new PromptClock();
    /** Last stage only: the text so far. */
    TokenStream text;
    /** Last stage only: when the former token was sampled, nanoseconds; 0: none yet. */
    long lastTokenNanos;

    StageSession(SessionId id, int attempt, long nowNanos) {
        super(id, attempt, nowNanos);
    }
}

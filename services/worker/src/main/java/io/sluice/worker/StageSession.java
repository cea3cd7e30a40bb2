package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.text.TokenStream;
import java.util.ArrayDeque;
import java.util.TreeMap;

/** One attempt of a session at this stage. Mutable; owned by the compute thread. */
final class StageSession {
    final SessionId id;
    final int attempt;
    /** Null until the set-up has come. */
    SessionPlan plan;
    /** Whose prompt goes first: the lower. */
    double rank;
    /** Prompt chunks that are shorter than they should be. */
    final PromptGathering gathering = new PromptGathering();
    /** Null until the KV cache has room. */
    KvSlot slot;
    /** The next position expected: everything before it has been taken, and later repeats are dropped. */
    int expected;
    /** Chunks taken that wait for KV cache, in order. */
    final ArrayDeque<InboundChunk> parked = new ArrayDeque<>();
    /** Chunks that came before their turn, by position. */
    final TreeMap<Integer, InboundChunk> early = new TreeMap<>();
    /** Since when chunks wait for a missing one or for KV cache, nanoseconds. */
    long waitingSinceNanos;

    /** First stage only: when the step that is on its way round was sent on, nanoseconds; 0: none is. */
    long awaySinceNanos;

    long touchedNanos;
    /** True once the next stage has been told the set-up. */
    boolean setupPassedOn;
    /** Last stage only: the text so far. */
    TokenStream text;
    /** Last stage only: when the former token was sampled, nanoseconds; 0: none yet. */
    long lastTokenNanos;

    StageSession(SessionId id, int attempt, long nowNanos) {
        this.id = id;
        this.attempt = attempt;
        this.touchedNanos = nowNanos;
    }

    boolean waitsForKv() {
        return !parked.isEmpty() && slot == null;
    }

    boolean waitsForChunk() {
        return !early.isEmpty();
    }
}

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
    /** KV cache of the attempt before, until the set-up says what becomes of it; null: there is none. */
    KvSlot inherited;
    /** Null until the KV cache has room. */
    KvSlot slot;
    /** Chunks taken that wait for KV cache, in order. */
    final ArrayDeque<InboundChunk> parked = new ArrayDeque<>();
    /** Chunks that came before their turn, by position. */
    final TreeMap<Integer, InboundChunk> early = new TreeMap<>();
    /** Since when chunks wait for a missing one or for KV cache, nanoseconds. */
    long waitingSinceNanos;
    /** Whether the inputs before the start are being read from the log, and since when, nanoseconds. */
    boolean rebuilding;

    long rebuildingSinceNanos;
    /** Lowest and highest offset of the chunks taken in this attempt; {@link Arrival#NOT_LOGGED}: none yet. */
    long firstOffset = Arrival.NOT_LOGGED;

    long lastOffset = Arrival.NOT_LOGGED;
    /** True while the router knows that the session cannot go on, and nothing has come since. */
    boolean reported;

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

    /** Notes where a chunk that has been taken lies in the log. Retries of a sender may put chunks out of order. */
    void logged(long offset) {
        if (offset != Arrival.NOT_LOGGED) {
            firstOffset = firstOffset == Arrival.NOT_LOGGED ? offset : Math.min(firstOffset, offset);
            lastOffset = Math.max(lastOffset, offset);
        }
    }

    boolean waitsForKv() {
        return plan != null && slot == null;
    }

    /** Whether a chunk is missing that the stage before should have sent. */
    boolean waitsForChunk() {
        return !early.isEmpty() && !rebuilding;
    }
}

package io.sluice.core.stage;

import io.sluice.core.SessionId;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.TreeMap;

/**
 * One attempt of a session at a stage, as {@link StageIntake} keeps it. Mutable; owned by the thread of the intake.
 *
 * @param <C> chunks
 * @param <P> set-ups
 * @param <K> KV caches
 */
public abstract class SessionAtStage<C extends StageChunk<P>, P extends StageSetup, K> {
    public final SessionId id;
    public final int attempt;
    /** Null until the set-up has come. */
    public P plan;
    /** Whose prompt goes first: the lower. */
    public double rank;
    /** KV cache of the attempt before, until the set-up says what becomes of it; null: there is none. */
    public K inherited;
    /** Null until the KV cache has room. */
    public K slot;
    /** Part of the KV cache held that counts as best-effort work's. */
    double heldAsBestEffort;
    /** Chunks taken that wait for KV cache, in order. */
    public final ArrayDeque<C> parked = new ArrayDeque<>();
    /** Chunks that came before their turn, by position. */
    public final TreeMap<Integer, C> early = new TreeMap<>();
    /** Since when chunks wait for KV cache, nanoseconds. */
    public long waitingSinceNanos;
    /** Since when chunks wait for a missing one, nanoseconds. */
    public long gapSinceNanos;
    /** Whether the inputs before the start are being read from the log, and since when, nanoseconds. */
    public boolean rebuilding;

    public long rebuildingSinceNanos;
    /** Lowest and highest offset of the chunks taken in this attempt; {@link StageChunk#NOT_LOGGED}: none yet. */
    public long firstOffset = StageChunk.NOT_LOGGED;

    public long lastOffset = StageChunk.NOT_LOGGED;
    /** True while the router knows that the session cannot go on, and nothing has come since. */
    public boolean reported;

    public long touchedNanos;
    /** True once the next stage has been told the set-up. */
    public boolean setupPassedOn;

    protected SessionAtStage(SessionId id, int attempt, long nowNanos) {
        this.id = Objects.requireNonNull(id, "id");
        this.attempt = attempt;
        this.touchedNanos = nowNanos;
    }

    /** Notes where a chunk that has been taken lies in the log. Retries of a sender may put chunks out of order. */
    public void logged(long offset) {
        if (offset != StageChunk.NOT_LOGGED) {
            firstOffset = firstOffset == StageChunk.NOT_LOGGED ? offset : Math.min(firstOffset, offset);
            lastOffset = Math.max(lastOffset, offset);
        }
    }

    public boolean waitsForKv() {
        return plan != null && slot == null;
    }

    /** Whether its set-up says that it is best-effort work. */
    public boolean bestEffort() {
        return plan != null && plan.bestEffort();
    }

    /** Whether a chunk is missing that the stage before should have sent. */
    public boolean waitsForChunk() {
        return !early.isEmpty() && !rebuilding;
    }

    /**
     * Whether a chunk is a decode step that may be batched with others' as such. A step that comes while positions
     * before it are still to be computed again goes behind those, as a prompt does.
     *
     * @param computed positions in the session's KV cache
     */
    public boolean isStep(C chunk, int computed) {
        return chunk.end() - chunk.position() == 1 && !plan.isPrompt(chunk.position()) && computed >= chunk.position();
    }
}

package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.stage.StageChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.HopTiming;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * A chunk as read and checked. A FORWARD is positions {@code [position, position + count)} of one session, with exactly
 * one of {@code tokenIds} and {@code hidden} (row-major {@code [count, hidden]}). The other kinds have no positions: a
 * PREPARE has a plan, a RELEASE and a DROP have neither.
 *
 * @param plan null unless the chunk carries the session's set-up
 * @param hops timings of this step at the hops before this one
 */
record InboundChunk(
        SessionId session,
        int attempt,
        ChunkKind kind,
        int position,
        int count,
        int enterLayer,
        int[] tokenIds,
        FloatBuffer hidden,
        boolean lastOfPrompt,
        SessionPlan plan,
        List<HopTiming> hops,
        Arrival arrival)
        implements StageChunk<SessionPlan> {

    @Override
    public Kind type() {
        return switch (kind) {
            case FORWARD -> Kind.FORWARD;
            case RELEASE -> Kind.RELEASE;
            case DROP -> Kind.DROP;
            case PREPARE -> Kind.PREPARE;
        };
    }

    @Override
    public long offset() {
        return arrival.offset();
    }

    @Override
    public int end() {
        return position + count;
    }

    /** The end of a session here: RELEASE or DROP. */
    static InboundChunk end(SessionId session, int attempt, ChunkKind kind, Arrival arrival) {
        return new InboundChunk(session, attempt, kind, 0, 0, 0, null, null, false, null, List.of(), arrival);
    }

    /** The set-up of an attempt whose first chunk is still to come. */
    static InboundChunk prepare(SessionId session, int attempt, SessionPlan plan, Arrival arrival) {
        Objects.requireNonNull(plan, "plan");
        return new InboundChunk(
                session,
                attempt,
                ChunkKind.PREPARE,
                0,
                0,
                plan.enterLayer(),
                null,
                null,
                false,
                plan,
                List.of(),
                arrival);
    }

    /** Token ids for the first stage. */
    static InboundChunk tokens(
            SessionId session,
            int attempt,
            int position,
            int[] tokenIds,
            boolean lastOfPrompt,
            SessionPlan plan,
            List<HopTiming> hops,
            Arrival arrival) {
        return new InboundChunk(
                session,
                attempt,
                ChunkKind.FORWARD,
                position,
                tokenIds.length,
                0,
                tokenIds,
                null,
                lastOfPrompt,
                plan,
                hops,
                arrival);
    }

    /**
     * Positions {@code [position + from, position + to)}; only the part that ends the chunk is still the last of the
     * prompt, only the one that begins it carries the set-up.
     */
    InboundChunk slice(int from, int to) {
        if (from == 0 && to == count) {
            return this;
        }
        int row = hidden == null ? 0 : hidden.remaining() / count;
        return new InboundChunk(
                session,
                attempt,
                kind,
                position + from,
                to - from,
                enterLayer,
                tokenIds == null ? null : Arrays.copyOfRange(tokenIds, from, to),
                hidden == null ? null : hidden.slice(hidden.position() + from * row, (to - from) * row),
                lastOfPrompt && to == count,
                from == 0 ? plan : null,
                hops,
                arrival);
    }
}

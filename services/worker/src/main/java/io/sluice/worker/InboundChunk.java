package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.records.HopTiming;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * A chunk as read and checked: positions {@code [position, position + count)} of one session, or its release. Exactly
 * one of {@code tokenIds} and {@code hidden} (row-major {@code [count, hidden]}) is given unless it is a release.
 *
 * @param plan null unless the chunk carries the session's set-up
 * @param hops timings of this step at the hops before this one
 */
record InboundChunk(
        SessionId session,
        int attempt,
        boolean release,
        int position,
        int count,
        int enterLayer,
        int[] tokenIds,
        FloatBuffer hidden,
        boolean lastOfPrompt,
        SessionPlan plan,
        List<HopTiming> hops,
        Arrival arrival) {

    /** Position after the last one of this chunk. */
    int end() {
        return position + count;
    }

    static InboundChunk release(SessionId session, int attempt, Arrival arrival) {
        return new InboundChunk(session, attempt, true, 0, 0, 0, null, null, false, null, List.of(), arrival);
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
                false,
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

    /** Part {@code [from, to)} of a chunk of token ids; only the part that ends it is still the last of the prompt. */
    InboundChunk slice(int from, int to) {
        return tokens(
                session,
                attempt,
                position + from,
                Arrays.copyOfRange(tokenIds, from, to),
                lastOfPrompt && to == count,
                from == 0 ? plan : null,
                hops,
                arrival);
    }
}

package io.sluice.core.routing;

import io.sluice.core.SessionId;
import java.util.HashMap;
import java.util.Map;

/**
 * Numbers of first attempts. A router sends a prompt before the transaction that records the attempt; a crash between
 * the two leaves the prompt with its workers and the request waiting again, so that a later life of the router may give
 * the same number once more, over other workers. Where a token of the lost attempt comes first, the new one is numbered
 * above it. Where none has come yet, the number is given twice, and does no harm:
 *
 * <ul>
 *   <li>A worker that is in both pipelines takes the first set-up that comes; a second one of the same attempt that says
 *       anything else ends the session there with a report ({@code StageSetup#contradicts}), and the next attempt is
 *       numbered above. So no KV cache ever mixes two pipelines.
 *   <li>A token that came through other workers than those on record is not of the recorded attempt
 *       ({@link RunningSession#fate(int, java.util.List)}): it is not accepted, and again the next attempt is numbered
 *       above. So no sequence ever mixes two pipelines, not even where their numbers differ in the last bits.
 *   <li>Once the number is above, every stage fences both (invariant 3), and stages of the lost pipeline that nothing
 *       reaches any more let go when their idle time is over.
 * </ul>
 *
 * <p>Not thread-safe; used by one partition of a router.
 */
public final class FirstAttempts {
    private final Map<SessionId, Integer> seen = new HashMap<>();

    /** Something of an attempt of a request that waits has come. */
    public void seen(SessionId session, int attempt) {
        if (attempt > 0 && attempt < SessionRecovery.ATTEMPT_MAX) {
            seen.merge(session, attempt, Math::max);
        }
    }

    /** The number of the request's next attempt; what was seen of it is forgotten. */
    public int take(SessionId session) {
        Integer known = seen.remove(session);
        return known == null ? 1 : known + 1;
    }

    /** The request waits no longer. */
    public void forget(SessionId session) {
        seen.remove(session);
    }
}

package io.sluice.core.stage;

import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Trouble;

/**
 * What {@link StageIntake} has done around it: computing, the log, what is sent and counted.
 *
 * @param <C> chunks
 * @param <S> sessions
 */
public interface StageDesk<C, S> {
    /** Why a chunk or session is dropped without a word. */
    enum Drop {
        FENCED,
        DUPLICATE,
        EARLY,
        EXPIRED
    }

    /** An attempt that is new here. */
    S open(SessionId session, int attempt, long nowNanos);

    /** The chunk has its turn and the session KV cache: it may be computed. */
    void work(S session, C chunk);

    /** Nothing that waits to be computed of the session counts any more. */
    void forget(S session);

    /** Has the inputs before the session's start read; answered by {@link StageIntake#rebuilt} or a failure. */
    void readLog(S session, LogPicker.Want want);

    /** Tells the router that the session cannot go on here. */
    void report(SessionId session, int attempt, Trouble trouble, String message);

    /** Tells another stage that the session has ended. */
    void sendRelease(WorkerId to, SessionId session, int attempt);

    /** Whether all of these layers are here. */
    boolean holds(LayerRange layers);

    /** Whether this layer is here. */
    boolean holds(int layer);

    /** The layers that are here, for people. */
    String held();

    /** Something is dropped without a word. */
    void dropped(Drop why);

    /** Something has happened that a log may tell, as {@code key=value}. */
    void noted(SessionId session, int attempt, String what);
}

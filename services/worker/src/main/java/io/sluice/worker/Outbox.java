package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Trouble;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Token;
import java.util.List;

/** Where a stage's results go. Called by the compute thread; must not block for longer than a send takes. */
interface Outbox {
    /** Sends chunks of one step to a worker, in order. */
    void forward(WorkerId to, List<ActivationChunk> chunks);

    /** Whether so much of prompts waits to be sent that no more should be computed; whoever waits is woken up. */
    default boolean full() {
        return false;
    }

    void token(Token token);

    /** Tells the router that an attempt of a session cannot go on here. */
    void report(SessionId session, int attempt, Trouble trouble, String message);
}

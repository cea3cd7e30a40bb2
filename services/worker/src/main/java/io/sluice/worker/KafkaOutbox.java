package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Trouble;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Token;
import java.util.List;
import java.util.Optional;

/**
 * The outbox of a running worker: everything goes to its topic.
 *
 * @param paced where chunks wait for a slow link; empty: they go to the producer at once
 */
record KafkaOutbox(
        ActivationPublisher activations, Optional<PacedLinks> paced, TokenPublisher tokens, ReportPublisher reports)
        implements Outbox {
    @Override
    public void forward(WorkerId to, List<ActivationChunk> chunks) {
        if (paced.isPresent()) {
            paced.get().offer(to, chunks);
        } else {
            activations.send(to, chunks);
        }
    }

    @Override
    public boolean full() {
        return paced.isPresent() && paced.get().full();
    }

    @Override
    public void token(Token token) {
        tokens.send(token);
    }

    @Override
    public void report(SessionId session, int attempt, Trouble trouble, String message) {
        reports.send(session, attempt, trouble, message);
    }
}

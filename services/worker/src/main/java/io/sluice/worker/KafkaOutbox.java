package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ErrorReason;
import io.sluice.records.Token;
import java.util.List;

/** The outbox of a running worker: everything goes to its topic. */
record KafkaOutbox(ActivationPublisher activations, TokenPublisher tokens, ErrorOutbox errors) implements Outbox {
    @Override
    public void forward(WorkerId to, List<ActivationChunk> chunks) {
        activations.send(to, chunks);
    }

    @Override
    public void token(Token token) {
        tokens.send(token);
    }

    @Override
    public void failed(SessionId session, ErrorReason reason, String message) {
        errors.failed(session, reason, message);
    }
}

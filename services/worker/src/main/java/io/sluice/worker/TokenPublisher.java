package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.records.Token;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.Topics;
import io.sluice.worker.Inbound.SessionKey;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends tokens, keyed by request id and acknowledged by all replicas; a token that cannot be delivered is reported. */
final class TokenPublisher {
    private static final Logger LOG = LoggerFactory.getLogger(TokenPublisher.class);

    private final Producer<byte[], byte[]> producer;
    private final AvroSerializer<Token> serializer;
    private final Consumer<Inbound.Undelivered> undelivered;

    TokenPublisher(
            Producer<byte[], byte[]> producer,
            AvroSerializer<Token> serializer,
            Consumer<Inbound.Undelivered> undelivered) {
        this.producer = Objects.requireNonNull(producer, "producer");
        this.serializer = Objects.requireNonNull(serializer, "serializer");
        this.undelivered = Objects.requireNonNull(undelivered, "undelivered");
    }

    void send(Token token) {
        String topic = Topics.TOKENS.name();
        byte[] key = token.getRequestId().getBytes(StandardCharsets.UTF_8);
        try {
            producer.send(new ProducerRecord<>(topic, key, serializer.serialize(topic, token)), (metadata, failure) -> {
                if (failure != null) {
                    report(token, failure);
                }
            });
        } catch (KafkaException e) {
            report(token, e);
        }
    }

    private void report(Token token, Exception failure) {
        LOG.warn(
                "token not delivered request={} index={} reason={}",
                token.getRequestId(),
                token.getIndex(),
                failure.getMessage());
        undelivered.accept(new Inbound.Undelivered(
                List.of(new SessionKey(new SessionId(token.getRequestId()), token.getAttempt())),
                "worker " + token.getWorker() + " could not publish token " + token.getIndex() + ": "
                        + failure.getMessage()));
    }
}

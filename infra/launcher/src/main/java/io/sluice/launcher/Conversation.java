package io.sluice.launcher;

import io.sluice.messaging.CloudEvents;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicAdmin;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Token;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * One client's view of one request at a time: produces it, then follows tokens, completion and error of its id. Not
 * thread-safe.
 */
public final class Conversation implements AutoCloseable {
    private static final Duration START_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration POLL = Duration.ofMillis(20);

    private final SchemaRegistry registry;
    private final KafkaProducer<String, InferenceRequest> producer;
    private final TopicTail<Token> tokens;
    private final TopicTail<Completion> completions;
    private final TopicTail<ErrorRecord> errors;

    /** Opens the topics at their end. */
    public Conversation(KafkaSettings settings) {
        registry = new SchemaRegistry(settings.registryUrl(), START_TIMEOUT);
        requireTopics(settings);
        tokens = tail(settings, Topics.TOKENS);
        completions = tail(settings, Topics.COMPLETIONS);
        errors = tail(settings, Topics.ERRORS);
        producer = new KafkaProducer<>(
                KafkaClients.durableProducer(settings, "sluice-ask"),
                new StringSerializer(),
                new AvroSerializer<>(registry, Topics.REQUESTS));
        // So that the first request does not pay for the connection.
        producer.partitionsFor(Topics.REQUESTS.name());
    }

    /** How a request ended. */
    public sealed interface Outcome {}

    /** It was completed. */
    public record Answered(Completion completion) implements Outcome {}

    /** It was rejected, or it failed. */
    public record Refused(ErrorRecord error) implements Outcome {}

    private static void requireTopics(KafkaSettings settings) {
        try (TopicAdmin admin = new TopicAdmin(settings, START_TIMEOUT)) {
            Set<String> names = admin.names();
            for (TopicSpec<?> topic : List.of(Topics.REQUESTS, Topics.TOKENS, Topics.COMPLETIONS, Topics.ERRORS)) {
                if (!names.contains(topic.name())) {
                    throw new UserException("the broker at " + settings.bootstrap() + " has no topic " + topic.name()
                            + ": start a router against it first");
                }
            }
        }
    }

    private <T extends SpecificRecord> TopicTail<T> tail(KafkaSettings settings, TopicSpec<T> topic) {
        return TopicTail.fromEnd(settings, registry, topic, IsolationLevel.READ_COMMITTED);
    }

    /**
     * Sends a request and follows it to its end.
     *
     * @param pieces takes the text of the tokens as they come, in order, each once
     * @throws UserException when nothing ended it in time
     */
    public Outcome run(InferenceRequest request, Duration timeout, Consumer<String> pieces) {
        long deadline = System.nanoTime() + timeout.toNanos();
        send(InferenceRequest.newBuilder(request)
                .setArrivalMs(System.currentTimeMillis())
                .build());
        String id = request.getRequestId();
        TokenOrder order = new TokenOrder(pieces);
        Optional<Completion> completion = Optional.empty();
        while (System.nanoTime() < deadline) {
            for (Tailed<Token> tailed : tokens.poll(POLL)) {
                if (id.equals(tailed.key())) {
                    order.accept(tailed.value());
                }
            }
            if (completion.isEmpty()) {
                completion = first(completions.poll(Duration.ZERO), id);
            }
            if (completion.isPresent() && order.count() >= completion.get().getCompletionTokens()) {
                return new Answered(completion.get());
            }
            Optional<ErrorRecord> error = first(errors.poll(Duration.ZERO), id);
            if (error.isPresent()) {
                return new Refused(error.get());
            }
        }
        throw new UserException("request " + id + " was not answered within " + timeout.toSeconds()
                + " s: look at the logs of router and workers, or wait longer with --timeout");
    }

    private void send(InferenceRequest request) {
        ProducerRecord<String, InferenceRequest> record =
                new ProducerRecord<>(Topics.REQUESTS.name(), request.getRequestId(), request);
        CloudEvents.headers(request.getRequestId(), "/sluice/ask", CloudEvents.REQUEST_TYPE, Instant.now())
                .forEach(record.headers()::add);
        try {
            producer.send(record).get();
        } catch (ExecutionException e) {
            throw new UserException(
                    "the request could not be sent: " + e.getCause().getMessage(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserException("interrupted while the request was sent", e);
        }
    }

    private static <T> Optional<T> first(List<Tailed<T>> records, String id) {
        return records.stream()
                .filter(tailed -> id.equals(tailed.key()))
                .map(Tailed::value)
                .findFirst();
    }

    @Override
    public void close() {
        producer.close();
        errors.close();
        completions.close();
        tokens.close();
        registry.close();
    }
}

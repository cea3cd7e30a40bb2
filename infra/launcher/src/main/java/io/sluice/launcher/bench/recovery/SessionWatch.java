package io.sluice.launcher.bench.recovery;

import io.sluice.loadgen.RequestOutcome;
import io.sluice.messaging.CloudEvents;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Session;
import io.sluice.records.Token;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends one request at a time to a running stack and follows everything the topics say of it, so that something can be
 * done to the stack at a chosen moment. Also counts the ends of every request ever seen. Not thread-safe.
 */
public final class SessionWatch implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(2);

    private final KafkaProducer<String, InferenceRequest> producer;
    private final TopicTail<Token> tokens;
    private final TopicTail<Session> sessions;
    private final TopicTail<Completion> completions;
    private final TopicTail<ErrorRecord> errors;
    private final ClusterView cluster;
    private final Map<String, List<Object>> ends = new TreeMap<>();

    /** What happens to the request that is followed; called from the thread that follows. */
    public interface Listener {
        /** The router has assigned or reassigned it, or says that it is over. */
        default void onSession(Session session) {}

        /** A token extended the sequence; {@code count} are there now. */
        default void onToken(Token token, int count) {}
    }

    /**
     * A request that has ended, or was given up.
     *
     * @param states what the router said of its session, in order
     * @param tokens token records that extended the sequence, in order
     */
    public record Watched(RequestOutcome outcome, List<Session> states, List<Token> tokens) {
        public Watched {
            states = List.copyOf(states);
            tokens = List.copyOf(tokens);
        }
    }

    /** Opens the topics at their end. */
    public SessionWatch(KafkaSettings settings, SchemaRegistry registry, ClusterView cluster) {
        this.cluster = cluster;
        this.tokens = TopicTail.fromEnd(settings, registry, Topics.TOKENS, IsolationLevel.READ_UNCOMMITTED);
        this.sessions = committed(settings, registry, Topics.SESSIONS);
        this.completions = committed(settings, registry, Topics.COMPLETIONS);
        this.errors = committed(settings, registry, Topics.ERRORS);
        this.producer = new KafkaProducer<>(
                KafkaClients.durableProducer(settings, "sluice-watch"),
                new StringSerializer(),
                new AvroSerializer<>(registry, Topics.REQUESTS));
        producer.partitionsFor(Topics.REQUESTS.name());
    }

    private static <T extends SpecificRecord> TopicTail<T> committed(
            KafkaSettings settings, SchemaRegistry registry, TopicSpec<T> topic) {
        return TopicTail.fromEnd(settings, registry, topic, IsolationLevel.READ_COMMITTED);
    }

    /** Sends the request and follows it until it ends or the patience does. */
    public Watched run(InferenceRequest request, Duration patience, Listener listener) {
        String id = request.getRequestId();
        long deadline = System.nanoTime() + patience.toNanos();
        RequestOutcome outcome = new RequestOutcome(request, System.nanoTime());
        List<Session> states = new ArrayList<>();
        List<Token> accepted = new ArrayList<>();
        send(request);
        while (!outcome.ended() && System.nanoTime() < deadline) {
            cluster.poll(Duration.ZERO);
            for (Tailed<Token> token : tokens.poll(POLL)) {
                if (id.equals(token.key()) && outcome.onToken(token.value(), System.nanoTime())) {
                    accepted.add(token.value());
                    listener.onToken(token.value(), accepted.size());
                }
            }
            for (Tailed<Session> session : sessions.poll(Duration.ZERO)) {
                if (id.equals(session.key()) && session.value() != null) {
                    states.add(session.value());
                    listener.onSession(session.value());
                }
            }
            readEnds(outcome);
        }
        return new Watched(outcome, states, accepted);
    }

    private void readEnds(RequestOutcome outcome) {
        for (Tailed<Completion> completion : completions.poll(Duration.ZERO)) {
            end(completion.key(), completion.value());
            if (outcome != null && outcome.request().getRequestId().equals(completion.key())) {
                outcome.onCompletion(completion.value());
            }
        }
        for (Tailed<ErrorRecord> error : errors.poll(Duration.ZERO)) {
            end(error.key(), error.value());
            if (outcome != null && outcome.request().getRequestId().equals(error.key())) {
                outcome.onError(error.value());
            }
        }
    }

    private void end(String id, Object record) {
        ends.computeIfAbsent(id, ignored -> new ArrayList<>()).add(record);
    }

    /** Reads what has come in the meantime; waits at most this long. */
    public void poll(Duration wait) {
        cluster.poll(wait);
        tokens.poll(Duration.ZERO);
        sessions.poll(Duration.ZERO);
        readEnds(null);
    }

    /** Completions and errors of each request so far, by its id; everything in the topics when this is called counts. */
    public Map<String, List<Object>> ends() {
        while (!completions.atEnd() || !errors.atEnd()) {
            readEnds(null);
        }
        return new TreeMap<>(ends);
    }

    private void send(InferenceRequest request) {
        String id = request.getRequestId();
        ProducerRecord<String, InferenceRequest> record = new ProducerRecord<>(Topics.REQUESTS.name(), id, request);
        CloudEvents.headers(id, "/sluice/watch", CloudEvents.REQUEST_TYPE, Instant.now())
                .forEach(record.headers()::add);
        producer.send(record);
        producer.flush();
    }

    @Override
    public void close() {
        producer.close();
        errors.close();
        completions.close();
        sessions.close();
        tokens.close();
    }
}

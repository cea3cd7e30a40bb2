package io.sluice.loadgen;

import io.sluice.messaging.CloudEvents;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Token;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.StringSerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Plays a {@link LoadPlan} against a running stack and follows every request to its end: tokens, then exactly one
 * completion or error. One run at a time; the listener is called from the reading thread.
 */
public final class LoadGenerator implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LoadGenerator.class);

    private final KafkaProducer<String, InferenceRequest> producer;
    private final TopicTail<Token> tokens;
    private final TopicTail<Completion> completions;
    private final TopicTail<ErrorRecord> errors;
    private final InstantSource clock;
    private final Queue<Unsent> unsent = new ConcurrentLinkedQueue<>();

    /** A request that the broker did not take in time. */
    private record Unsent(RequestOutcome outcome, Exception cause) {}

    /** Progress of a run; all calls come from one thread. */
    public interface Listener {
        /** A token extended the text of a request. */
        default void onToken(RequestOutcome outcome, Token token) {}

        /** A request ended in a completion or an error. */
        default void onEnd(RequestOutcome outcome, int ended, int total) {}
    }

    /**
     * A finished run.
     *
     * @param outcomes in plan order, every request, ended or not
     * @param durationSeconds from the first request sent to the last answer
     */
    public record Run(List<RequestOutcome> outcomes, double durationSeconds) {
        public Run {
            outcomes = List.copyOf(outcomes);
        }

        /** Requests that neither completed nor failed before the time-out. */
        public long unanswered() {
            return outcomes.stream().filter(o -> !o.ended()).count();
        }
    }

    /** Connects; readers start at the end of their topics, so only answers to this generator's requests count. */
    public LoadGenerator(KafkaSettings settings, SchemaRegistry registry, InstantSource clock) {
        this.clock = clock;
        this.producer = new KafkaProducer<>(
                KafkaClients.durableProducer(settings, "loadgen"),
                new StringSerializer(),
                new AvroSerializer<>(registry, Topics.REQUESTS));
        this.tokens = TopicTail.fromEnd(settings, registry, Topics.TOKENS, IsolationLevel.READ_UNCOMMITTED);
        this.completions = TopicTail.fromEnd(settings, registry, Topics.COMPLETIONS, IsolationLevel.READ_COMMITTED);
        this.errors = TopicTail.fromEnd(settings, registry, Topics.ERRORS, IsolationLevel.READ_COMMITTED);
    }

    /**
     * Sends the plan's requests at their times, at most {@code maxInFlight} unanswered at once, and waits for the answers.
     * A request that the broker does not take within the producer's delivery time-out (two minutes) has ended, unsent; the
     * others go on.
     *
     * @param timeout for the whole run; what has not ended by then is reported as it stands
     */
    public Run run(LoadPlan plan, int maxInFlight, Duration timeout, Listener listener) throws InterruptedException {
        if (maxInFlight < 1) {
            throw new IllegalArgumentException("at most " + maxInFlight + " requests in flight: must be at least 1");
        }
        List<RequestOutcome> outcomes = new ArrayList<>();
        Map<String, RequestOutcome> open = new LinkedHashMap<>();
        Semaphore slots = new Semaphore(maxInFlight);
        long start = System.nanoTime();
        long deadline = start + timeout.toNanos();
        AtomicReference<RuntimeException> sendFailure = new AtomicReference<>();
        Thread sender = Thread.ofPlatform()
                .name("loadgen-sender")
                .start(() -> send(plan, start, deadline, slots, outcomes, open, sendFailure));
        int ended = 0;
        long lastAnswer = start;
        try {
            while (ended < plan.requests().size() && System.nanoTime() < deadline && sendFailure.get() == null) {
                int before = ended;
                ended += readAnswers(open, listener, ended, plan.requests().size());
                if (ended > before) {
                    slots.release(ended - before);
                    lastAnswer = System.nanoTime();
                }
            }
        } finally {
            sender.interrupt();
            sender.join();
        }
        if (sendFailure.get() != null) {
            throw sendFailure.get();
        }
        return new Run(outcomes, (lastAnswer - start) / 1e9);
    }

    private void send(
            LoadPlan plan,
            long start,
            long deadline,
            Semaphore slots,
            List<RequestOutcome> outcomes,
            Map<String, RequestOutcome> open,
            AtomicReference<RuntimeException> failure) {
        try {
            for (LoadPlan.Planned planned : plan.requests()) {
                long due = start + (long) (planned.offsetMs() * 1e6);
                long wait = due - System.nanoTime();
                if (wait > 0) {
                    TimeUnit.NANOSECONDS.sleep(wait);
                }
                if (!slots.tryAcquire(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                    return;
                }
                InferenceRequest request = InferenceRequest.newBuilder(planned.request())
                        .setArrivalMs(clock.millis())
                        .build();
                RequestOutcome outcome = new RequestOutcome(request, System.nanoTime());
                synchronized (open) {
                    outcomes.add(outcome);
                    open.put(request.getRequestId(), outcome);
                }
                producer.send(record(request), (metadata, error) -> {
                    if (error != null) {
                        unsent.add(new Unsent(outcome, error));
                    }
                });
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            failure.compareAndSet(null, e);
        }
    }

    private ProducerRecord<String, InferenceRequest> record(InferenceRequest request) {
        String id = request.getRequestId();
        return new ProducerRecord<>(
                Topics.REQUESTS.name(),
                null,
                id,
                request,
                CloudEvents.headers(id, "/sluice/loadgen", CloudEvents.REQUEST_TYPE, clock.instant()));
    }

    /** Reads what has come; a request has ended with its error, or with its completion and every token that it counts. */
    private int readAnswers(Map<String, RequestOutcome> open, Listener listener, int endedSoFar, int total) {
        Set<RequestOutcome> touched = new LinkedHashSet<>();
        for (var tailed : tokens.poll(Duration.ofMillis(20))) {
            RequestOutcome outcome = find(open, tailed.value().getRequestId());
            if (outcome != null && outcome.onToken(tailed.value(), System.nanoTime())) {
                listener.onToken(outcome, tailed.value());
                touched.add(outcome);
            }
        }
        for (var tailed : completions.poll(Duration.ZERO)) {
            RequestOutcome outcome = find(open, tailed.value().getRequestId());
            if (outcome != null) {
                outcome.onCompletion(tailed.value());
                touched.add(outcome);
            }
        }
        for (var tailed : errors.poll(Duration.ZERO)) {
            String id = tailed.value().getRequestId();
            RequestOutcome outcome = id == null ? null : find(open, id);
            if (outcome != null) {
                outcome.onError(tailed.value());
                touched.add(outcome);
            }
        }
        for (Unsent failed = unsent.poll(); failed != null; failed = unsent.poll()) {
            LOG.warn("request={} was not sent: {}", failed.outcome.request().getRequestId(), failed.cause.getMessage());
            failed.outcome.onUnsent(failed.cause.getMessage());
            touched.add(failed.outcome);
        }
        int ended = 0;
        for (RequestOutcome outcome : touched) {
            if (outcome.ended() && remove(open, outcome.request().getRequestId()) != null) {
                listener.onEnd(outcome, endedSoFar + ++ended, total);
            }
        }
        return ended;
    }

    private static RequestOutcome find(Map<String, RequestOutcome> open, String id) {
        synchronized (open) {
            return open.get(id);
        }
    }

    private static RequestOutcome remove(Map<String, RequestOutcome> open, String id) {
        synchronized (open) {
            return open.remove(id);
        }
    }

    @Override
    public void close() {
        producer.close(Duration.ofSeconds(5));
        tokens.close();
        completions.close();
        errors.close();
    }
}

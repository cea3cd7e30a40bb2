package io.sluice.router;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.sluice.core.ServiceClass;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.planning.Allocation;
import io.sluice.records.Completion;
import io.sluice.records.ErrorReason;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The router's meters, all under {@code sluice_router_}. Thread-safe. */
final class RouterMetrics {
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final MeterRegistry registry;
    private final SharedDispatch dispatch;
    private final Set<String> gaugesOfWorkers = ConcurrentHashMap.newKeySet();

    RouterMetrics(MeterRegistry registry, SharedDispatch dispatch, ModelCatalog models) {
        this.registry = registry;
        this.dispatch = dispatch;
        Gauge.builder("sluice.router.queue.length", dispatch, SharedDispatch::queued)
                .description("Requests that wait for a pipeline")
                .strongReference(true)
                .register(registry);
        Gauge.builder("sluice.router.active.sessions", dispatch, SharedDispatch::active)
                .description("Sessions that have a pipeline")
                .strongReference(true)
                .register(registry);
        for (Beat.State state : Beat.State.values()) {
            Gauge.builder("sluice.router.members", dispatch, d -> d.members().count(state))
                    .description("Workers by state, as this router hears of them")
                    .tag("state", state.name().toLowerCase(Locale.ROOT))
                    .strongReference(true)
                    .register(registry);
        }
        FunctionCounter.builder(
                        "sluice.router.zombies", dispatch, d -> d.members().zombies())
                .description("Processes of an earlier start of a worker that were heard of after a newer one")
                .register(registry);
        Gauge.builder("sluice.router.cut.off", dispatch, d -> d.members().isCutOff() ? 1 : 0)
                .description("1 while the router does not hear its own heartbeat, so that no lease ends")
                .strongReference(true)
                .register(registry);
        for (String model : models.names()) {
            Gauge.builder("sluice.router.allocation.epoch", dispatch, d -> d.epoch(model)
                            .orElse(0))
                    .description("Epoch of the allocation in use; 0: none yet")
                    .tag("model", model)
                    .strongReference(true)
                    .register(registry);
            if (dispatch.windowsPrompts()) {
                Gauge.builder("sluice.router.prompts.under.way", dispatch, d -> d.prompts(model))
                        .description("Prompts that are being computed: sent, and no first token yet")
                        .tag("model", model)
                        .strongReference(true)
                        .register(registry);
                Gauge.builder("sluice.router.prompts.limit", dispatch, d -> d.promptLimit(model))
                        .description("Prompts of usual length that may be computed at once; 0: no limit yet")
                        .tag("model", model)
                        .strongReference(true)
                        .register(registry);
            }
        }
    }

    /** A request got its end or its pipeline; outcome: assigned, completed, or the reason of its error. */
    void outcome(String outcome) {
        counter("sluice.router.requests", "Requests by what became of them", "outcome", outcome)
                .increment();
    }

    void refused(ErrorReason reason) {
        outcome(reason.name().toLowerCase(Locale.ROOT));
    }

    void assigned(RoutedRequest request, Iterable<Stage> stages, long waitedMs) {
        outcome("assigned");
        Timer.builder("sluice.router.queue.wait")
                .description("From receipt of a request to its pipeline")
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofMinutes(1))
                .register(registry)
                .record(Duration.ofMillis(Math.max(0, waitedMs)));
        for (Stage stage : stages) {
            String worker = stage.worker().value();
            counter("sluice.router.assigned.sessions", "Sessions sent to a worker", "worker", worker)
                    .increment();
            counter("sluice.router.assigned.tokens", "Tokens expected of sessions sent to a worker", "worker", worker)
                    .increment(request.work());
        }
    }

    /**
     * A request with latency objectives.
     *
     * @param result asked: it was taken in; unattainable: its pipeline could not keep them even at full speed; met or
     *     missed: it completed so
     */
    void slo(ServiceClass serviceClass, String result) {
        Counter.builder("sluice.router.slo.requests")
                .description("Requests with latency objectives, by service class and what became of them")
                .tag("class", serviceClass.name().toLowerCase(Locale.ROOT))
                .tag("result", result)
                .register(registry)
                .increment();
    }

    /** A session ended with a completion. */
    void completed(Completion completion, ServiceClass serviceClass) {
        outcome("completed");
        if (completion.getSloMet() != null) {
            slo(serviceClass, completion.getSloMet() ? "met" : "missed");
        }
        int tokens = completion.getCompletionTokens();
        String model = completion.getModel();
        counter("sluice.router.prompt.tokens", "Prompt tokens of completed requests", "model", model)
                .increment(completion.getPromptTokens());
        counter("sluice.router.generation.tokens", "Generated tokens of completed requests", "model", model)
                .increment(tokens);
        latency("sluice.router.time.to.first.token", "From arrival to the first token", model)
                .record(Duration.ofMillis(Math.max(0, completion.getFirstTokenMs() - completion.getArrivalMs())));
        latency("sluice.router.e2e.request.latency", "From arrival to the last token", model)
                .record(Duration.ofMillis(Math.max(0, completion.getFinishedMs() - completion.getArrivalMs())));
        if (tokens > 1) {
            long decodeMs = Math.max(0, completion.getFinishedMs() - completion.getFirstTokenMs());
            latency("sluice.router.time.per.output.token", "Per token after the first", model)
                    .record(Duration.ofNanos(decodeMs * NANOS_PER_MILLI / (tokens - 1)));
        }
    }

    /** A token; result: accepted, or why it was dropped. */
    void token(String result) {
        counter("sluice.router.tokens", "Tokens received", "result", result).increment();
    }

    /** A stage's report; result: used, stale_attempt, overtaken, zombie, stray or misplaced. */
    void report(String result) {
        counter("sluice.router.reports", "Reports of stages that cannot go on", "result", result)
                .increment();
    }

    /**
     * An interrupted session goes on.
     *
     * @param mode keep, rebuild, recompute (the first stages, into the caches of the others), replay, or restart (before
     *     the first token)
     * @param cause lost, restarted, drain, silent, overtaken, restart (of the router), or what a stage reported
     */
    void recovered(String mode, String cause) {
        Counter.builder("sluice.router.recoveries")
                .description("Attempts after the first, by how the session went on and why")
                .tag("mode", mode)
                .tag("cause", cause)
                .register(registry)
                .increment();
    }

    /** A session that was interrupted has its next token. */
    void resumed(String mode, long tookMs) {
        Timer.builder("sluice.router.recovery")
                .description("From the interruption of a session to its next token")
                .tag("mode", mode)
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofMinutes(2))
                .register(registry)
                .record(Duration.ofMillis(Math.max(0, tookMs)));
    }

    /** A record that could not be used, by topic. */
    void deadLetter(String topic) {
        counter("sluice.router.dead.letters", "Records that could not be used", "topic", topic)
                .increment();
    }

    /** Adds the gauges of workers seen for the first time. */
    void workers(Allocation allocation) {
        for (Allocation.WorkerFlow flow : allocation.workers()) {
            WorkerId worker = flow.worker();
            if (gaugesOfWorkers.add(allocation.model() + "/" + worker)) {
                Gauge.builder("sluice.router.kv.reserved.tokens", dispatch, d -> d.reserved(allocation.model(), worker))
                        .description("KV cache reserved by sessions of this router")
                        .tag("model", allocation.model())
                        .tag("worker", worker.value())
                        .strongReference(true)
                        .register(registry);
            }
        }
    }

    private Timer latency(String name, String description, String model) {
        return Timer.builder(name)
                .description(description)
                .tag("model", model)
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofMinutes(2))
                .register(registry);
    }

    private Counter counter(String name, String description, String tag, String value) {
        return Counter.builder(name).description(description).tag(tag, value).register(registry);
    }
}

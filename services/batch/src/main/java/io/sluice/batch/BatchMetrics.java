package io.sluice.batch;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** The batch service's meters, all under {@code sluice_batch_}. Thread-safe. */
final class BatchMetrics {
    private final MeterRegistry registry;
    private final AtomicInteger openJobs = new AtomicInteger();
    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicLong waiting = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();

    BatchMetrics(MeterRegistry registry) {
        this.registry = registry;
        gauge("sluice.batch.jobs.open", "Jobs that have not ended", openJobs);
        gauge("sluice.batch.items.in.flight", "Items whose requests are out", inFlight);
        gauge("sluice.batch.items.waiting", "Items that were not sent yet", waiting);
        gauge("sluice.batch.kept.bytes", "Bytes of the lines that are kept", bytes);
    }

    /** A service that is started again in one process counts anew. */
    private void gauge(String name, String description, Number value) {
        registry.find(name).gauges().forEach(registry::remove);
        Gauge.builder(name, value, Number::doubleValue)
                .description(description)
                .strongReference(true)
                .register(registry);
    }

    /** How much there is now. */
    void now(int jobs, int itemsInFlight, long itemsWaiting, long keptBytes) {
        openJobs.set(jobs);
        inFlight.set(itemsInFlight);
        waiting.set(itemsWaiting);
        bytes.set(keptBytes);
    }

    /** An item has its result: completed, or the code of its error. */
    void result(String code) {
        counter("sluice.batch.items", "Items by how they ended", "result", code).increment();
    }

    /** A job is over. */
    void ended(JobPhase phase) {
        counter(
                        "sluice.batch.jobs",
                        "Jobs by how they ended",
                        "state",
                        phase.name().toLowerCase(Locale.ROOT))
                .increment();
    }

    /** A record of the jobs topic, or the end of a request; fate: used, refused, repeated, returned. */
    void record(String fate) {
        counter("sluice.batch.records", "Records read by what became of them", "fate", fate)
                .increment();
    }

    private Counter counter(String name, String description, String tag, String value) {
        return Counter.builder(name).description(description).tag(tag, value).register(registry);
    }
}

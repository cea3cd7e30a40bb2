package io.sluice.worker;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.sluice.core.sharing.TenantId;
import io.sluice.worker.sharing.SharingControl;
import io.sluice.worker.sharing.SharingView;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;

/** The meters of how a worker shares its device, {@code sluice_worker_sharing_*}. Thread-safe. */
final class SharingMetrics {
    /** Tenants with a series of their own; what comes later counts together. */
    static final int MOST_TENANTS = 32;

    private static final String OTHERS = "others";

    private final MeterRegistry registry;
    private final Tags tags;
    private final Map<String, Counter> tokens = new ConcurrentHashMap<>();

    SharingMetrics(MeterRegistry registry, Tags tags) {
        this.registry = Objects.requireNonNull(registry, "registry");
        this.tags = Objects.requireNonNull(tags, "tags");
    }

    /** Best-effort positions of a tenant came through all layers here. */
    void computed(TenantId tenant, int positions) {
        String name = tokens.size() < MOST_TENANTS || tokens.containsKey(tenant.value()) ? tenant.value() : OTHERS;
        tokens.computeIfAbsent(name, key -> Counter.builder("sluice.worker.sharing.best_effort.tokens")
                        .description("Positions computed of best-effort tenants; beyond " + MOST_TENANTS
                                + " tenants the rest is \"" + OTHERS + "\".")
                        .tags(tags.and("tenant", key))
                        .register(registry))
                .increment(positions);
    }

    /** Registers what reads the control. */
    void observe(SharingControl sharing, LongSupplier nanos) {
        if (!sharing.enabled()) {
            return;
        }
        Source source = new Source(sharing, nanos);
        gauge("quota", "Quota in force for best-effort work, 0 to 1.", source, SharingView::quota);
        gauge("quota.published", "Quota of the limits that hold; 0: none do.", source, SharingView::publishedQuota);
        gauge("quota.own", "Quota that this worker's own steps allow.", source, SharingView::ownQuota);
        gauge("limits.fresh", "1 while limits hold, 0: best-effort work stands still.", source, v -> v.fresh() ? 1 : 0);
        gauge("limits.epoch", "Epoch of the newest limits; 0: none.", source, SharingView::epoch);
        gauge("lanes", "Lanes that best-effort work may hold at once.", source, SharingView::lanes);
        gauge("slice.bound.seconds", "Longest best-effort slice allowed.", source, v -> v.sliceBoundNanos() / 1e9);
        gauge("suspended.batches", "Best-effort batches that wait half done.", source, SharingView::suspendedBatches);
        gauge(
                "drain.longest.seconds",
                "Longest time that latency-critical work waited for a slice.",
                source,
                v -> v.longestDrainNanos() / 1e9);
        counter("steps", "Latency-critical steps judged.", source, SharingView::steps);
        counter("violations", "Steps that best-effort work made too late.", source, SharingView::violations);
        counter("excused", "Steps that only their sessions' budgets excused.", source, SharingView::excused);
        counter("slices", "Best-effort slices ended.", source, SharingView::slices);
        counter("overruns", "Slices longer than their bound.", source, SharingView::overruns);
        counter("slice.seconds", "Time that slices took.", source, v -> v.sliceNanos() / 1e9);
        counter("drains", "Times that latency-critical work waited for a slice.", source, SharingView::drains);
        counter("drain.seconds", "How long it did.", source, v -> v.drainNanos() / 1e9);
        counter(
                "pool.switches",
                "Changes of the side lanes that may be used, and of what runs on pools.",
                source,
                SharingView::poolSwitches);
        gauge(
                "side.lanes",
                "Cores that best-effort work may use beside latency-critical work; 0: in the gaps only.",
                source,
                SharingView::sideLanes);
        gauge(
                "usual.slowdown",
                "How many times as long steps usually are with so many cores in use; 1: not, or unknown.",
                source,
                SharingView::usualSlowdown);
        counter("pool.slices", "Slices that ran in a gap on a core of their own.", source, SharingView::pooledSlices);
        gauge(
                "pool.groups",
                "Kernel groups that the limits have on a core of their own in the gaps.",
                source,
                SharingView::pooledGroups);
        gauge("lanes.held", "Side lanes on which slices run now.", source, SharingView::lanesHeld);
        work("beside", source, SharingView::besideUnits);
        work("gaps", source, SharingView::gapUnits);
    }

    private record Source(SharingControl sharing, LongSupplier nanos) {
        double read(ToDoubleFunction<SharingView> value) {
            return value.applyAsDouble(sharing.view(nanos.getAsLong()));
        }
    }

    private void work(String where, Source source, ToDoubleFunction<SharingView> value) {
        FunctionCounter.builder("sluice.worker.sharing.layer.positions", source, s -> s.read(value))
                .description(
                        "Layers times positions of best-effort work, beside latency-critical work and in the gaps.")
                .tags(tags.and("where", where))
                .register(registry);
    }

    private void gauge(String name, String description, Source source, ToDoubleFunction<SharingView> value) {
        Gauge.builder("sluice.worker.sharing." + name, source, s -> s.read(value))
                .description(description)
                .tags(tags)
                .strongReference(true)
                .register(registry);
    }

    private void counter(String name, String description, Source source, ToDoubleFunction<SharingView> value) {
        FunctionCounter.builder("sluice.worker.sharing." + name, source, s -> s.read(value))
                .description(description)
                .tags(tags)
                .register(registry);
    }
}

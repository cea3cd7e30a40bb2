package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.SharingReport;
import io.sluice.records.TenantUse;
import io.sluice.worker.IntervalStats.Interval;
import io.sluice.worker.device.Device;
import io.sluice.worker.sharing.SharingControl;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Turns what has been gathered into telemetry records. Energy and power are known where the device's are, measured or
 * estimated; the temperature is not and stays null. Not thread-safe: one telemetry thread.
 */
final class TelemetryPublisher {
    private final WorkerId self;
    private final long incarnation;
    private final String model;
    private final Device device;
    private final LongSupplier kvCapacityTokens;
    private final IntervalStats stats;
    private final EnergyMeter energy;
    private final SharingControl sharing;
    private final LinkStats links;
    private final LongSupplier usedBytes;
    private final LongSupplier nanos;
    private final LongSupplier epochMillis;
    private final Consumer<Interval> intervals;
    private long sequence;
    private long deviceSinceNanos;
    private long linksSinceNanos;
    private OptionalDouble formerJoules;

    /** @param intervals sees every interval of the device, too */
    TelemetryPublisher(
            WorkerId self,
            long incarnation,
            String model,
            Device device,
            LongSupplier kvCapacityTokens,
            IntervalStats stats,
            EnergyMeter energy,
            SharingControl sharing,
            LinkStats links,
            LongSupplier usedBytes,
            LongSupplier nanos,
            LongSupplier epochMillis,
            Consumer<Interval> intervals) {
        this.self = Objects.requireNonNull(self, "self");
        this.incarnation = incarnation;
        this.model = Objects.requireNonNull(model, "model");
        this.device = Objects.requireNonNull(device, "device");
        this.kvCapacityTokens = Objects.requireNonNull(kvCapacityTokens, "kvCapacityTokens");
        this.stats = Objects.requireNonNull(stats, "stats");
        this.energy = Objects.requireNonNull(energy, "energy");
        this.sharing = Objects.requireNonNull(sharing, "sharing");
        this.links = Objects.requireNonNull(links, "links");
        this.usedBytes = Objects.requireNonNull(usedBytes, "usedBytes");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.epochMillis = Objects.requireNonNull(epochMillis, "epochMillis");
        this.intervals = Objects.requireNonNull(intervals, "intervals");
        this.deviceSinceNanos = nanos.getAsLong();
        this.linksSinceNanos = deviceSinceNanos;
        this.formerJoules = energy.joules();
    }

    /** The device's record for the time since the last one; also the heartbeat, so it is made when nothing ran, too. */
    GpuTelemetry device() {
        long now = nanos.getAsLong();
        Interval interval = stats.take(now);
        intervals.accept(interval);
        long elapsedNanos = Math.max(1, now - deviceSinceNanos);
        deviceSinceNanos = now;
        Double joules = joules();
        return GpuTelemetry.newBuilder()
                .setWorker(self.value())
                .setIncarnation(incarnation)
                .setModel(model)
                .setSequence(sequence++)
                .setAtMs(epochMillis.getAsLong())
                .setIntervalMs(elapsedNanos / 1_000_000)
                .setBusyUs(interval.busyMicros())
                .setUtilization(Math.min(1, interval.busyMicros() * 1e3 / elapsedNanos))
                .setPrefillTokens(interval.prefillTokens())
                .setDecodeTokens(interval.decodeTokens())
                .setBatches(interval.batches())
                .setQueueChunks(interval.queueChunks())
                .setSessions(interval.sessions())
                .setKvUsedTokens(interval.kvUsedTokens())
                .setKvCapacityTokens(kvCapacityTokens.getAsLong())
                .setMemoryUsedBytes(usedBytes.getAsLong())
                .setMemoryTotalBytes(device.memoryBytes())
                .setPowerWatts(joules == null ? null : joules * 1e9 / elapsedNanos)
                .setClasses(interval.classes())
                .setEnergyJoules(joules)
                .setSharing(sharing(now))
                .build();
    }

    private SharingReport sharing(long now) {
        SharingReport report = sharing.take(now);
        OptionalDouble watts = device.workWatts();
        if (report != null && watts.isPresent()) {
            for (TenantUse use : report.getTenants()) {
                use.setWatts(use.getRunNs() > 0 ? Double.valueOf(watts.getAsDouble()) : null);
            }
        }
        return report;
    }

    /** Energy since the last call; null: not known. */
    private Double joules() {
        OptionalDouble former = formerJoules;
        formerJoules = energy.joules();
        return former.isPresent() && formerJoules.isPresent()
                ? Double.valueOf(Math.max(0, formerJoules.getAsDouble() - former.getAsDouble()))
                : null;
    }

    /** One record per link with traffic since the last call, by sender. */
    List<LinkTelemetry> links() {
        long now = nanos.getAsLong();
        long elapsedMillis = (now - linksSinceNanos) / 1_000_000;
        linksSinceNanos = now;
        long at = epochMillis.getAsLong();
        return links.take().entrySet().stream()
                .map(link -> LinkTelemetry.newBuilder()
                        .setFromWorker(link.getKey())
                        .setToWorker(self.value())
                        .setModel(model)
                        .setAtMs(at)
                        .setIntervalMs(elapsedMillis)
                        .setRecords(link.getValue().records())
                        .setBytes(link.getValue().bytes())
                        .setSamples(link.getValue().samples())
                        .build())
                .toList();
    }

    /** Key of a link's record. */
    static String key(LinkTelemetry link) {
        return link.getFromWorker() + ">" + link.getToWorker();
    }
}

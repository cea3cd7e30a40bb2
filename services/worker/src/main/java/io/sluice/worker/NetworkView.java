package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.core.network.ClockOffsets;
import io.sluice.core.network.LinkMeter;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.TransferSample;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What this worker knows of the network from the link reports of all receivers, its own among them: by how much clocks
 * differ, and latency and bandwidth of the links it sends over, which it cannot see itself. Thread-safe.
 */
final class NetworkView {
    private static final int MAX_LINKS = 1_024;

    private final String self;
    private final OptionalDouble declaredBytesPerSecond;
    private final ClockOffsets clocks = new ClockOffsets();
    private final Map<String, LinkMeter> outgoing = new TreeMap<>();
    private final TreeSet<String> senders = new TreeSet<>();

    /** @param declaredBytesPerSecond what an operator says of this worker's link, which counts until something is measured */
    NetworkView(WorkerId self, OptionalDouble declaredBytesPerSecond) {
        this.self = Objects.requireNonNull(self, "self").value();
        this.declaredBytesPerSecond = Objects.requireNonNull(declaredBytesPerSecond, "declaredBytesPerSecond");
    }

    /** Takes a report; its age counts from now. */
    synchronized void reported(LinkTelemetry report, long nowMillis) {
        String from = report.getFromWorker();
        String to = report.getToWorker();
        boolean own = from.equals(self);
        if (own && outgoing.size() < MAX_LINKS) {
            outgoing.computeIfAbsent(to, key -> new LinkMeter());
        }
        if (to.equals(self) && senders.size() < MAX_LINKS) {
            senders.add(from);
        }
        LinkMeter meter = own ? outgoing.get(to) : null;
        for (TransferSample sample : report.getSamples()) {
            clocks.saw(from, to, sample.getTransferUs(), nowMillis);
            if (meter != null) {
                meter.saw(sample.getBytes(), sample.getTransferUs(), nowMillis);
            }
        }
    }

    /**
     * Bandwidth to a worker as measured, else as declared: where records are all of one size, as they are cut for a slow
     * link, nothing can be measured. Empty where it is not known.
     */
    synchronized OptionalDouble bytesPerSecond(WorkerId next, long nowMillis) {
        LinkMeter meter = outgoing.get(next.value());
        OptionalDouble measured = meter == null ? OptionalDouble.empty() : meter.bytesPerSecond(nowMillis);
        return measured.isPresent() ? measured : declaredBytesPerSecond;
    }

    /** Latency of the empty link to a worker; 0 where it is not known. */
    synchronized double latencySeconds(WorkerId next, long nowMillis) {
        return Math.max(0, clocks.latencyMicros(self, next.value(), nowMillis).orElse(0) / 1e6);
    }

    /** This worker's clock minus each sender's, microseconds; senders of whom it is not known are absent. */
    synchronized Map<String, Long> offsetsMicros(long nowMillis) {
        Map<String, Long> offsets = new TreeMap<>();
        for (String sender : senders) {
            clocks.offsetMicros(sender, self, nowMillis).ifPresent(micros -> offsets.put(sender, Math.round(micros)));
        }
        return offsets;
    }
}

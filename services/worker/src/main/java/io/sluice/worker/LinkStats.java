package io.sluice.worker;

import io.sluice.records.TransferSample;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What came in over each link since the last look. Written by the consumer thread, read by the telemetry thread. Of
 * many transfers every n-th is sampled, with n doubling, so that the samples spread over the whole interval. Samples are as
 * measured, by two clocks; only what {@link #received} returns is corrected.
 */
final class LinkStats {
    /** Most samples of a link telemetry record. */
    static final int MAX_SAMPLES = 64;

    private final Map<String, Link> links = new TreeMap<>();
    private Map<String, Long> offsetsMicros = Map.of();

    /**
     * Takes note of a transfer.
     *
     * @param micros receive time minus send time by the two clocks
     * @return the same without the offset of the clocks, never negative then; {@code micros} while that is unknown
     */
    synchronized long received(String sender, long bytes, long micros) {
        links.computeIfAbsent(sender, key -> new Link()).add(bytes, micros);
        Long offset = offsetsMicros.get(sender);
        return offset == null ? micros : Math.max(0, micros - offset);
    }

    /** From now on: this worker's clock minus each sender's, microseconds. */
    synchronized void setOffsets(Map<String, Long> micros) {
        offsetsMicros = Map.copyOf(micros);
    }

    /** Takes what has gathered, by sender; links without traffic are absent. */
    synchronized Map<String, Traffic> take() {
        Map<String, Traffic> taken = new TreeMap<>();
        links.forEach((sender, link) -> taken.put(sender, new Traffic(link.records, link.bytes, link.samples)));
        links.clear();
        return taken;
    }

    /** One link's traffic in one interval. */
    record Traffic(long records, long bytes, List<TransferSample> samples) {}

    private static final class Link {
        private long records;
        private long bytes;
        private long stride = 1;
        private List<TransferSample> samples = new ArrayList<>();

        void add(long size, long transferMicros) {
            if (records % stride == 0) {
                if (samples.size() == MAX_SAMPLES) {
                    thinOut();
                }
                if (records % stride == 0) {
                    samples.add(new TransferSample(size, transferMicros));
                }
            }
            records++;
            bytes += size;
        }

        private void thinOut() {
            List<TransferSample> kept = new ArrayList<>(MAX_SAMPLES);
            for (int i = 0; i < samples.size(); i += 2) {
                kept.add(samples.get(i));
            }
            samples = kept;
            stride *= 2;
        }
    }
}

package io.sluice.router;

import io.sluice.records.ErrorReason;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Requests on a partition that is not their key's. Producers in other languages spread keys otherwise; a session's
 * tokens come to the partition that Java's default partitioner chooses. Used by one task.
 */
final class Rehoming {
    /** Marks a request that was sent on to its own partition, so that none is ever sent on twice. */
    private static final String HEADER = "sluice_rehomed";

    private final int partition;
    private final int partitions;
    private final Outbox outbox;
    private final RouterMetrics metrics;

    /** @param partitions of the requests topic */
    Rehoming(int partition, int partitions, Outbox outbox, RouterMetrics metrics) {
        this.partition = partition;
        this.partitions = partitions;
        this.outbox = outbox;
        this.metrics = metrics;
    }

    /** Whether records of this key belong to another partition; a record without a key belongs anywhere. */
    boolean isMisplaced(byte[] key) {
        return partitions > 1 && key != null && Utils.toPositive(Utils.murmur2(key)) % partitions != partition;
    }

    /** Sends a misplaced request to its own partition; refuses one that comes back. */
    void send(Record<byte[], byte[]> record, String requestId, Outbox.Origin origin) {
        if (record.headers().lastHeader(HEADER) != null) {
            outbox.refusal(
                    requestId,
                    origin,
                    ErrorReason.INVALID_REQUEST,
                    "the request is on partition " + partition + " even after it was sent to its own; the requests"
                            + " topic had " + partitions + " partitions when the router started: restart the router");
            return;
        }
        record.headers().add(HEADER, new byte[0]);
        outbox.rehome(record);
        metrics.outcome("rehomed");
    }
}

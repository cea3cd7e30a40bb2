package io.sluice.batch;

import io.sluice.schemas.Topics;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.api.RecordMetadata;

/**
 * Sends on what concerns jobs: every record of the jobs topic, and of completions and errors those under the id of an
 * item's request. What a record is and where it was read goes along as a header. Reads no values.
 */
final class BatchIntake extends ContextualProcessor<byte[], byte[], byte[], byte[]> {
    private static final String ORIGIN = "sluice_origin";

    /** Where a record was read. */
    record Origin(String topic, int partition, long offset) {
        static Origin of(Headers headers) {
            Header header = headers.lastHeader(ORIGIN);
            ByteBuffer bytes = ByteBuffer.wrap(header.value());
            int partition = bytes.getInt();
            long offset = bytes.getLong();
            return new Origin(StandardCharsets.UTF_8.decode(bytes).toString(), partition, offset);
        }

        private byte[] bytes() {
            byte[] name = topic.getBytes(StandardCharsets.UTF_8);
            return ByteBuffer.allocate(Integer.BYTES + Long.BYTES + name.length)
                    .putInt(partition)
                    .putLong(offset)
                    .put(name)
                    .array();
        }
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        RecordMetadata at = context().recordMetadata().orElseThrow();
        boolean job = at.topic().equals(Topics.BEST_EFFORT_JOBS.name());
        if (job || isOfItem(record.key())) {
            record.headers().remove(ORIGIN);
            record.headers().add(ORIGIN, new Origin(at.topic(), at.partition(), at.offset()).bytes());
            // A repartition topic passes over records without a value or, some of them, without a key.
            context()
                    .forward(record.withKey(record.key() == null ? new byte[0] : record.key())
                            .withValue(record.value() == null ? new byte[0] : record.value()));
        }
    }

    private static boolean isOfItem(byte[] key) {
        return key != null && ItemId.of(new String(key, StandardCharsets.UTF_8)).isPresent();
    }
}

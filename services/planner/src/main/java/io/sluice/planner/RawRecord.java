package io.sluice.planner;

import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;

/**
 * A Kafka record as it was read, undecoded, so that bad bytes meet the decoder's side output instead of stopping the
 * source. A Flink POJO: public fields, no constructor arguments. Key and value may be null.
 */
public final class RawRecord {
    public String topic;
    public int partition;
    public long offset;
    public long timestamp;
    public byte[] key;
    public byte[] value;

    /** For Flink. */
    public RawRecord() {}

    static RawRecord of(ConsumerRecord<byte[], byte[]> record) {
        RawRecord raw = new RawRecord();
        raw.topic = record.topic();
        raw.partition = record.partition();
        raw.offset = record.offset();
        raw.timestamp = record.timestamp();
        raw.key = record.key();
        raw.value = record.value();
        return raw;
    }

    ConsumerRecord<byte[], byte[]> toConsumerRecord() {
        return new ConsumerRecord<>(
                topic,
                partition,
                offset,
                timestamp,
                TimestampType.CREATE_TIME,
                key == null ? -1 : key.length,
                value == null ? -1 : value.length,
                key,
                value,
                new RecordHeaders(),
                Optional.empty());
    }
}

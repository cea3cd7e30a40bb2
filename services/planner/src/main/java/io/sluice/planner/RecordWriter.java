package io.sluice.planner;

import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.DefaultKafkaDatasetIdentifier;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacet;
import org.apache.flink.connector.kafka.lineage.KafkaDatasetFacetProvider;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Writes a topic's records in the registry's wire format; opens the registry once per subtask. */
final class RecordWriter<T extends SpecificRecord>
        implements KafkaRecordSerializationSchema<T>, KafkaDatasetFacetProvider {
    private static final long serialVersionUID = 1L;

    private final Target<T> target;
    private final RegistryProvider registries;
    private transient AvroSerializer<T> serializer;
    private transient String topic;

    /** A topic and its key; serializable because it is a lambda or a singleton. */
    interface Target<T extends SpecificRecord> extends Serializable {
        TopicSpec<T> topic();

        String key(T record);
    }

    RecordWriter(Target<T> target, RegistryProvider registries) {
        this.target = target;
        this.registries = registries;
    }

    @Override
    public void open(SerializationSchema.InitializationContext context, KafkaSinkContext sink) {
        topic = target.topic().name();
        try (SchemaRegistry registry = registries.open()) {
            // Registers on construction; afterwards only the id is needed.
            serializer = new AvroSerializer<>(registry, target.topic());
        }
    }

    /** Names the topic to the sink, which looks for transactions that a killed predecessor left open there. */
    @Override
    public Optional<KafkaDatasetFacet> getKafkaDatasetFacet() {
        return Optional.of(new DefaultKafkaDatasetFacet(
                DefaultKafkaDatasetIdentifier.ofTopics(List.of(target.topic().name()))));
    }

    @Override
    public ProducerRecord<byte[], byte[]> serialize(T record, KafkaSinkContext context, Long timestamp) {
        byte[] key = target.key(record).getBytes(StandardCharsets.UTF_8);
        return new ProducerRecord<>(topic, key, serializer.serialize(topic, record));
    }
}

package io.sluice.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.embedded.EmbeddedBroker;
import io.sluice.embedded.RegistryProcess;
import io.sluice.messaging.ErrorPublisher;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.PlacementCodec;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicAdmin;
import io.sluice.messaging.TopicTail;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.Placement;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.IncompatibleSchemaException;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import io.sluice.schemas.UnknownSchemaException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Schemas, topics, tails and dead letters against a real registry and a real broker. */
class OutsideStackIT {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    static Path folder;

    private static EmbeddedBroker broker;
    private static RegistryProcess registryProcess;
    private static KafkaSettings settings;
    private static SchemaRegistry registry;

    @BeforeAll
    static void startStack() {
        broker = EmbeddedBroker.start(EmbeddedBroker.Config.in(folder.resolve("broker")));
        registryProcess = RegistryProcess.start(RegistryProcess.Config.in(folder.resolve("registry")));
        settings = new KafkaSettings(broker.bootstrap(), registryProcess.url());
        registry = new SchemaRegistry(settings.registryUrl(), PATIENCE);
    }

    @AfterAll
    static void stopStack() {
        registry.close();
        registryProcess.close();
        broker.close();
    }

    @Test
    void shouldRegisterOnceAndHoldSubjectsToBackwardCompatibility() {
        Schema first = schema("{'name':'a','type':'int'}");
        int id = registry.register("r-value", first);
        try (SchemaRegistry other = new SchemaRegistry(settings.registryUrl(), PATIENCE)) {
            assertThat(other.register("r-value", first)).isEqualTo(id);
            assertThat(other.byId(id)).isEqualTo(first);
            Schema grown = schema("{'name':'a','type':'int'},{'name':'b','type':'int','default':1}");
            assertThat(other.register("r-value", grown)).isNotEqualTo(id);
            assertThatThrownBy(() -> other.register("r-value", schema("{'name':'c','type':'int'}")))
                    .isInstanceOf(IncompatibleSchemaException.class)
                    .hasMessageContaining("r-value")
                    .hasMessageContaining("READER_FIELD_MISSING_DEFAULT_VALUE");
            assertThatThrownBy(() -> other.byId(1_000_000)).isInstanceOf(UnknownSchemaException.class);
        }
    }

    @Test
    void shouldCreateTopicsOnceAndReadThemWithoutAGroup() throws Exception {
        try (TopicAdmin topics = new TopicAdmin(settings)) {
            topics.ensure(Topics.all());
            topics.ensure(Topics.all());
            assertThat(topics.names()).contains(Topics.PLACEMENTS.name(), Topics.REQUESTS.name());
        }
        Stage whole = new Stage(new WorkerId("w1"), new LayerRange(0, 2));
        Placement placement = PlacementCodec.encode(new PlacementPlan("m", 1, 2, 8, 2, List.of(whole)), "t", 5);
        byte[] good = new AvroSerializer<>(registry, Topics.PLACEMENTS).serialize(Topics.PLACEMENTS.name(), placement);
        try (KafkaProducer<byte[], byte[]> producer = producer()) {
            producer.send(new ProducerRecord<>(Topics.PLACEMENTS.name(), utf8("m"), utf8("no record")))
                    .get();
            producer.send(new ProducerRecord<>(Topics.PLACEMENTS.name(), utf8("m"), good))
                    .get();
        }

        try (TopicTail<Placement> tail =
                        TopicTail.fromBeginning(settings, registry, Topics.PLACEMENTS, IsolationLevel.READ_COMMITTED);
                TopicTail<Placement> later =
                        TopicTail.fromEnd(settings, registry, Topics.PLACEMENTS, IsolationLevel.READ_COMMITTED)) {
            List<Tailed<Placement>> read = new ArrayList<>();
            await().atMost(PATIENCE).until(() -> {
                read.addAll(tail.poll(POLL));
                return tail.atEnd();
            });
            assertThat(read).extracting(Tailed::value).containsExactly(placement);
            assertThat(read).extracting(Tailed::key).containsExactly("m");
            assertThat(tail.malformed()).isEqualTo(1);
            assertThat(later.atEnd()).isTrue();
            assertThat(later.poll(POLL)).isEmpty();
        }
    }

    @Test
    void shouldKeepADeadLetterOfARecordWithAnUnknownSchema() throws Exception {
        try (TopicAdmin topics = new TopicAdmin(settings)) {
            topics.ensure(Topics.ERRORS);
        }
        ConsumerRecord<byte[], byte[]> origin =
                new ConsumerRecord<>(Topics.REQUESTS.name(), 1, 7, utf8("k"), new byte[] {0, 0, 1, 0, 0, 9});
        RecordFormatException refusal = catchThrowableOfType(
                RecordFormatException.class,
                () -> new AvroDeserializer<>(registry, Topics.REQUESTS).deserialize(origin.topic(), origin.value()));
        try (KafkaProducer<byte[], byte[]> producer = producer();
                TopicTail<ErrorRecord> errors =
                        TopicTail.fromEnd(settings, registry, Topics.ERRORS, IsolationLevel.READ_COMMITTED)) {
            new ErrorPublisher(producer, new AvroSerializer<>(registry, Topics.ERRORS), "test", InstantSource.system())
                    .publish(origin, refusal)
                    .get();

            List<Tailed<ErrorRecord>> read = new ArrayList<>();
            await().atMost(PATIENCE).until(() -> {
                read.addAll(errors.poll(POLL));
                return !read.isEmpty();
            });
            assertThat(read.getFirst().key()).isEqualTo("sluice.inference.requests.v1-1-7");
            assertThat(read.getFirst().value().getReason()).isEqualTo(ErrorReason.UNKNOWN_SCHEMA);
            assertThat(read.getFirst().value().getMessage()).contains("schema id 65536", registryProcess.url());
        }
    }

    private static KafkaProducer<byte[], byte[]> producer() {
        return new KafkaProducer<>(
                KafkaClients.durableProducer(settings, "test"), new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Schema schema(String fields) {
        return new Schema.Parser()
                .parse("{'type':'record','name':'R','fields':[%s]}"
                        .formatted(fields)
                        .replace('\'', '"'));
    }
}

package io.sluice.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EmbeddedBrokerIT {
    private static final String TOPIC = "words";

    @TempDir
    Path data;

    @Test
    void shouldKeepTopicsAndRecordsAcrossRestarts() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(EmbeddedBroker.Config.in(data))) {
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()))) {
                admin.createTopics(List.of(new NewTopic(TOPIC, 1, (short) 1)))
                        .all()
                        .get(30, TimeUnit.SECONDS);
            }
            produceInTransaction(broker.bootstrap(), "one");
        }
        try (EmbeddedBroker broker = EmbeddedBroker.start(EmbeddedBroker.Config.in(data))) {
            produceInTransaction(broker.bootstrap(), "two");
            assertThat(readCommitted(broker.bootstrap(), 2)).containsExactly("one", "two");
        }
    }

    @Test
    void shouldListenOnLoopbackOnly() {
        try (EmbeddedBroker broker = EmbeddedBroker.start(EmbeddedBroker.Config.in(data))) {
            assertThat(broker.bootstrap()).isEqualTo("127.0.0.1:" + broker.port());
        }
    }

    @Test
    void shouldNamePortAndRemedyWhenThePortIsInUse() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            EmbeddedBroker.Config config = new EmbeddedBroker.Config(data, taken.getLocalPort(), Map.of());
            assertThatThrownBy(() -> EmbeddedBroker.start(config))
                    .isInstanceOf(StartupException.class)
                    .hasMessageContaining("broker port " + taken.getLocalPort())
                    .hasMessageContaining("is in use")
                    .hasMessageContaining("--broker-port");
        }
    }

    private static void produceInTransaction(String bootstrap, String value) {
        Map<String, Object> settings =
                Map.of("bootstrap.servers", bootstrap, "transactional.id", "test", "linger.ms", 0);
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            producer.beginTransaction();
            producer.send(new ProducerRecord<>(TOPIC, value));
            producer.commitTransaction();
        }
    }

    private static List<String> readCommitted(String bootstrap, int count) {
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "isolation.level", "read_committed");
        List<String> values = new java.util.ArrayList<>();
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(new TopicPartition(TOPIC, 0)));
            while (values.size() < count && System.nanoTime() < deadline) {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
                records.forEach(record -> values.add(record.value()));
            }
        }
        return values;
    }
}

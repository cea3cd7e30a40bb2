package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.core.WorkerId;
import io.sluice.embedded.ChildProcess;
import io.sluice.embedded.EmbeddedBroker;
import io.sluice.embedded.RegistryProcess;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicAdmin;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.SessionReport;
import io.sluice.records.SessionState;
import io.sluice.records.StageTrouble;
import io.sluice.records.Token;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code kill -9} while requests flow and a worker cannot compute some: each still ends in one completion or one error. */
class RouterKillIT {
    private static final String MODEL = TestAllocations.MODEL;
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int REQUESTS = 60;
    /** The worker gives up every this many requests. */
    private static final int GIVEN_UP_EVERY = 5;

    @TempDir
    private Path folder;

    private KafkaSettings kafka;
    private SchemaRegistry registry;
    private KafkaProducer<byte[], byte[]> producer;

    @Test
    void canServeEveryRequestOnceThoughItIsKilled() {
        try (EmbeddedBroker broker = EmbeddedBroker.start(EmbeddedBroker.Config.in(folder.resolve("broker")));
                RegistryProcess registryProcess =
                        RegistryProcess.start(RegistryProcess.Config.in(folder.resolve("registry")))) {
            kafka = new KafkaSettings(broker.bootstrap(), registryProcess.url());
            try (SchemaRegistry open = new SchemaRegistry(kafka.registryUrl(), PATIENCE);
                    TopicAdmin topics = new TopicAdmin(kafka);
                    KafkaProducer<byte[], byte[]> sender = new KafkaProducer<>(
                            KafkaClients.durableProducer(kafka, "test"),
                            new ByteArraySerializer(),
                            new ByteArraySerializer())) {
                registry = open;
                producer = sender;
                topics.ensure(Topics.all());
                topics.ensure(Topics.activations(new WorkerId("a")));
                killWhileItWorks();
            }
        }
    }

    private void killWhileItWorks() {
        send(Topics.ALLOCATIONS, MODEL, TestAllocations.wire(TestAllocations.single(1, "a", 1_000_000)));
        TreeSet<String> answered = new TreeSet<>();
        int sent = 0;
        for (int life = 1; life <= 3; life++) {
            int until = REQUESTS * life / 3;
            try (ChildProcess router = startRouter()) {
                for (; sent < until; sent++) {
                    String id = "r" + sent;
                    send(
                            Topics.REQUESTS,
                            id,
                            RouterHarness.request(id).setDeadlineMs(600_000L).build());
                }
                // Half of the work is under way when it dies; the last life does the rest.
                int enough = life == 3 ? REQUESTS : until - 10;
                await().atMost(PATIENCE).until(() -> {
                    assertThat(router.isAlive()).as(router.describeExit()).isTrue();
                    answer(answered);
                    // An end for the client is an end in the router too, at once and not by its time-out.
                    return lastStates().values().stream()
                                    .filter(state -> state == SessionState.FINISHED || state == SessionState.REJECTED)
                                    .count()
                            >= enough;
                });
                router.kill();
            }
        }
        List<String> completed = read(Topics.COMPLETIONS, true).stream()
                .map(Completion::getRequestId)
                .sorted()
                .toList();
        assertThat(completed).hasSize(REQUESTS - REQUESTS / GIVEN_UP_EVERY).doesNotHaveDuplicates();
        assertThat(read(Topics.ERRORS, true))
                .hasSize(REQUESTS / GIVEN_UP_EVERY)
                .allSatisfy(e -> assertThat(e.getService()).isEqualTo("router"))
                .extracting(ErrorRecord::getRequestId)
                .doesNotHaveDuplicates()
                .doesNotContainAnyElementsOf(completed);
    }

    private Map<String, SessionState> lastStates() {
        Map<String, SessionState> states = new HashMap<>();
        read(Topics.SESSIONS, true).forEach(session -> states.put(session.getRequestId(), session.getState()));
        return states;
    }

    private ChildProcess startRouter() {
        return ChildProcess.start(new ChildProcess.Spec(
                "router",
                List.of(
                        "-Xmx256m",
                        "-Drouter.log=INFO",
                        "-Dorg.apache.avro.SERIALIZABLE_PACKAGES=io.sluice.records,java.lang"),
                System.getProperty("java.class.path"),
                RouterForTest.class.getName(),
                List.of(
                        kafka.bootstrap(),
                        kafka.registryUrl(),
                        MODEL,
                        folder.resolve("state").toString()),
                Map.of(),
                Path.of("target", "router-kill.log")));
    }

    /** Plays the worker: two tokens or a report for every attempt not answered yet. */
    private void answer(TreeSet<String> answered) {
        for (ActivationBatch batch : read(Topics.activations(new WorkerId("a")), false)) {
            ActivationChunk chunk = batch.getChunks().getFirst();
            String id = chunk.getSessionId();
            int attempt = chunk.getAttempt();
            if (chunk.getKind() != ChunkKind.FORWARD || !answered.add(id + "/" + attempt)) {
                continue;
            }
            if (Integer.parseInt(id.substring(1)) % GIVEN_UP_EVERY == 0) {
                SessionReport report = RouterHarness.report(id, "a", StageTrouble.COMPUTE_FAILED);
                report.setAttempt(attempt);
                send(Topics.REPORTS, id, report);
            } else {
                send(Topics.TOKENS, id, new Token(id, attempt, 0, 7, "a", null, "a", 1L, List.of()));
                send(Topics.TOKENS, id, new Token(id, attempt, 1, 8, "b", FinishReason.STOP, "a", 2L, List.of()));
            }
        }
    }

    private <T extends SpecificRecord> void send(TopicSpec<T> topic, String key, T value) {
        byte[] bytes = new AvroSerializer<>(registry, topic).serialize(topic.name(), value);
        producer.send(new ProducerRecord<>(topic.name(), key.getBytes(StandardCharsets.UTF_8), bytes));
    }

    private <T extends SpecificRecord> List<T> read(TopicSpec<T> topic, boolean committed) {
        Map<String, Object> settings = new HashMap<>(KafkaClients.tailConsumer(kafka, "test"));
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, committed ? "read_committed" : "read_uncommitted");
        AvroDeserializer<T> reader = new AvroDeserializer<>(registry, topic);
        List<T> values = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic.name()).stream()
                    .map(p -> new TopicPartition(p.topic(), p.partition()))
                    .toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
                consumer.poll(Duration.ofMillis(100))
                        .forEach(record -> values.add(reader.deserialize(record.topic(), record.value())));
            }
        }
        return values;
    }
}

package io.sluice.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.Completion;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import io.sluice.runtime.ActivationDtype;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What nobody can serve ends in one error record that says where it was, and holds up nobody else. */
final class RefusalIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration POLL = Duration.ofMillis(100);
    private static final int NO_SCHEMA = 987_654;
    private static final int CONTEXT = 512;

    @TempDir
    Path data;

    /** A record that was sent and how it must be refused; an id of null: nobody could read it. */
    private record Refused(RecordMetadata at, String key, String requestId, ErrorReason reason, String says) {}

    @Test
    void shouldRefuseEachBadRecordOnceAndServeTheGoodOnesBetween() throws Exception {
        StackConfig config = new StackConfig(
                PsalmReference.FOLDER,
                PsalmReference.MODEL,
                List.of(WorkerSpec.of("only", "cpu")),
                1,
                RoutingPolicy.MAX_FLOW,
                ActivationDtype.FP32,
                data,
                StackConfig.Ports.FREE);
        try (EmbeddedStack stack = EmbeddedStack.start(config, Progress.on(System.out));
                Requests requests = new Requests(stack);
                TopicTail<Completion> completionTail = tail(stack, Topics.COMPLETIONS);
                TopicTail<ErrorRecord> errorTail = tail(stack, Topics.ERRORS)) {
            List<Refused> refused = new ArrayList<>();
            byte[] garbage = "{\"prompt\": \"not Avro\"}".getBytes(StandardCharsets.UTF_8);
            refused.add(requests.raw("garbage", garbage, ErrorReason.MALFORMED_RECORD, "first byte is 123"));
            byte[] foreign =
                    ByteBuffer.allocate(20).put((byte) 0).putInt(NO_SCHEMA).array();
            refused.add(requests.raw("foreign", foreign, ErrorReason.UNKNOWN_SCHEMA, "schema id " + NO_SCHEMA));
            refused.add(requests.bad(
                    "model",
                    ErrorReason.UNKNOWN_MODEL,
                    "'hymn' is not served; served: psalm",
                    r -> r.setModel("hymn")));
            String between = requests.good("between");
            refused.add(requests.bad(
                    "long", ErrorReason.PROMPT_TOO_LONG, "at most " + (CONTEXT - 1) + " tokens", r -> r.setPrompt(null)
                            .setPromptTokenIds(Collections.nCopies(CONTEXT, 47))));
            refused.add(requests.bad("none", ErrorReason.INVALID_REQUEST, "max_tokens 0", r -> r.setMaxTokens(0)));
            refused.add(requests.bad(
                    "key",
                    ErrorReason.INVALID_REQUEST,
                    "must be the request_id 'another'",
                    r -> r.setRequestId("another")));
            String last = requests.good("last");

            // All in one partition, read in order: with the last one answered, everything before it was committed.
            List<Completion> completions = new ArrayList<>();
            await().atMost(PATIENCE).until(() -> {
                completions.addAll(rest(completionTail));
                return completions.stream().anyMatch(done -> done.getRequestId().equals(last));
            });
            await().atMost(PATIENCE).until(() -> {
                completions.addAll(rest(completionTail));
                return completions.size() >= 2;
            });
            assertThat(completions)
                    .allSatisfy(done -> assertThat(done.getTokenIds())
                            .isEqualTo(PsalmReference.cases().getFirst().tokenIds()))
                    .extracting(Completion::getRequestId)
                    .containsExactlyInAnyOrder(between, last);
            verify(rest(errorTail), refused);
        }
    }

    private static void verify(List<ErrorRecord> errors, List<Refused> refused) {
        assertThat(errors)
                .extracting(ErrorRecord::getOriginOffset)
                .containsExactlyInAnyOrderElementsOf(
                        refused.stream().map(one -> one.at().offset()).toList());
        for (Refused one : refused) {
            ErrorRecord error = errors.stream()
                    .filter(record -> record.getOriginOffset() == one.at().offset())
                    .findFirst()
                    .orElseThrow();
            assertThat(error.getReason()).as(one.key()).isEqualTo(one.reason());
            assertThat(error.getMessage()).contains(one.says());
            assertThat(error.getRequestId()).isEqualTo(one.requestId());
            assertThat(error.getService()).contains("router");
            assertThat(error.getOriginTopic()).isEqualTo(Topics.REQUESTS.name());
            assertThat(error.getOriginPartition()).isEqualTo(one.at().partition());
            assertThat(error.getOriginKey()).isEqualTo(ByteBuffer.wrap(one.key().getBytes(StandardCharsets.UTF_8)));
            assertThat(error.getOriginValueBytes()).isEqualTo(one.at().serializedValueSize());
        }
    }

    private static <T extends SpecificRecord> TopicTail<T> tail(EmbeddedStack stack, TopicSpec<T> topic) {
        return TopicTail.fromEnd(stack.settings(), stack.schemas(), topic, IsolationLevel.READ_COMMITTED);
    }

    private static <T extends SpecificRecord> List<T> rest(TopicTail<T> tail) {
        List<T> records = new ArrayList<>();
        while (!tail.atEnd()) {
            tail.poll(POLL).stream().map(Tailed::value).forEach(records::add);
        }
        return records;
    }

    /** A client whose records all go to the same partition, under keys that belong there. */
    private static final class Requests implements AutoCloseable {
        private final KafkaProducer<byte[], byte[]> producer;
        private final AvroSerializer<InferenceRequest> serializer;
        private final int partitions;

        Requests(EmbeddedStack stack) {
            serializer = new AvroSerializer<>(stack.schemas(), Topics.REQUESTS);
            producer = new KafkaProducer<>(
                    KafkaClients.durableProducer(stack.settings(), "refused"),
                    new ByteArraySerializer(),
                    new ByteArraySerializer());
            partitions = producer.partitionsFor(Topics.REQUESTS.name()).size();
        }

        Refused raw(String name, byte[] value, ErrorReason reason, String says) throws Exception {
            String key = keyInFirstPartition(name);
            return new Refused(send(key, value), key, null, reason, says);
        }

        Refused bad(String name, ErrorReason reason, String says, UnaryOperator<InferenceRequest.Builder> change)
                throws Exception {
            String key = keyInFirstPartition(name);
            InferenceRequest request =
                    change.apply(InferenceRequest.newBuilder(request(key))).build();
            return new Refused(send(key, serialized(request)), key, request.getRequestId(), reason, says);
        }

        String good(String name) throws Exception {
            String key = keyInFirstPartition(name);
            send(key, serialized(request(key)));
            return key;
        }

        private static InferenceRequest request(String id) {
            return PsalmReference.cases().getFirst().request(id, PATIENCE);
        }

        private byte[] serialized(InferenceRequest request) {
            return serializer.serialize(Topics.REQUESTS.name(), request);
        }

        private RecordMetadata send(String key, byte[] value) throws Exception {
            RecordMetadata at = producer.send(
                            new ProducerRecord<>(Topics.REQUESTS.name(), key.getBytes(StandardCharsets.UTF_8), value))
                    .get();
            assertThat(at.partition()).isZero();
            return at;
        }

        private String keyInFirstPartition(String name) {
            return Stream.iterate(0, n -> n + 1)
                    .map(n -> name + "-" + n)
                    .filter(key ->
                            Utils.toPositive(Utils.murmur2(key.getBytes(StandardCharsets.UTF_8))) % partitions == 0)
                    .findFirst()
                    .orElseThrow();
        }

        @Override
        public void close() {
            producer.close();
        }
    }
}

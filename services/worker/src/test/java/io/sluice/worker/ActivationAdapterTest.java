package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.DType;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.ServiceClass;
import io.sluice.records.SessionSetup;
import io.sluice.records.Stage;
import io.sluice.records.StageBudget;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class ActivationAdapterTest {
    private static final WorkerId SELF = new WorkerId("b");
    private static final TopicSpec<ActivationBatch> TOPIC = Topics.activations(SELF);

    private final SchemaRegistry registry = SchemaRegistry.inMemory();
    private final AvroSerializer<ActivationBatch> serializer = new AvroSerializer<>(registry, TOPIC);
    private final List<Inbound> handed = new ArrayList<>();
    private final List<ErrorRecord> errors = new ArrayList<>();
    private final LinkStats links = new LinkStats();
    private final MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");
    private final ActivationAdapter adapter = new ActivationAdapter(
            consumer,
            TOPIC.name(),
            new AvroDeserializer<>(registry, TOPIC),
            new ChunkReader(FakeStageRunner.config(), "served", SELF),
            handed::add,
            new ErrorOutbox("worker b", () -> 99L, errors::add),
            links,
            new WorkerMetrics(new SimpleMeterRegistry(), "b", "served"),
            () -> 5_000L,
            () -> 1_000_250L);

    @Test
    void shouldStampAndExpandAGoodChunk() throws InterruptedException {
        adapter.handle(record(serialize(chunk(c -> {}))));

        InboundChunk read = ((Inbound.Chunks) handed.getFirst()).chunks().getFirst();
        assertThat(read.session()).isEqualTo(new SessionId("r1"));
        assertThat(read.hidden().remaining()).isEqualTo(2 * FakeStageRunner.HIDDEN);
        assertThat(read.hidden().get(3)).isEqualTo(1.5f);
        assertThat(read.arrival()).isEqualTo(new Arrival("a", 250, 5_000, 42));
        assertThat(read.plan().isLast()).isTrue();
        assertThat(errors).isEmpty();
        assertThat(links.take()).containsOnlyKeys("a");
    }

    @Test
    void shouldReadHalfPrecision() throws InterruptedException {
        ByteBuffer payload = ByteBuffer.allocate(2 * FakeStageRunner.HIDDEN * 2).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 2 * FakeStageRunner.HIDDEN; i++) {
            payload.putShort(Float.floatToFloat16(-0.25f * i));
        }
        adapter.handle(record(serialize(chunk(c -> {
            c.setDtype(DType.FP16);
            c.setPayload(payload.flip());
        }))));

        assertThat(((Inbound.Chunks) handed.getFirst())
                        .chunks()
                        .getFirst()
                        .hidden()
                        .get(5))
                .isEqualTo(-1.25f);
    }

    static Stream<Arguments> badChunks() {
        return Stream.of(
                bad("wrong hidden size", c -> c.setHidden(FakeStageRunner.HIDDEN + 1), "hidden is 9"),
                bad(
                        "budgets of another pipeline",
                        c -> c.getSetup().setBudgets(List.of(new StageBudget(1L, 1L))),
                        "the pipeline has 2 stages"),
                bad(
                        "absurd budget",
                        c -> c.getSetup()
                                .setBudgets(List.of(new StageBudget(0L, Long.MAX_VALUE), new StageBudget(0L, -7L))),
                        "budget tpot_us is"),
                bad("negative count", c -> c.setCount(-3), "count is -3"),
                bad("no positions", c -> c.setCount(0), "count is 0"),
                bad("negative position", c -> c.setPosition(-1), "position is -1"),
                bad("beyond the context", c -> c.setPosition(FakeStageRunner.CONTEXT - 1), "position + count is 513"),
                bad("position overflow", c -> c.setPosition(Integer.MAX_VALUE), "position + count is 2147483649"),
                bad("negative layer", c -> c.setEnterLayer(-1), "enter_layer is -1"),
                bad("layer beyond the end", c -> c.setEnterLayer(6), "enter_layer is 6"),
                bad("short payload", c -> c.setPayload(ByteBuffer.allocate(4)), "4 bytes"),
                bad("oversize payload", c -> c.setPayload(ByteBuffer.allocate((1 << 20) + 4)), "at most 1 MiB"),
                bad("token ids for an inner layer", c -> c.setDtype(DType.TOKEN_IDS), "dtype is TOKEN_IDS"),
                bad("attempt 0", c -> c.setAttempt(0), "attempt is 0"),
                bad("other model", c -> c.getSetup().setModel("other"), "model is other"),
                bad("no prompt", c -> c.getSetup().setPromptTokens(0), "prompt_tokens is 0"),
                bad("no cache", c -> c.getSetup().setKvTokens(1), "kv_tokens is 1"),
                bad("bad sampling", c -> c.getSetup().setTopP(0f), "top_p 0.0"),
                bad("a gap", c -> c.getSetup().setPipeline(List.of(new Stage("b", 2, 6))), "must enter layer 0"),
                bad("too few layers", c -> c.getSetup().setPipeline(List.of(new Stage("b", 0, 4))), "is [b[0, 4)]"),
                bad(
                        "not in it",
                        c -> c.getSetup().setPipeline(List.of(new Stage("z", 0, 6))),
                        "worker b is not in it"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badChunks")
    void shouldTurnABadChunkIntoAnErrorAndKeepTheOthers(String name, Consumer<ActivationChunk> spoil, String message)
            throws InterruptedException {
        ActivationChunk good = chunk(c -> c.setSessionId("good"));
        adapter.handle(record(serialize(good, chunk(spoil))));

        assertThat(errors).singleElement().satisfies(error -> {
            assertThat(error.getReason()).isEqualTo(ErrorReason.MALFORMED_RECORD);
            assertThat(error.getRequestId()).as("the router ends requests").isNull();
            assertThat(error.getMessage()).contains("session r1").contains(message);
            assertThat(error.getOriginTopic()).isEqualTo(TOPIC.name());
            assertThat(error.getOriginOffset()).isEqualTo(42);
            assertThat(error.getService()).isEqualTo("worker b");
        });
        assertThat(handed.getFirst()).isInstanceOfSatisfying(Inbound.Unusable.class, unusable -> {
            assertThat(unusable.session()).isEqualTo(new SessionId("r1"));
            assertThat(unusable.message()).contains(message);
        });
        assertThat(((Inbound.Chunks) handed.getLast()).chunks())
                .singleElement()
                .satisfies(chunk -> assertThat(chunk.session().value()).isEqualTo("good"));
    }

    @Test
    void shouldTurnAChunkWithoutAValidSessionIntoAnErrorOfTheRecord() throws InterruptedException {
        adapter.handle(record(serialize(chunk(c -> c.setSessionId("no good")))));

        assertThat(errors).singleElement().satisfies(error -> {
            assertThat(error.getRequestId()).isNull();
            assertThat(error.getMessage()).contains("no good");
        });
        assertThat(handed).isEmpty();
    }

    @Test
    void shouldRefuseTokenIdsOutsideTheVocabulary() {
        ChunkReader first = new ChunkReader(FakeStageRunner.config(), "served", SELF);
        ActivationChunk chunk = LocalCluster.tokenChunk("r1", 1, 0, List.of(3, FakeStageRunner.VOCAB), null);

        assertThatThrownBy(() -> first.read(chunk, new Arrival("router", 0, 0, 0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("token id is 61");
    }

    @Test
    void shouldTurnUnreadableBytesIntoErrorsAndGoOn() throws InterruptedException {
        byte[] unknownSchema = serialize(chunk(c -> {}));
        unknownSchema[1] = 77;
        byte[] truncated = java.util.Arrays.copyOf(serialize(chunk(c -> {})), 20);
        for (byte[] bytes : List.of(new byte[] {1, 2, 3}, new byte[0], unknownSchema, truncated)) {
            adapter.handle(record(bytes));
        }
        adapter.handle(record(serialize(chunk(c -> {}))));

        assertThat(errors.stream().map(ErrorRecord::getReason))
                .containsExactly(
                        ErrorReason.MALFORMED_RECORD,
                        ErrorReason.MALFORMED_RECORD,
                        ErrorReason.UNKNOWN_SCHEMA,
                        ErrorReason.MALFORMED_RECORD);
        assertThat(errors)
                .allSatisfy(error -> assertThat(error.getOriginOffset()).isEqualTo(42));
        assertThat(handed).hasSize(1);
    }

    @Test
    void shouldStartAtTheEndOfItsTopicAndReadWhatComes() {
        TopicPartition partition = new TopicPartition(TOPIC.name(), 0);
        consumer.updateBeginningOffsets(java.util.Map.of(partition, 0L));
        consumer.updateEndOffsets(java.util.Map.of(partition, 7L));
        adapter.seekToEnd();
        assertThat(consumer.position(partition)).isEqualTo(7);

        consumer.schedulePollTask(() ->
                consumer.addRecord(new ConsumerRecord<>(TOPIC.name(), 0, 7, new byte[0], serialize(chunk(c -> {})))));
        consumer.schedulePollTask(adapter::close);
        adapter.run();

        assertThat(handed).hasSize(1);
    }

    private static Arguments bad(String name, Consumer<ActivationChunk> spoil, String message) {
        return Arguments.of(name, spoil, message);
    }

    private static ActivationChunk chunk(Consumer<ActivationChunk> change) {
        ByteBuffer payload = ByteBuffer.allocate(2 * FakeStageRunner.HIDDEN * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 2 * FakeStageRunner.HIDDEN; i++) {
            payload.putFloat(0.5f * i);
        }
        SessionSetup setup = new SessionSetup(
                "served",
                1L,
                List.of(new Stage("a", 0, 2), new Stage("b", 2, 6)),
                2,
                4,
                6,
                0f,
                0,
                1f,
                0L,
                false,
                ServiceClass.LATENCY_CRITICAL,
                "default",
                1.0,
                null,
                List.of());
        ActivationChunk chunk = new ActivationChunk(
                "r1",
                1,
                ChunkKind.FORWARD,
                0,
                2,
                2,
                DType.FP32,
                FakeStageRunner.HIDDEN,
                payload.flip(),
                true,
                setup,
                List.of());
        change.accept(chunk);
        return chunk;
    }

    private byte[] serialize(ActivationChunk... chunks) {
        return serializer.serialize(TOPIC.name(), new ActivationBatch("a", 1_000_000L, List.of(chunks)));
    }

    private static ConsumerRecord<byte[], byte[]> record(byte[] value) {
        return new ConsumerRecord<>(TOPIC.name(), 0, 42, "r1".getBytes(), value);
    }
}

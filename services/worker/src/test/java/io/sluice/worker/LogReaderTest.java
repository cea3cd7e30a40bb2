package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import io.sluice.core.stage.LogPicker;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.DType;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class LogReaderTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final WorkerId B = new WorkerId("b");

    private final SchemaRegistry registry = SchemaRegistry.inMemory();
    private final AvroSerializer<ActivationBatch> serializer = new AvroSerializer<>(registry, Topics.activations(B));
    private final Map<TopicPartition, List<ConsumerRecord<byte[], byte[]>>> topics = new HashMap<>();
    private final ConcurrentLinkedQueue<Inbound> answers = new ConcurrentLinkedQueue<>();
    private final AtomicLong clock = new AtomicLong();
    private final AtomicInteger opened = new AtomicInteger();
    private final AtomicInteger handedOut = new AtomicInteger();
    private volatile RuntimeException failure;
    private final LogReader reader = new LogReader(
            this::open,
            new AvroDeserializer<>(registry, Topics.activations(B)),
            new ChunkReader(FakeStageRunner.config(), "served", new WorkerId("c")),
            answers::add,
            Duration.ofSeconds(5),
            clock::get);
    private Thread thread;

    @AfterEach
    void stop() throws InterruptedException {
        reader.close();
        if (thread != null) {
            assertThat(thread.join(PATIENCE)).isTrue();
        }
    }

    @Test
    void shouldReadASessionOutOfTheRangesOfSeveralTopics() {
        log("b", 10, chunk("other", 0, 4), chunk("r1", 0, 4), chunk("other", 4, 1), chunk("r1", 4, 1));
        log("x", 0, chunk("r1", 5, 1), chunk("r1", 6, 1));
        order("r1", 7, range("b", 11, 14), range("x", 0, 2));
        start();

        Inbound.Rebuilt rebuilt = (Inbound.Rebuilt) awaitAnswers(1).getFirst();
        assertThat(rebuilt.session().value()).isEqualTo("r1");
        assertThat(rebuilt.attempt()).isEqualTo(2);
        assertThat(rebuilt.chunks().stream().map(InboundChunk::position)).containsExactly(0, 4, 5, 6);
        assertThat(rebuilt.chunks())
                .allSatisfy(chunk -> assertThat(chunk.arrival().offset()).isEqualTo(Arrival.NOT_LOGGED));
    }

    @Test
    void shouldReadARecordOnceForAllSessionsThatWait() {
        List<ActivationChunk> chunks = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            chunks.add(chunk("r" + i, 0, 3));
        }
        log("b", 0, chunks.toArray(ActivationChunk[]::new));
        for (int i = 0; i < 20; i++) {
            order("r" + i, 3, range("b", i, 20));
        }
        start();

        assertThat(awaitAnswers(20)).allSatisfy(answer -> assertThat(answer).isInstanceOf(Inbound.Rebuilt.class));
        assertThat(handedOut).hasValue(20);
        assertThat(opened).hasValue(1);
    }

    @Test
    void shouldSayThatTheLogIsGoneWhereItNoLongerReachesBackAndReadTheRest() {
        log("b", 10, chunk("r1", 0, 4), chunk("r2", 0, 4));
        order("r1", 4, range("b", 5, 11));
        order("r2", 4, range("b", 10, 12));
        order("r3", 4, range("b", 11, 13));
        start();

        List<Inbound> got = awaitAnswers(3);
        assertThat(got.stream().filter(Inbound.LogGone.class::isInstance).map(answer -> ((Inbound.LogGone) answer)
                        .why()))
                .satisfiesExactlyInAnyOrder(
                        why -> assertThat(why).contains("b@[5, 11) is wanted").contains("has [10, 12)"),
                        why -> assertThat(why).contains("b@[11, 13) is wanted"));
        assertThat(got).anySatisfy(answer -> assertThat(answer)
                .isInstanceOfSatisfying(
                        Inbound.Rebuilt.class,
                        rebuilt -> assertThat(rebuilt.session().value()).isEqualTo("r2")));
    }

    @Test
    void shouldSayThatTheLogIsGoneWhereAPositionOrARecordIsMissing() {
        log("b", 0, chunk("r1", 0, 4), chunk("r1", 5, 1));
        topics.get(partition("b"))
                .set(1, new ConsumerRecord<>(partition("b").topic(), 0, 1, null, new byte[] {0, 1, 'r', '1'}));
        order("r1", 6, range("b", 0, 2));
        start();

        assertThat(((Inbound.LogGone) awaitAnswers(1).getFirst()).why()).contains("position 4 of session r1");
    }

    @Test
    void shouldGiveUpWhenTheBrokerDoesNotAnswerAndServeTheNext() {
        log("b", 0, chunk("r1", 0, 4));
        failure = new TimeoutException("no broker");
        order("r1", 4, range("b", 0, 1));
        start();
        assertThat(((Inbound.LogGone) awaitAnswers(1).getFirst()).why()).contains("no broker");

        failure = null;
        order("r1", 4, range("b", 0, 1));
        assertThat(awaitAnswers(2).getLast()).isInstanceOf(Inbound.Rebuilt.class);
    }

    @Test
    void shouldGiveUpWhenRecordsDoNotComeInTime() {
        log("b", 0, chunk("r1", 0, 4));
        topics.get(partition("b")).set(0, null); // never handed out
        order("r1", 4, range("b", 0, 1));
        start();

        assertThat(((Inbound.LogGone) awaitAnswers(1).getFirst()).why()).contains("not read within 5000 ms");
    }

    private void start() {
        thread = Thread.ofPlatform().daemon().start(reader::run);
    }

    private List<Inbound> awaitAnswers(int count) {
        await().atMost(PATIENCE).until(() -> answers.size() >= count);
        return List.copyOf(answers);
    }

    private void order(String session, int start, LogRange... ranges) {
        reader.read(new LogPicker.Want(new SessionId(session), 2, 2, start, List.of(ranges)));
    }

    private static LogRange range(String worker, long first, long end) {
        return new LogRange(new WorkerId(worker), first, end);
    }

    private static TopicPartition partition(String worker) {
        return new TopicPartition(Topics.activations(new WorkerId(worker)).name(), 0);
    }

    /** One record per chunk. */
    private void log(String worker, long first, ActivationChunk... chunks) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        String topic = partition(worker).topic();
        for (ActivationChunk chunk : chunks) {
            byte[] value = serializer.serialize(topic, new ActivationBatch("a", 0L, List.of(chunk)));
            records.add(new ConsumerRecord<>(topic, 0, first + records.size(), null, value));
        }
        topics.put(partition(worker), records);
    }

    private static ActivationChunk chunk(String session, int position, int count) {
        ByteBuffer payload =
                ByteBuffer.allocate(count * FakeStageRunner.HIDDEN * 4).order(ByteOrder.LITTLE_ENDIAN);
        ActivationChunk chunk = LocalCluster.tokenChunk(session, 1, position, List.of(), null);
        chunk.setCount(count);
        chunk.setEnterLayer(2);
        chunk.setDtype(DType.FP32);
        chunk.setHidden(FakeStageRunner.HIDDEN);
        chunk.setPayload(payload);
        return chunk;
    }

    private MockConsumer<byte[], byte[]> open() {
        opened.incrementAndGet();
        MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("none") {
            @Override
            public synchronized Map<TopicPartition, Long> beginningOffsets(
                    java.util.Collection<TopicPartition> partitions, Duration timeout) {
                if (failure != null) {
                    throw failure;
                }
                return super.beginningOffsets(partitions, timeout);
            }

            @Override
            public synchronized ConsumerRecords<byte[], byte[]> poll(Duration timeout) {
                TopicPartition assigned = assignment().iterator().next();
                long position = position(assigned);
                for (ConsumerRecord<byte[], byte[]> record : topics.get(assigned)) {
                    if (record == null) {
                        clock.addAndGet(1_000_000_000L);
                    } else if (record.offset() >= position) {
                        handedOut.incrementAndGet();
                        addRecord(record);
                    }
                }
                return super.poll(timeout);
            }
        };
        topics.forEach((partition, records) -> {
            long first = records.getFirst() == null ? 0 : records.getFirst().offset();
            consumer.updateBeginningOffsets(Map.of(partition, first));
            consumer.updateEndOffsets(Map.of(partition, first + records.size()));
        });
        return consumer;
    }
}

package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Token;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import io.sluice.worker.Inbound.SessionKey;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

final class PublishersTest {
    private static final WorkerId TO = new WorkerId("next");

    private final SchemaRegistry registry = SchemaRegistry.inMemory();
    private final List<Inbound.Undelivered> lost = new ArrayList<>();
    private long nanos;

    @Test
    void shouldSendTheChunksOfAStepAsOneRecord() {
        MockProducer<byte[], byte[]> producer = producer(true);
        publisher(producer).send(TO, List.of(chunk("r1", 100), chunk("r2", 100)));

        ProducerRecord<byte[], byte[]> record = producer.history().getFirst();
        assertThat(producer.history()).hasSize(1);
        assertThat(record.topic()).isEqualTo("sluice.activations.next.v1");
        assertThat(record.partition()).isZero();
        assertThat(new String(record.key(), StandardCharsets.UTF_8)).isEqualTo("r1");
        ActivationBatch batch =
                new AvroDeserializer<>(registry, Topics.activations(TO)).deserialize(record.topic(), record.value());
        assertThat(batch.getSender()).isEqualTo("self");
        assertThat(batch.getSentUs()).isEqualTo(123);
        assertThat(batch.getChunks()).hasSize(2);
    }

    @Test
    void shouldStartAnotherRecordWhereOneWouldGrowTooBig() {
        MockProducer<byte[], byte[]> producer = producer(true);
        int half = ChunkWriter.MAX_PAYLOAD_BYTES / 2;
        publisher(producer).send(TO, List.of(chunk("r1", half), chunk("r2", half), chunk("r3", 1), chunk("r4", half)));

        assertThat(producer.history()).hasSize(2).allSatisfy(record -> assertThat(record.value().length)
                .isLessThan(1 << 20));
    }

    @Test
    void shouldReportWhatWasNotDeliveredButNotLostReleases() {
        MockProducer<byte[], byte[]> producer = producer(false);
        publisher(producer).send(TO, List.of(chunk("r1", 10), ChunkWriter.release("r2", 1)));
        producer.errorNext(new TimeoutException("no leader"));

        assertThat(lost).singleElement().satisfies(report -> {
            assertThat(report.sessions()).containsExactly(new SessionKey(new SessionId("r1"), 1));
            assertThat(report.why())
                    .isEqualTo("worker self could not deliver to sluice.activations.next.v1: no leader");
        });
    }

    @Test
    void shouldNeitherWaitForATopicNorLoseOrReorderWhatIsSentMeanwhile() {
        MockProducer<byte[], byte[]> producer = producer(true);
        List<Runnable> lookups = new ArrayList<>();
        ActivationPublisher publisher = publisher(producer, lookups::add);
        publisher.send(TO, List.of(chunk("r1", 10)));
        publisher.send(TO, List.of(chunk("r2", 10)));
        publisher.send(new WorkerId("other"), List.of(chunk("r3", 10)));

        assertThat(producer.history()).isEmpty();
        assertThat(lookups).hasSize(2);
        lookups.getFirst().run();
        publisher.send(TO, List.of(chunk("r4", 10)));
        assertThat(producer.history())
                .extracting(record -> new String(record.key(), StandardCharsets.UTF_8))
                .containsExactly("r1", "r2", "r4");
        assertThat(lost).isEmpty();
    }

    @Test
    void shouldReportWhatWaitedForATopicThatIsNotThereAndNotAskAgainAtOnce() {
        MockProducer<byte[], byte[]> producer =
                new MockProducer<>(true, null, new ByteArraySerializer(), new ByteArraySerializer()) {
                    @Override
                    public synchronized List<org.apache.kafka.common.PartitionInfo> partitionsFor(String topic) {
                        throw new TimeoutException("topic not in metadata");
                    }
                };
        List<Runnable> lookups = new ArrayList<>();
        ActivationPublisher publisher = publisher(producer, lookups::add);
        publisher.send(TO, List.of(chunk("r1", 10)));
        assertThat(lost).isEmpty();
        lookups.removeFirst().run();
        assertThat(lost.getLast().why()).contains("not in metadata");
        publisher.send(TO, List.of(chunk("r2", 10)));
        assertThat(lost.getLast().why()).contains("a moment ago");
        assertThat(lookups).isEmpty();
        nanos += 3_000_000_000L;
        publisher.send(TO, List.of(chunk("r3", 10)));
        assertThat(lookups).hasSize(1);
        assertThat(producer.history()).isEmpty();
    }

    @Test
    void shouldKeepABoundedNumberOfRecordsForATopicThatIsBeingLookedFor() {
        ActivationPublisher publisher = publisher(producer(true), lookup -> {});
        for (int i = 0; i < 300; i++) {
            publisher.send(TO, List.of(chunk("r" + i, 10)));
        }
        assertThat(lost).hasSize(300 - 256);
    }

    @Test
    void shouldLookAgainForATopicThatTheProducerHasForgotten() {
        MockProducer<byte[], byte[]> producer = producer(true);
        List<Runnable> lookups = new ArrayList<>();
        ActivationPublisher publisher = publisher(producer, lookups::add);
        publisher.send(TO, List.of(chunk("r1", 10)));
        lookups.removeFirst().run();
        nanos += 300_000_000_000L;
        publisher.send(TO, List.of(chunk("r2", 10)));
        assertThat(producer.history()).hasSize(1);
        lookups.removeFirst().run();
        assertThat(producer.history()).hasSize(2);
    }

    @Test
    void shouldKeyTokensByRequestAndReportLostOnes() {
        MockProducer<byte[], byte[]> producer = producer(false);
        Token token = new Token("r1", 2, 0, 5, "x", null, "self", 1L, List.of());
        new TokenPublisher(producer, new AvroSerializer<>(registry, Topics.TOKENS), lost::add).send(token);

        assertThat(new String(producer.history().getFirst().key(), StandardCharsets.UTF_8))
                .isEqualTo("r1");
        producer.errorNext(new TimeoutException("broker gone"));
        assertThat(lost.getFirst().sessions()).containsExactly(new SessionKey(new SessionId("r1"), 2));
    }

    private ActivationPublisher publisher(MockProducer<byte[], byte[]> producer) {
        return publisher(producer, Runnable::run);
    }

    private ActivationPublisher publisher(
            MockProducer<byte[], byte[]> producer, java.util.concurrent.Executor lookups) {
        return new ActivationPublisher(
                producer,
                new AvroSerializer<>(registry, Topics.activations(TO)),
                new WorkerId("self"),
                () -> 123L,
                () -> nanos,
                lost::add,
                lookups);
    }

    private static MockProducer<byte[], byte[]> producer(boolean autoComplete) {
        return new MockProducer<>(autoComplete, null, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private static ActivationChunk chunk(String session, int bytes) {
        ActivationChunk chunk = LocalCluster.tokenChunk(session, 1, 0, List.of(1), null);
        chunk.setPayload(ByteBuffer.allocate(bytes));
        return chunk;
    }
}

package io.sluice.worker;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaClients;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicAdmin;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.nio.FloatBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Measures what one hop costs, for benchmarks: hidden states through this worker's own writer, publisher, adapter and
 * reader, against a bare produce and consume of as many bytes with the same client settings. One message is in flight at a
 * time. Not thread-safe.
 */
public final class HopProbe implements AutoCloseable {
    private static final long TIMEOUT_SECONDS = 20;

    private final WorkerId self;
    private final int hiddenSize;
    private final TopicSpec<ActivationBatch> topic;
    private final AvroSerializer<ActivationBatch> serializer;
    private final KafkaProducer<byte[], byte[]> producer;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final BlockingQueue<Object> arrived = new ArrayBlockingQueue<>(1);
    private final ActivationAdapter adapter;
    private final ActivationPublisher publisher;
    private final ChunkWriter writer;
    private volatile boolean bare;
    private volatile boolean closed;
    private final Thread reader;

    /** Creates the probe's topic {@code sluice.activations.<id>.v1} and connects to it. */
    public HopProbe(KafkaSettings kafka, SchemaRegistry registry, WorkerId id, int hiddenSize) {
        this.self = Objects.requireNonNull(id, "id");
        this.hiddenSize = hiddenSize;
        this.topic = Topics.activations(id);
        try (TopicAdmin admin = new TopicAdmin(kafka, Duration.ofSeconds(TIMEOUT_SECONDS))) {
            admin.ensure(List.of(topic));
        }
        this.serializer = new AvroSerializer<>(registry, topic);
        this.producer = new KafkaProducer<>(
                KafkaClients.latencyProducer(kafka, "hop-probe"), new ByteArraySerializer(), new ByteArraySerializer());
        Map<String, Object> settings = KafkaClients.tailConsumer(kafka, "hop-probe");
        this.consumer = new KafkaConsumer<>(settings);
        this.writer =
                new ChunkWriter(PayloadTypes.fixed(ActivationDtype.FP16), hiddenSize, ChunkWriter.MAX_PAYLOAD_BYTES);
        ModelConfig model = model(hiddenSize);
        this.adapter = new ActivationAdapter(
                consumer,
                topic.name(),
                new AvroDeserializer<>(registry, topic),
                new ChunkReader(model, model.name(), id),
                arrived::add,
                new ErrorOutbox("hop probe", System::currentTimeMillis, error -> arrived.add(error.getMessage())),
                new LinkStats(),
                new WorkerMetrics(new SimpleMeterRegistry(), id.value(), model.name()),
                System::nanoTime,
                () -> System.currentTimeMillis() * 1000);
        this.publisher = new ActivationPublisher(
                producer,
                serializer,
                id,
                () -> System.currentTimeMillis() * 1000,
                System::nanoTime,
                lost -> arrived.add(lost.why()));
        TopicPartition partition = new TopicPartition(topic.name(), 0);
        consumer.assign(List.of(partition));
        consumer.seekToEnd(List.of(partition));
        consumer.position(partition);
        this.reader = Thread.ofPlatform().daemon().name("hop-probe").start(this::read);
    }

    /** Bytes of the record that carries {@code positions} hidden states. */
    public int recordBytes(int positions) {
        List<ActivationChunk> chunks = chunks(positions, hidden(positions));
        return serializer.serialize(topic.name(), new ActivationBatch(self.value(), 0L, chunks)).length;
    }

    /** Times of {@code messages} hops of {@code positions} hidden states each, nanoseconds. */
    public long[] sluiceHops(int positions, int messages) throws InterruptedException {
        bare = false;
        FloatBuffer hidden = hidden(positions);
        long[] nanos = new long[messages];
        for (int i = 0; i < messages; i++) {
            long start = System.nanoTime();
            publisher.send(self, chunks(positions, hidden));
            await();
            nanos[i] = System.nanoTime() - start;
        }
        return nanos;
    }

    /** Times of {@code messages} bare produce-and-consume round trips of {@code bytes} bytes each, nanoseconds. */
    public long[] bareHops(int bytes, int messages) throws InterruptedException {
        bare = true;
        byte[] value = new byte[bytes];
        byte[] key = "hop-probe".getBytes(java.nio.charset.StandardCharsets.UTF_8);
        long[] nanos = new long[messages];
        for (int i = 0; i < messages; i++) {
            long start = System.nanoTime();
            producer.send(new ProducerRecord<>(topic.name(), 0, key, value));
            await();
            nanos[i] = System.nanoTime() - start;
        }
        return nanos;
    }

    private void await() throws InterruptedException {
        Object got = arrived.poll(TIMEOUT_SECONDS, TimeUnit.SECONDS);
        if (got == null || got instanceof String) {
            throw new IllegalStateException("the hop did not arrive: " + (got == null ? "time-out" : got));
        }
    }

    private void read() {
        try {
            while (!closed) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
                    if (bare) {
                        arrived.add(record);
                    } else {
                        adapter.handle(record);
                    }
                }
            }
        } catch (WakeupException e) {
            // Closing.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private List<ActivationChunk> chunks(int positions, FloatBuffer hidden) {
        InboundChunk source =
                InboundChunk.tokens(new SessionId("hop-probe"), 1, 0, new int[positions], true, null, List.of(), null);
        return writer.hidden(source, self, 1, hidden, null, List.of());
    }

    private FloatBuffer hidden(int positions) {
        FloatBuffer hidden = FloatBuffer.allocate(positions * hiddenSize);
        for (int i = 0; i < hidden.capacity(); i++) {
            hidden.put(i, (i % 251) / 251f - 0.5f);
        }
        return hidden;
    }

    private static ModelConfig model(int hiddenSize) {
        int positions = ChunkWriter.MAX_PAYLOAD_BYTES / Short.BYTES;
        return new ModelConfig(
                "hop-probe",
                "LlamaForCausalLM",
                3,
                hiddenSize,
                hiddenSize,
                1,
                1,
                64,
                2,
                positions,
                1e-5f,
                1e4,
                true,
                -1,
                List.of());
    }

    @Override
    public void close() {
        closed = true;
        consumer.wakeup();
        try {
            reader.join(Duration.ofSeconds(TIMEOUT_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        consumer.close();
        producer.close(Duration.ofSeconds(5));
    }
}

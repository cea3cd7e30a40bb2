package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.WorkerId;
import io.sluice.records.BeatState;
import io.sluice.records.Heartbeat;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.AvroSerializer;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.producer.MockProducer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class HeartbeatsTest {
    private final SchemaRegistry registry = SchemaRegistry.inMemory();
    private final MockProducer<byte[], byte[]> producer =
            new MockProducer<>(true, null, new ByteArraySerializer(), new ByteArraySerializer());
    private final Standing standing = new Standing(new WorkerId("w"), 7, 1_200);
    private final AtomicBoolean alive = new AtomicBoolean(true);
    private final Heartbeats heartbeats = new Heartbeats(
            standing,
            new RecordSender<>(producer, new AvroSerializer<>(registry, Topics.HEARTBEATS), Topics.HEARTBEATS),
            Duration.ofMillis(200),
            alive::get,
            System::nanoTime,
            () -> 99L);

    @AfterEach
    void close() {
        registry.close();
    }

    private List<Heartbeat> sent() {
        AvroDeserializer<Heartbeat> deserializer = new AvroDeserializer<>(registry, Topics.HEARTBEATS);
        return producer.history().stream()
                .map(record -> deserializer.deserialize(record.topic(), record.value()))
                .toList();
    }

    @Test
    void shouldCountItsHeartbeats() {
        heartbeats.send();
        standing.drain(500, "asked", false);
        heartbeats.send();

        assertThat(sent())
                .containsExactly(
                        new Heartbeat("w", 7L, 0L, BeatState.ALIVE, 0L, 1_200, "w", "", 99L),
                        new Heartbeat("w", 7L, 1L, BeatState.DRAINING, 500L, 1_200, "w", "asked", 99L));
    }

    @Test
    void shouldFallSilentWhenAVitalThreadHasDied() {
        heartbeats.send();
        alive.set(false);

        heartbeats.send();

        assertThat(sent()).hasSize(1);
    }

    @Test
    void shouldSayThatItIsGoneAndNothingAfterThat() {
        heartbeats.send();
        standing.leave("stopped");

        heartbeats.end();
        heartbeats.end();
        heartbeats.send();

        assertThat(sent()).extracting(Heartbeat::getState).containsExactly(BeatState.ALIVE, BeatState.GONE);
        assertThat(sent().getLast().getReason()).isEqualTo("stopped");
    }

    @Test
    void shouldSayNothingAtAllAfterItLostItsName() {
        heartbeats.fallSilent();
        standing.leave("stopped");

        heartbeats.send();
        heartbeats.end();

        assertThat(sent()).isEmpty();
    }

    @Test
    void shouldTryTheLastWordAgainWhenItCannotBeSent() {
        standing.leave("stopped");
        producer.sendException = new org.apache.kafka.common.errors.TimeoutException("the broker is away");
        heartbeats.end();

        assertThat(sent()).isEmpty();
    }
}

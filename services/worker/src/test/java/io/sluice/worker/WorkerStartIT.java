package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.messaging.KafkaSettings;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Workers that cannot start. */
final class WorkerStartIT extends OnWorkerStack {
    @Test
    void shouldFailClearlyWhenTheRegistryOrTheBrokerIsDown() {
        KafkaSettings noRegistry = new KafkaSettings(stack.broker.bootstrap(), "http://127.0.0.1:9/apis/ccompat/v7");
        KafkaSettings noBroker = new KafkaSettings("127.0.0.1:9", stack.kafka.registryUrl());

        assertThatThrownBy(() -> WorkerService.start(stack.config("x", noRegistry, Duration.ofSeconds(2))))
                .hasMessageContaining("http://127.0.0.1:9/apis/ccompat/v7");
        assertThatThrownBy(() -> WorkerService.start(stack.config("x", noBroker, Duration.ofSeconds(2))))
                .hasMessageContaining("127.0.0.1:9");
    }
}

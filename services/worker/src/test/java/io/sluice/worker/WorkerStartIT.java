package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.messaging.KafkaSettings;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers that cannot start. */
final class WorkerStartIT {
    @TempDir
    static Path folder;

    private static WorkerStack stack;

    @BeforeAll
    static void startStack() {
        stack = WorkerStack.start(folder);
    }

    @AfterAll
    static void stopStack() throws Exception {
        stack.close();
    }

    @AfterEach
    void closeAll() throws Exception {
        stack.closeOpened();
    }

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

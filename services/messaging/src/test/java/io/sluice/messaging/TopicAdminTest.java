package io.sluice.messaging;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.schemas.Topics;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class TopicAdminTest {
    @Test
    void shouldNameABrokerThatDoesNotAnswer() throws IOException {
        int free;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        KafkaSettings settings = new KafkaSettings("127.0.0.1:" + free, "http://127.0.0.1:1");

        try (TopicAdmin admin = new TopicAdmin(settings, Duration.ofMillis(300))) {
            assertThatThrownBy(() -> admin.ensure(Topics.REQUESTS))
                    .isInstanceOf(BrokerUnavailableException.class)
                    .hasMessageContaining("127.0.0.1:" + free)
                    .hasMessageContaining("--bootstrap");
        }
    }
}

package io.sluice.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.WorkerId;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.header.Headers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KafkaSettingsTest {
    private static final KafkaSettings SETTINGS = new KafkaSettings("127.0.0.1:9092,[::1]:9093", "http://r:8081");

    @ParameterizedTest
    @ValueSource(strings = {"", "localhost", "localhost:", ":9092", "localhost:0", "localhost:99999", "a:1,b"})
    void shouldRefuseABootstrapWithoutHostAndPort(String bootstrap) {
        assertThatThrownBy(() -> new KafkaSettings(bootstrap, "http://r:8081"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'" + bootstrap + "'")
                .hasMessageContaining("HOST:PORT");
    }

    @Test
    void shouldRefuseARegistryThatIsNoUrl() {
        assertThatThrownBy(() -> new KafkaSettings("h:1", "r:8081"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("--registry 'r:8081'");
    }

    @Test
    void shouldMakeSettingsThatKafkaKnows() {
        assertThat(AdminClientConfig.configNames())
                .containsAll(KafkaClients.admin(SETTINGS).keySet());
        assertThat(ProducerConfig.configNames())
                .containsAll(KafkaClients.latencyProducer(SETTINGS, "a").keySet());
        assertThat(ProducerConfig.configNames())
                .containsAll(KafkaClients.durableProducer(SETTINGS, "a").keySet());
        assertThat(ConsumerConfig.configNames())
                .containsAll(KafkaClients.tailConsumer(SETTINGS, "a").keySet());
    }

    @Test
    void shouldNeitherLingerNorWaitForBytesOnTheTokenPath() {
        assertThat(KafkaClients.latencyProducer(SETTINGS, "a"))
                .containsEntry(ProducerConfig.LINGER_MS_CONFIG, 0)
                .containsEntry(ProducerConfig.ACKS_CONFIG, "1");
        assertThat(KafkaClients.durableProducer(SETTINGS, "a"))
                .containsEntry(ProducerConfig.ACKS_CONFIG, "all")
                .containsEntry(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        assertThat(KafkaClients.tailConsumer(SETTINGS, "a"))
                .containsEntry(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, 1)
                .doesNotContainKey(ConsumerConfig.GROUP_ID_CONFIG);
    }

    @Test
    void shouldLetOverridesWin() {
        KafkaSettings settings = new KafkaSettings("h:1", "http://r", Map.of("linger.ms", "3"));

        assertThat(KafkaClients.latencyProducer(settings, "a")).containsEntry("linger.ms", "3");
    }

    @Test
    void shouldCreateTopicsAsTheCatalogueSays() {
        NewTopic activations = TopicAdmin.newTopic(Topics.activations(new WorkerId("w1")));
        assertThat(activations.name()).isEqualTo("sluice.activations.w1.v1");
        assertThat(activations.numPartitions()).isEqualTo(1);
        assertThat(activations.configs())
                .containsEntry("cleanup.policy", "delete")
                .containsEntry("retention.ms", "600000")
                .containsEntry("segment.ms", "150000")
                .containsEntry("max.message.bytes", Integer.toString(KafkaClients.MAX_RECORD_BYTES));
        assertThat(TopicAdmin.newTopic(Topics.SESSIONS).configs()).containsEntry("cleanup.policy", "compact,delete");
    }

    @Test
    void shouldSetTheCloudEventsAttributesAsHeaders() {
        Headers headers = CloudEvents.headers(
                "req-1", "/sluice/loadgen", CloudEvents.REQUEST_TYPE, Instant.parse("2026-11-21T10:00:00Z"));

        assertThat(headers.toArray())
                .extracting(header -> header.key() + "=" + new String(header.value(), StandardCharsets.UTF_8))
                .containsExactly(
                        "ce_specversion=1.0",
                        "ce_id=req-1",
                        "ce_source=/sluice/loadgen",
                        "ce_type=io.sluice.inference.request.v1",
                        "ce_time=2026-11-21T10:00:00Z");
    }
}

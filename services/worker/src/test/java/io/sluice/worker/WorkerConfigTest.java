package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.MetricsServer;
import io.sluice.records.Placement;
import io.sluice.records.Stage;
import io.sluice.runtime.ModelFormatException;
import io.sluice.worker.device.Device;
import io.sluice.worker.device.DeviceSpec;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

final class WorkerConfigTest {
    private static final WorkerId SELF = new WorkerId("w");
    private static final KafkaSettings KAFKA = new KafkaSettings("127.0.0.1:1", "http://127.0.0.1:1");

    @Test
    void shouldNameTheFlagThatIsWrong() {
        assertThatThrownBy(() -> config(0, 128)).hasMessageContaining("--kv-mib is '0'");
        assertThatThrownBy(() -> config(16, 1)).hasMessageContaining("--prefill-chunk is '1'");
    }

    @Test
    void shouldKeepWhatIsNotChanged() {
        WorkerConfig config = config(16, 8);

        assertThat(config.with(draft -> {})).isEqualTo(config);
        assertThat(config.with(draft -> draft.region = "far").with(draft -> draft.region = config.region()))
                .isEqualTo(config);
        assertThat(config.with(draft -> draft.region = "far").kvMib()).isEqualTo(16);
    }

    @Test
    void shouldFailClearlyWithoutAModel() {
        WorkerConfig config = WorkerConfig.onCpu(SELF, KAFKA, Path.of("no-such-model"), "m", Optional.empty());

        assertThatThrownBy(() -> WorkerService.start(config))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("no-such-model");
    }

    @Test
    void shouldTakeItsLayersFromThePlacementThatNamesIt() {
        Placement placement = Placement.newBuilder()
                .setModel("m")
                .setEpoch(3)
                .setLayerCount(6)
                .setHiddenSize(8)
                .setActivationBytes(2)
                .setStages(List.of(new Stage("v", 0, 2), new Stage("w", 2, 6)))
                .setMethod("test")
                .setAtMs(0)
                .build();

        assertThat(LayerOrder.of(placement, "m", SELF)).contains(new LayerOrder(3, Optional.of(new LayerRange(2, 6))));
        assertThat(LayerOrder.of(placement, "m", new WorkerId("z")))
                .as("a spare")
                .contains(new LayerOrder(3, Optional.empty()));
        assertThat(LayerOrder.of(placement, "other", SELF)).isEmpty();
        assertThat(LayerOrder.of(null, "m", SELF)).isEmpty();
        placement.setStages(List.of(new Stage("w", 5, 2)));
        assertThat(LayerOrder.of(placement, "m", SELF)).as("nonsense").isEmpty();
    }

    @Test
    void shouldChangeTheSpeedOfAnEmulatedDeviceOnly() throws Exception {
        try (MetricsServer server = MetricsServer.start(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT), 0);
                HttpClient client = HttpClient.newHttpClient()) {
            Device emulated = DeviceSpec.parse("emulated:t4").open();
            server.addHandler("/device/speed", new DeviceSpeedHandler(emulated));
            server.addHandler("/cpu/speed", new DeviceSpeedHandler(DeviceSpec.CPU.open()));

            assertThat(put(client, server.url() + "/device/speed", "0.5").statusCode())
                    .isEqualTo(200);
            assertThat(emulated.speed()).isEqualTo(0.5);
            HttpResponse<String> zero = put(client, server.url() + "/device/speed", "0");
            assertThat(zero.statusCode()).isEqualTo(400);
            assertThat(zero.body()).contains("device speed 0.0");
            HttpResponse<String> real = put(client, server.url() + "/cpu/speed", "0.5");
            assertThat(real.statusCode()).isEqualTo(409);
            assertThat(real.body()).contains("--device emulated:<profile>");
            assertThat(emulated.speed()).isEqualTo(0.5);
        }
    }

    private static HttpResponse<String> put(HttpClient client, String url, String body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .PUT(HttpRequest.BodyPublishers.ofString(body))
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    private static WorkerConfig config(int kvMib, int prefillChunk) {
        return WorkerConfig.onCpu(SELF, KAFKA, Path.of("m"), "m", Optional.empty())
                .with(draft -> {
                    draft.kvMib = kvMib;
                    draft.prefillChunk = OptionalInt.of(prefillChunk);
                });
    }
}

package io.sluice.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class MetricsServerTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);

    private final PrometheusMeterRegistry registry = MetricsServer.newRegistry("test");

    @Test
    void shouldServeMetricsInPrometheusText() throws Exception {
        registry.counter("sluice.things").increment(3);
        try (MetricsServer server = MetricsServer.start(registry, 0)) {
            HttpResponse<String> answer = get(server.url() + "/metrics");

            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.headers().firstValue("Content-Type"))
                    .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain; version=0.0.4"));
            assertThat(answer.body())
                    .contains("sluice_things_total{service=\"test\"} 3.0")
                    .contains("jvm_memory_used_bytes");
        }
    }

    @Test
    void shouldListenOnLoopbackOnly() throws Exception {
        List<InetAddress> others = NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
                .toList();
        try (MetricsServer server = MetricsServer.start(registry, 0)) {
            assertThat(server.url()).startsWith("http://127.0.0.1:");
            for (InetAddress address : others) {
                assertThatThrownBy(() -> new Socket(address, server.port()).close())
                        .isInstanceOf(ConnectException.class);
            }
        }
    }

    @Test
    void shouldTellWhatIsWrong() throws Exception {
        AtomicReference<Optional<String>> ailment = new AtomicReference<>(Optional.empty());
        try (MetricsServer server = MetricsServer.start(registry, 0, ailment::get)) {
            assertThat(get(server.url() + "/healthz").statusCode()).isEqualTo(200);

            ailment.set(Optional.of("no allocation for model psalm yet"));

            HttpResponse<String> answer = get(server.url() + "/healthz");
            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(answer.body()).contains("no allocation for model psalm yet");
        }
    }

    @Test
    void shouldServeAddedPagesAndNothingElse() throws Exception {
        try (MetricsServer server = MetricsServer.start(registry, 0)) {
            server.addHandler("/extra", exchange -> MetricsServer.answer(exchange, 200, "text/plain", "more"));

            assertThat(get(server.url() + "/extra").body()).isEqualTo("more");
            assertThat(get(server.url() + "/nothing").statusCode()).isEqualTo(404);
            HttpRequest post = HttpRequest.newBuilder(URI.create(server.url() + "/metrics"))
                    .timeout(TIMEOUT)
                    .POST(HttpRequest.BodyPublishers.ofString("x"))
                    .build();
            assertThat(send(post).statusCode()).isEqualTo(405);
        }
    }

    @Test
    void shouldNameAPortInUseAndTheRemedy() {
        try (MetricsServer server = MetricsServer.start(registry, 0)) {
            assertThatThrownBy(() -> MetricsServer.start(registry, server.port()))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContaining("port " + server.port())
                    .hasMessageContaining("--metrics-port");
        }
    }

    private static HttpResponse<String> get(String url) throws IOException, InterruptedException {
        return send(HttpRequest.newBuilder(URI.create(url)).timeout(TIMEOUT).build());
    }

    private static HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(request, HttpResponse.BodyHandlers.ofString());
        }
    }
}

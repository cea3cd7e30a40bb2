package io.sluice.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RegistryProcessIT {
    private static final String FIRST = schema("{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"int\\\"}");
    private static final String WITH_DEFAULT = schema(
            "{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"int\\\"},{\\\"name\\\":\\\"b\\\",\\\"type\\\":\\\"int\\\",\\\"default\\\":0}");
    private static final String INCOMPATIBLE = schema("{\\\"name\\\":\\\"a\\\",\\\"type\\\":\\\"string\\\"}");

    @TempDir
    Path data;

    private final HttpClient http = HttpClient.newHttpClient();

    @Test
    void shouldEnforceBackwardCompatibilityAndKeepSubjectsAcrossRestarts() throws Exception {
        try (RegistryProcess registry = RegistryProcess.start(RegistryProcess.Config.in(data))) {
            assertThat(get(registry, "/config").body()).contains("BACKWARD");
            HttpResponse<String> registered = post(registry, "/subjects/t-value/versions", FIRST);
            assertThat(registered.statusCode()).isEqualTo(200);
            assertThat(post(registry, "/subjects/t-value/versions", FIRST).body())
                    .isEqualTo(registered.body());
            assertThat(post(registry, "/compatibility/subjects/t-value/versions/latest", WITH_DEFAULT)
                            .body())
                    .contains("true");
            assertThat(post(registry, "/subjects/t-value/versions", WITH_DEFAULT)
                            .statusCode())
                    .isEqualTo(200);
            assertThat(post(registry, "/subjects/t-value/versions", INCOMPATIBLE)
                            .statusCode())
                    .isEqualTo(409);
        }
        try (RegistryProcess registry = RegistryProcess.start(RegistryProcess.Config.in(data))) {
            assertThat(get(registry, "/subjects/t-value/versions").body().replace(" ", ""))
                    .isEqualTo("[1,2]");
        }
    }

    @Test
    void shouldNamePortAndRemedyWhenThePortIsInUse() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            RegistryProcess.Config config = new RegistryProcess.Config(
                    RegistryHome.find(), data, data.resolve("log"), taken.getLocalPort(), Duration.ofSeconds(60));
            assertThatThrownBy(() -> RegistryProcess.start(config))
                    .isInstanceOf(StartupException.class)
                    .hasMessageContaining("registry port " + taken.getLocalPort())
                    .hasMessageContaining("--registry-port");
        }
    }

    private HttpResponse<String> get(RegistryProcess registry, String path) throws Exception {
        return http.send(
                HttpRequest.newBuilder(URI.create(registry.url() + path)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> post(RegistryProcess registry, String path, String body) throws Exception {
        return http.send(
                HttpRequest.newBuilder(URI.create(registry.url() + path))
                        .header("Content-Type", "application/vnd.schemaregistry.v1+json")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static String schema(String fields) {
        return "{\"schema\":\"{\\\"type\\\":\\\"record\\\",\\\"name\\\":\\\"R\\\",\\\"fields\\\":[" + fields + "]}\"}";
    }
}

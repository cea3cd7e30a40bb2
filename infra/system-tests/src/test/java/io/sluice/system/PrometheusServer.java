package io.sluice.system;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.embedded.LoopbackPorts;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** A Prometheus process on a free loopback port that scrapes given endpoints every second. Not thread-safe. */
final class PrometheusServer implements AutoCloseable {
    private static final Duration START_TIMEOUT = Duration.ofSeconds(60);
    private static final int ATTEMPTS = 3;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Process process;
    private final Path log;
    private final String url;
    private final HttpClient http = HttpClient.newHttpClient();

    private PrometheusServer(Process process, Path log, String url) {
        this.process = process;
        this.log = log;
        this.url = url;
    }

    /**
     * Starts the program; returns when it is ready.
     *
     * @param targets endpoint by job name
     * @param folder for configuration, data and log
     */
    static PrometheusServer start(Path program, Map<String, URI> targets, Path folder) throws IOException {
        Files.createDirectories(folder);
        Path config = Files.writeString(folder.resolve("prometheus.yml"), configuration(targets));
        // Somebody may take the port between looking and binding.
        for (int attempt = 1; ; attempt++) {
            String address = LoopbackPorts.HOST + ":" + LoopbackPorts.free(1)[0];
            Path log = folder.resolve("prometheus-" + attempt + ".log");
            Process process = new ProcessBuilder(
                            program.toString(),
                            "--config.file=" + config,
                            "--storage.tsdb.path=" + folder.resolve("data-" + attempt),
                            "--web.listen-address=" + address)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
            PrometheusServer server = new PrometheusServer(process, log, "http://" + address);
            try {
                Awaitility.await("Prometheus is ready or has ended")
                        .atMost(START_TIMEOUT)
                        .until(() -> !process.isAlive() || server.isReady());
                if (process.isAlive()) {
                    return server;
                }
            } catch (RuntimeException e) {
                server.close();
                throw e;
            }
            server.close();
            if (attempt == ATTEMPTS) {
                throw new AssertionError("Prometheus did not start: " + Files.readString(log));
            }
        }
    }

    private static String configuration(Map<String, URI> targets) {
        StringBuilder yaml = new StringBuilder(
                "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\nscrape_configs:\n");
        new TreeMap<>(targets).forEach((job, endpoint) -> yaml.append("  - job_name: ")
                .append(job)
                .append("\n    metrics_path: ")
                .append(endpoint.getPath().isEmpty() ? "/" : endpoint.getPath())
                .append("\n    static_configs: [{targets: ['")
                .append(endpoint.getAuthority())
                .append("']}]\n"));
        return yaml.toString();
    }

    /** Values of an instant query, one per series. */
    List<Double> query(String promql) throws IOException, InterruptedException {
        HttpResponse<String> response = get("/api/v1/query?query=" + URLEncoder.encode(promql, StandardCharsets.UTF_8));
        if (response.statusCode() != 200) {
            throw new AssertionError(promql + ": " + response.body());
        }
        List<Double> values = new ArrayList<>();
        for (JsonNode series : JSON.readTree(response.body()).path("data").path("result")) {
            values.add(series.path("value").path(1).asDouble(Double.NaN));
        }
        return values;
    }

    /** What Prometheus says about its targets, for messages. */
    String targets() throws IOException, InterruptedException {
        return get("/api/v1/targets?state=active").body();
    }

    private boolean isReady() throws InterruptedException {
        try {
            return get("/-/ready").statusCode() == 200;
        } catch (IOException e) {
            return false;
        }
    }

    private HttpResponse<String> get(String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path))
                .timeout(Duration.ofSeconds(10))
                .build();
        return http.send(request, HttpResponse.BodyHandlers.ofString());
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Kills the process: its data is not wanted. */
    @Override
    public void close() {
        http.close();
        process.destroyForcibly();
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                throw new IllegalStateException(
                        "Prometheus, process " + process.pid() + ", does not end; its log: " + log);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

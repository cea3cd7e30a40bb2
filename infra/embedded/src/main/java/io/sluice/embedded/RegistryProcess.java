package io.sluice.embedded;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real schema registry (Apicurio) as a child process on loopback. Subjects are kept in the data folder across
 * restarts; the global compatibility is BACKWARD, as Confluent's registry has it. Thread-safe.
 */
public final class RegistryProcess implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RegistryProcess.class);
    private static final String API = "/apis/ccompat/v7";
    private static final int ATTEMPTS = 3;
    private static final Duration POLL = Duration.ofMillis(100);
    private static final Duration REPORT_EVERY = Duration.ofSeconds(5);

    private final ChildProcess child;
    private final int port;
    private final String url;

    private RegistryProcess(ChildProcess child, int port) {
        this.child = child;
        this.port = port;
        this.url = "http://" + LoopbackPorts.HOST + ":" + port + API;
    }

    /**
     * Where and how to start.
     *
     * @param home unpacked distribution, see {@link RegistryHome#find()}
     * @param dataFolder folder of its database
     * @param logFile file for its output
     * @param port port of the API on loopback; 0 chooses a free one
     * @param startTimeout how long to wait until it answers
     * @param again whether it is a restart: its log goes on in the same file
     */
    public record Config(Path home, Path dataFolder, Path logFile, int port, Duration startTimeout, boolean again) {
        /** A first start: what the log of an earlier run holds is kept beside it. */
        public Config(Path home, Path dataFolder, Path logFile, int port, Duration startTimeout) {
            this(home, dataFolder, logFile, port, startTimeout, false);
        }

        /** The same registry once more, at the port where it was. */
        public Config restartedOn(int samePort) {
            return new Config(home, dataFolder, logFile, samePort, startTimeout, true);
        }

        public Config {
            Objects.requireNonNull(home, "home");
            Objects.requireNonNull(dataFolder, "dataFolder");
            Objects.requireNonNull(logFile, "logFile");
            Objects.requireNonNull(startTimeout, "startTimeout");
        }

        /** A registry on a free port that keeps everything under {@code folder} and has 90 s to start. */
        public static Config in(Path folder) {
            return new Config(RegistryHome.find(), folder, folder.resolve("registry.log"), 0, Duration.ofSeconds(90));
        }
    }

    /**
     * Starts the registry, waits until it answers and sets the global compatibility.
     *
     * @throws StartupException when the port is in use, the process ends or does not answer in time
     */
    public static RegistryProcess start(Config config) {
        if (config.port() != 0) {
            LoopbackPorts.requireFree(config.port(), "registry", "--registry-port");
        }
        for (int attempt = 1; ; attempt++) {
            int[] ports = LoopbackPorts.free(2);
            int port = config.port() == 0 ? ports[0] : config.port();
            ChildProcess child = launch(config, port, ports[1]);
            RegistryProcess registry = new RegistryProcess(child, port);
            try {
                registry.awaitReady(config.startTimeout());
                return registry;
            } catch (PortTakenException e) {
                if (attempt == ATTEMPTS || config.port() != 0) {
                    throw LoopbackPorts.inUse(port, "registry", "--registry-port", e);
                }
            } catch (RuntimeException e) {
                registry.close();
                throw e;
            }
        }
    }

    private static ChildProcess launch(Config config, int port, int managementPort) {
        Path data = config.dataFolder().toAbsolutePath();
        try {
            Files.createDirectories(data);
        } catch (IOException e) {
            throw new StartupException(
                    "the registry's data folder " + data + " cannot be created: " + e.getMessage(), e);
        }
        List<String> jvm = new ArrayList<>(List.of(
                "-Xmx160m",
                "-Xss512k",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "-Djava.io.tmpdir=" + data));
        settings(data, port, managementPort).forEach((key, value) -> jvm.add("-D" + key + "=" + value));
        ChildProcess.Spec spec = new ChildProcess.Spec(
                "registry",
                jvm,
                config.home().resolve("quarkus-run.jar").toString(),
                "io.quarkus.bootstrap.runner.QuarkusEntryPoint",
                List.of(),
                Map.of(),
                config.logFile());
        return ChildProcess.start(config.again() ? spec.again() : spec);
    }

    private static Map<String, String> settings(Path data, int port, int managementPort) {
        return Map.ofEntries(
                Map.entry("quarkus.http.host", LoopbackPorts.HOST),
                Map.entry("quarkus.http.port", Integer.toString(port)),
                // Would listen on every interface, port 9000, otherwise.
                Map.entry("quarkus.management.host", LoopbackPorts.HOST),
                Map.entry("quarkus.management.port", Integer.toString(managementPort)),
                Map.entry("quarkus.http.access-log.enabled", "false"),
                Map.entry("quarkus.http.io-threads", "2"),
                Map.entry("apicurio.datasource.url", "jdbc:h2:file:" + data.resolve("subjects")),
                Map.entry("apicurio.datasource.jdbc.initial-size", "1"),
                Map.entry("apicurio.datasource.jdbc.min-size", "1"),
                Map.entry("apicurio.datasource.jdbc.max-size", "8"));
    }

    private void awaitReady(Duration timeout) {
        long began = System.nanoTime();
        long reported = began;
        try (HttpClient http =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
            while (!answers(http)) {
                long now = System.nanoTime();
                if (!child.isAlive()) {
                    String exit = child.describeExit();
                    if (exit.contains("already bound") || exit.contains("Address already in use")) {
                        throw new PortTakenException(exit);
                    }
                    throw new StartupException("the schema registry did not start: " + exit);
                }
                if (now - began > timeout.toNanos()) {
                    throw new StartupException("the schema registry did not answer at " + url + " within "
                            + timeout.toSeconds() + " s: " + child.describeExit());
                }
                if (now - reported > REPORT_EVERY.toNanos()) {
                    reported = now;
                    LOG.info("registry=starting url={} waited_s={}", url, (now - began) / 1_000_000_000);
                }
                Thread.sleep(POLL);
            }
            setBackwardCompatibility(http);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartupException("interrupted while the schema registry started", e);
        }
        LOG.info("registry=started url={} ms={}", url, (System.nanoTime() - began) / 1_000_000);
    }

    private boolean answers(HttpClient http) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/subjects"))
                .timeout(Duration.ofSeconds(5))
                .build();
        try {
            return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException e) {
            return false; // not listening yet
        }
    }

    private void setBackwardCompatibility(HttpClient http) throws InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/config"))
                .timeout(Duration.ofSeconds(20))
                .header("Content-Type", "application/vnd.schemaregistry.v1+json")
                .PUT(HttpRequest.BodyPublishers.ofString("{\"compatibility\":\"BACKWARD\"}"))
                .build();
        try {
            HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) {
                throw new StartupException("the schema registry at " + url + " refused compatibility BACKWARD: status "
                        + response.statusCode() + " " + response.body());
            }
        } catch (IOException e) {
            throw new StartupException("the schema registry at " + url + " went away while it was configured", e);
        }
    }

    /** Root of the Confluent API, without a slash at the end. */
    public String url() {
        return url;
    }

    /** Port of the API on loopback. */
    public int port() {
        return port;
    }

    /** The process, for its id and log. */
    public ChildProcess process() {
        return child;
    }

    /** Stops the process; idempotent. */
    @Override
    public void close() {
        child.close();
    }

    /** Somebody took the port between our probe and the registry's bind. */
    private static final class PortTakenException extends RuntimeException {
        PortTakenException(String message) {
            super(message);
        }
    }
}

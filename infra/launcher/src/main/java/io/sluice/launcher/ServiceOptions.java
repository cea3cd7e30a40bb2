package io.sluice.launcher;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.messaging.MetricsServer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BooleanSupplier;
import picocli.CommandLine.Option;

/** Flags of every service that runs alone in its process until Ctrl-C, and that run. */
final class ServiceOptions {
    @Option(names = "--metrics-port", paramLabel = "N", defaultValue = "0", description = "0 (default): any free one.")
    private int metricsPort;

    @Option(
            names = "--start-timeout",
            paramLabel = "TIME",
            defaultValue = "60s",
            converter = DurationConverter.class,
            description = "How long to wait for broker and registry; default: ${DEFAULT-VALUE}.")
    private Duration startTimeout;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            description = "Write names and addresses to FILE as JSON when ready.")
    private Path json;

    int metricsPort() {
        return metricsPort;
    }

    Duration startTimeout() {
        return startTimeout;
    }

    /** Says in the file of {@code --json}, where one is given, that a service is ready. */
    void report(Map<String, Object> ready) {
        JsonFile.write(json, ready);
    }

    /**
     * A service that has been started.
     *
     * @param name as it stands in a sentence
     * @param instance name of this one
     * @param greeting the line that says it is ready, up to its address
     * @param isRunning whether it does so now
     * @param stopped completes when it has stopped, exceptionally when it could not go on
     * @param closing closes it
     */
    record Running(
            String name,
            String instance,
            String greeting,
            BooleanSupplier isRunning,
            CompletableFuture<Void> stopped,
            Runnable closing) {}

    /** Offers its meters, says that it is ready and runs it until it is told to end or fails. */
    int runUntilStopped(PrintWriter out, PrometheusMeterRegistry meters, Running service) throws InterruptedException {
        MetricsServer metrics = MetricsServer.start(
                meters,
                metricsPort,
                () -> service.isRunning().getAsBoolean() ? Optional.empty() : Optional.of("not running"));
        String url = metrics.url() + "/metrics";
        out.println(service.greeting() + "metrics " + url);
        out.flush();
        report(Map.of("instance", service.instance(), "metrics", url));
        return Foreground.runUntilStopped(
                () -> {
                    service.closing().run();
                    metrics.close();
                },
                () -> awaitEnd(service));
    }

    private static void awaitEnd(Running service) {
        try {
            service.stopped().join();
        } catch (CompletionException e) {
            throw new UserException(
                    "the " + service.name() + " has stopped: " + e.getCause().getMessage(), e.getCause());
        }
    }
}

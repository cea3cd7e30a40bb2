package io.sluice.messaging;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * Serves {@code /metrics} in Prometheus' text format and {@code /healthz}, on the loopback interface only. Thread-safe.
 */
public final class MetricsServer implements AutoCloseable {
    private static final String TEXT = "text/plain; charset=utf-8";
    private static final String PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";
    private static final int OK = 200;
    private static final int NOT_FOUND = 404;
    private static final int NOT_ALLOWED = 405;
    private static final int UNAVAILABLE = 503;

    private final HttpServer server;
    private final ExecutorService threads;

    private MetricsServer(HttpServer server, ExecutorService threads) {
        this.server = server;
        this.threads = threads;
    }

    /** As {@link #start(PrometheusMeterRegistry, int, Supplier)}, always healthy. */
    public static MetricsServer start(PrometheusMeterRegistry registry, int port) {
        return start(registry, port, Optional::empty);
    }

    /**
     * Binds and serves.
     *
     * @param port 0: any free one
     * @param ailment what is wrong now, one line; empty: healthy. Asked for every {@code /healthz}
     * @throws UncheckedIOException when the port is taken; names it and the remedy
     */
    public static MetricsServer start(PrometheusMeterRegistry registry, int port, Supplier<Optional<String>> ailment) {
        Objects.requireNonNull(registry, "registry");
        HttpServer http = bind(port);
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        http.setExecutor(threads);
        MetricsServer server = new MetricsServer(http, threads);
        server.addHandler("/metrics", exchange -> answer(exchange, OK, PROMETHEUS_TEXT, registry.scrape()));
        server.addHandler("/healthz", exchange -> {
            Optional<String> wrong = ailment.get();
            answer(exchange, wrong.isEmpty() ? OK : UNAVAILABLE, TEXT, wrong.orElse("ok") + "\n");
        });
        server.addHandler("/", exchange -> answer(exchange, NOT_FOUND, TEXT, "try /metrics or /healthz\n"));
        http.start();
        return server;
    }

    /** A registry with a {@code service} label on everything and the usual JVM and processor metrics. */
    public static PrometheusMeterRegistry newRegistry(String service) {
        PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        registry.config().commonTags("service", service);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        return registry;
    }

    /** Adds a page; {@code path} is a prefix as in {@link HttpServer#createContext}. */
    public void addHandler(String path, HttpHandler handler) {
        server.createContext(path, exchange -> {
            try (exchange) {
                handler.handle(exchange);
            }
        });
    }

    /** Base address, for example {@code http://127.0.0.1:40123}. */
    public String url() {
        return "http://127.0.0.1:" + port();
    }

    public int port() {
        return server.getAddress().getPort();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    /** Writes a whole answer; refuses everything but GET and HEAD. */
    public static void answer(HttpExchange exchange, int status, String contentType, String body) throws IOException {
        boolean head = exchange.getRequestMethod().equals("HEAD");
        if (!head && !exchange.getRequestMethod().equals("GET")) {
            exchange.getResponseHeaders().set("Allow", "GET, HEAD");
            exchange.sendResponseHeaders(NOT_ALLOWED, -1);
            return;
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", contentType);
        exchange.sendResponseHeaders(status, head || bytes.length == 0 ? -1 : bytes.length);
        if (!head) {
            exchange.getResponseBody().write(bytes);
        }
    }

    private static HttpServer bind(int port) {
        try {
            return HttpServer.create(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port), 0);
        } catch (BindException e) {
            throw new UncheckedIOException(
                    "metrics port " + port + " on 127.0.0.1 is in use; choose another with --metrics-port,"
                            + " 0 for any free one",
                    e);
        } catch (IOException e) {
            throw new UncheckedIOException("metrics endpoint cannot listen on 127.0.0.1:" + port, e);
        }
    }
}

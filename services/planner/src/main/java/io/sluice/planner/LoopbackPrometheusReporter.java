package io.sluice.planner;

import io.prometheus.client.CollectorRegistry;
import io.prometheus.client.exporter.HTTPServer;
import java.io.IOException;
import java.lang.reflect.Field;
import java.net.InetSocketAddress;
import java.util.Properties;
import org.apache.flink.metrics.MetricConfig;
import org.apache.flink.metrics.prometheus.AbstractPrometheusReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;

/** Flink's Prometheus reporter, but on the loopback interface only: Flink's own listens on every interface. */
public final class LoopbackPrometheusReporter extends AbstractPrometheusReporter {
    /** Setting with the port to listen on. */
    static final String PORT = "port";

    static final String HOST = "127.0.0.1";

    private HTTPServer server;

    private LoopbackPrometheusReporter() {}

    @Override
    public void open(MetricConfig config) {
        super.open(config);
        int port = config.getInteger(PORT, 0);
        try {
            server = new HTTPServer(new InetSocketAddress(HOST, port), collectors(), true);
        } catch (IOException e) {
            throw new IllegalStateException(
                    "Flink's metrics cannot listen on " + HOST + ":" + port + ": " + e.getMessage(), e);
        }
    }

    /** The registry is Flink's own and not open to subclasses of other packages. */
    private CollectorRegistry collectors() {
        try {
            Field registry = AbstractPrometheusReporter.class.getDeclaredField("registry");
            registry.setAccessible(true);
            return (CollectorRegistry) registry.get(this);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("this version of flink-metrics-prometheus keeps its registry elsewhere", e);
        }
    }

    @Override
    public void close() {
        if (server != null) {
            server.stop();
        }
        super.close();
    }

    /** Found by Flink through {@code META-INF/services}. */
    public static final class Factory implements MetricReporterFactory {
        @Override
        public LoopbackPrometheusReporter createMetricReporter(Properties properties) {
            return new LoopbackPrometheusReporter();
        }
    }
}

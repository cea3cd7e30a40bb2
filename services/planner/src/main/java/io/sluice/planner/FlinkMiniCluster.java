package io.sluice.planner;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.configuration.BlobServerOptions;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.MetricOptions;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.configuration.WebOptions;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Flink cluster in this process: REST API and web UI, and metrics for Prometheus, both on free loopback ports;
 * checkpoints and temporary files under one folder. Starts in 1–2 s. Thread-safe.
 */
public final class FlinkMiniCluster implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FlinkMiniCluster.class);
    private static final String LOOPBACK = "127.0.0.1";
    private static final Duration STOP = Duration.ofSeconds(10);

    private final MiniCluster cluster;
    private final URI rest;
    private final int metricsPort;
    /** Index of the TaskManager that runs; those before it have gone, and Flink keeps their places. */
    private int taskManager;

    private FlinkMiniCluster(MiniCluster cluster, URI rest, int metricsPort) {
        this.cluster = cluster;
        this.rest = rest;
        this.metricsPort = metricsPort;
    }

    /**
     * Starts a cluster.
     *
     * @param dataDir created when missing
     * @param slots task slots, at least the parallelism of the jobs together
     */
    public static FlinkMiniCluster start(Path dataDir, int slots) {
        try {
            Path checkpoints = Files.createDirectories(dataDir.resolve("checkpoints"));
            Path temporary = Files.createDirectories(dataDir.resolve("tmp"));
            int metricsPort = freePort();
            Configuration c = configuration(checkpoints, temporary, metricsPort);
            MiniCluster cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
                    .setConfiguration(c)
                    .setNumTaskManagers(1)
                    .setNumSlotsPerTaskManager(slots)
                    .build());
            cluster.start();
            URI rest = cluster.getRestAddress().get();
            LOG.info("flink started web={} slots={} data={}", rest, slots, dataDir);
            return new FlinkMiniCluster(cluster, rest, metricsPort);
        } catch (IOException e) {
            throw new UncheckedIOException("Flink cannot use folder " + dataDir + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while Flink was starting", e);
        } catch (Exception e) {
            throw new IllegalStateException("Flink did not start: " + e.getMessage(), e);
        }
    }

    private static Configuration configuration(Path checkpoints, Path temporary, int metricsPort) {
        Configuration c = new Configuration();
        c.set(RestOptions.ADDRESS, LOOPBACK);
        c.set(RestOptions.BIND_ADDRESS, LOOPBACK);
        c.set(RestOptions.BIND_PORT, "0");
        c.set(RestOptions.PORT, 0);
        c.set(JobManagerOptions.ADDRESS, LOOPBACK);
        c.set(JobManagerOptions.BIND_HOST, LOOPBACK);
        c.set(TaskManagerOptions.HOST, LOOPBACK);
        c.set(TaskManagerOptions.BIND_HOST, LOOPBACK);
        c.set(BlobServerOptions.PORT, "0");
        c.set(WebOptions.SUBMIT_ENABLE, false);
        c.set(WebOptions.TMP_DIR, temporary.toString());
        c.set(CoreOptions.TMP_DIRS, temporary.toString());
        c.set(BlobServerOptions.STORAGE_DIRECTORY, temporary.toString());
        // The job keeps its state on the heap and exchanges a few records a second.
        c.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(1));
        c.set(TaskManagerOptions.NETWORK_MEMORY_MIN, MemorySize.ofMebiBytes(16));
        c.set(TaskManagerOptions.NETWORK_MEMORY_MAX, MemorySize.ofMebiBytes(16));
        c.set(CheckpointingOptions.CHECKPOINT_STORAGE, "filesystem");
        c.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, checkpoints.toUri().toString());
        c.set(MetricOptions.REPORTERS_LIST, "prometheus");
        c.setString("metrics.reporter.prometheus.factory.class", LoopbackPrometheusReporter.Factory.class.getName());
        c.setString("metrics.reporter.prometheus." + LoopbackPrometheusReporter.PORT, Integer.toString(metricsPort));
        return c;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(LOOPBACK))) {
            return socket.getLocalPort();
        }
    }

    /** Address of the web UI and the REST API. */
    public URI webUrl() {
        return rest;
    }

    /** Address Prometheus scrapes. */
    public URI metricsUrl() {
        return URI.create("http://" + LoopbackPrometheusReporter.HOST + ":" + metricsPort + "/metrics");
    }

    /** Flink's own handle; for tests that take a TaskManager away. */
    MiniCluster cluster() {
        return cluster;
    }

    /**
     * Takes the TaskManager away, as a lost machine would go, and gives the cluster a new one; jobs go on from their last
     * checkpoint by themselves.
     */
    public synchronized void replaceTaskManager() {
        try {
            cluster.terminateTaskManager(taskManager).get(STOP.toMillis(), TimeUnit.MILLISECONDS);
            cluster.startTaskManager();
            taskManager++;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the TaskManager was replaced", e);
        } catch (Exception e) { // MiniCluster.startTaskManager
            throw new IllegalStateException("the TaskManager could not be replaced: " + e.getMessage(), e);
        }
    }

    /** Stops all jobs; returns when Flink has gone or after 10 s. */
    @Override
    public void close() {
        try {
            cluster.closeAsync().get(STOP.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            LOG.warn("flink did not stop cleanly message={}", e.toString());
        }
    }
}

package io.sluice.embedded;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * An {@link EmbeddedBroker} in a process of its own, so that it can be killed, run out of disk and start again without
 * taking this JVM with it. Thread-safe.
 */
public final class BrokerProcess implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(50);

    private final ChildProcess child;
    private final int port;

    private BrokerProcess(ChildProcess child, int port) {
        this.child = child;
        this.port = port;
    }

    /**
     * Where and how to start.
     *
     * @param dataFolder folder of the logs; created and formatted when new
     * @param port client port on loopback, above 0: a broker that starts again must be found where it was
     * @param overrides broker settings that win over those of {@link EmbeddedBroker}
     * @param log file for its output
     * @param startTimeout how long to wait until it accepts connections
     */
    public record Config(Path dataFolder, int port, Map<String, String> overrides, Path log, Duration startTimeout) {
        public Config {
            Objects.requireNonNull(dataFolder, "dataFolder");
            Objects.requireNonNull(log, "log");
            Objects.requireNonNull(startTimeout, "startTimeout");
            overrides = Map.copyOf(overrides);
            if (port < 1) {
                throw new IllegalArgumentException("broker port " + port + " must be at least 1");
            }
        }
    }

    /**
     * Starts a broker and returns when it accepts connections, which it does when it serves.
     *
     * @param again whether it is a restart: its log goes on in the same file
     * @throws StartupException when the port is in use, the process ends or does not answer in time
     */
    public static BrokerProcess start(Config config, boolean again) {
        LoopbackPorts.requireFree(config.port(), "broker", "--broker-port");
        List<String> arguments = new ArrayList<>(
                List.of(config.dataFolder().toAbsolutePath().toString(), Integer.toString(config.port())));
        config.overrides().entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(entry -> arguments.add(entry.getKey() + "=" + entry.getValue()));
        ChildProcess.Spec spec = new ChildProcess.Spec(
                "broker",
                List.of(
                        "-Xms64m",
                        "-Xmx384m",
                        "-Xss512k",
                        "-XX:+UseSerialGC",
                        "-XX:-UsePerfData",
                        "-Dlogback.configurationFile=logback-child.xml"),
                System.getProperty("java.class.path"),
                BrokerMain.class.getName(),
                arguments,
                Map.of(),
                config.log());
        BrokerProcess broker = new BrokerProcess(ChildProcess.start(again ? spec.again() : spec), config.port());
        try {
            broker.awaitReady(config.startTimeout());
            return broker;
        } catch (RuntimeException e) {
            broker.close();
            throw e;
        }
    }

    private void awaitReady(Duration timeout) {
        long began = System.nanoTime();
        try {
            while (!accepts()) {
                if (!child.isAlive()) {
                    throw new StartupException("the broker did not start: " + child.describeExit());
                }
                if (System.nanoTime() - began > timeout.toNanos()) {
                    throw new StartupException("the broker did not accept connections at " + bootstrap() + " within "
                            + timeout.toSeconds() + " s: " + child.describeExit());
                }
                Thread.sleep(POLL);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StartupException("interrupted while the broker started", e);
        }
    }

    private boolean accepts() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(LoopbackPorts.HOST, port), 1000);
            return true;
        } catch (IOException e) {
            return false; // not listening yet
        }
    }

    /** Address for clients, {@code host:port}. */
    public String bootstrap() {
        return LoopbackPorts.HOST + ":" + port;
    }

    /** The process, to look at or to hurt. */
    public ChildProcess process() {
        return child;
    }

    /** Stops the broker in order, by force after a while; idempotent. */
    @Override
    public void close() {
        child.close();
    }
}

package io.sluice.embedded;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A single-node Kafka cluster (KRaft, broker and controller in one) in this JVM, on loopback only. The data folder
 * keeps topics across restarts. This is the one class that touches Kafka's internal server API. Thread-safe.
 */
public final class EmbeddedBroker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedBroker.class);
    private static final int NODE_ID = 1;
    private static final int ATTEMPTS = 3;
    private static final int MAX_MESSAGE_BYTES = 8 << 20;

    private final KafkaRaftServer server;
    private final int port;
    private boolean closed;

    private EmbeddedBroker(KafkaRaftServer server, int port) {
        this.server = server;
        this.port = port;
    }

    /**
     * Where and how to start.
     *
     * @param dataFolder folder of the logs; created and formatted when new
     * @param port client port on loopback; 0 chooses a free one
     * @param overrides broker settings that win over the defaults here
     * @param clusterId of a cluster of several brokers, each with its own {@code node.id}; empty: a cluster of its own
     */
    public record Config(Path dataFolder, int port, Map<String, String> overrides, Optional<String> clusterId) {
        public Config {
            Objects.requireNonNull(dataFolder, "dataFolder");
            Objects.requireNonNull(clusterId, "clusterId");
            overrides = Map.copyOf(overrides);
        }

        /** A broker of a cluster of its own. */
        public Config(Path dataFolder, int port, Map<String, String> overrides) {
            this(dataFolder, port, overrides, Optional.empty());
        }

        /** A broker on a free port with the defaults. */
        public static Config in(Path dataFolder) {
            return new Config(dataFolder, 0, Map.of());
        }
    }

    /**
     * Formats the data folder if needed and starts the broker; returns when it serves requests.
     *
     * @throws StartupException when the port is in use or the data folder cannot be used
     */
    public static EmbeddedBroker start(Config config) {
        if (config.port() != 0) {
            LoopbackPorts.requireFree(config.port(), "broker", "--broker-port");
        }
        for (int attempt = 1; ; attempt++) {
            int[] ports = LoopbackPorts.free(2);
            int port = config.port() == 0 ? ports[0] : config.port();
            try {
                return startOn(config, port, ports[1]);
            } catch (RuntimeException e) {
                if (!isBindFailure(e)) {
                    throw new StartupException(
                            "the broker did not start in " + config.dataFolder() + ": " + e.getMessage(), e);
                }
                if (config.port() != 0 || attempt == ATTEMPTS) {
                    throw LoopbackPorts.inUse(port, "broker", "--broker-port", e);
                }
            }
        }
    }

    private static EmbeddedBroker startOn(Config config, int port, int controllerPort) {
        long began = System.nanoTime();
        Path folder = config.dataFolder().toAbsolutePath();
        format(folder, config);
        Map<String, String> settings = settings(folder, port, controllerPort);
        settings.putAll(config.overrides());
        KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
        try {
            server.startup();
        } catch (RuntimeException e) {
            server.shutdown();
            server.awaitShutdown();
            throw e;
        }
        LOG.info(
                "broker=started bootstrap={}:{} data={} ms={}",
                LoopbackPorts.HOST,
                port,
                folder,
                (System.nanoTime() - began) / 1_000_000);
        return new EmbeddedBroker(server, port);
    }

    private static void format(Path folder, Config config) {
        try {
            Files.createDirectories(folder);
            if (Files.exists(folder.resolve("meta.properties"))) {
                return;
            }
            Formatter formatter = new Formatter();
            formatter
                    .setNodeId(Integer.parseInt(config.overrides().getOrDefault("node.id", Integer.toString(NODE_ID))))
                    .setClusterId(
                            config.clusterId().orElseGet(() -> Uuid.randomUuid().toString()))
                    .addDirectory(folder.toString())
                    .setMetadataLogDirectory(folder.toString())
                    .setControllerListenerName("CONTROLLER")
                    .setPrintStream(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
            formatter.run();
        } catch (IOException e) {
            throw new StartupException(
                    "the broker's data folder " + folder + " cannot be written: " + e.getMessage(), e);
        } catch (Exception e) { // Formatter.run declares Exception
            throw new StartupException(
                    "the broker's data folder " + folder + " cannot be formatted: " + e.getMessage(), e);
        }
    }

    /** A cluster of one: no replication, no waiting for members, small internal topics, room for big chunks. */
    private static Map<String, String> settings(Path folder, int port, int controllerPort) {
        Map<String, String> s = new HashMap<>();
        s.put("process.roles", "broker,controller");
        s.put("node.id", Integer.toString(NODE_ID));
        s.put("controller.quorum.voters", NODE_ID + "@" + LoopbackPorts.HOST + ":" + controllerPort);
        s.put(
                "listeners",
                "CLIENTS://" + LoopbackPorts.HOST + ":" + port + ",CONTROLLER://" + LoopbackPorts.HOST + ":"
                        + controllerPort);
        s.put("advertised.listeners", "CLIENTS://" + LoopbackPorts.HOST + ":" + port);
        s.put("listener.security.protocol.map", "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT");
        s.put("inter.broker.listener.name", "CLIENTS");
        s.put("controller.listener.names", "CONTROLLER");
        s.put("log.dirs", folder.toString());
        for (String topic : new String[] {"offsets.topic", "transaction.state.log", "share.coordinator.state.topic"}) {
            s.put(topic + ".replication.factor", "1");
            s.put(topic + ".num.partitions", "4");
        }
        s.put("transaction.state.log.min.isr", "1");
        s.put("share.coordinator.state.topic.min.isr", "1");
        s.put("default.replication.factor", "1");
        s.put("min.insync.replicas", "1");
        s.put("group.initial.rebalance.delay.ms", "0");
        // A mistyped topic name is an error for its writer, not a new topic.
        s.put("auto.create.topics.enable", "false");
        s.put("message.max.bytes", Integer.toString(MAX_MESSAGE_BYTES));
        s.put("replica.fetch.max.bytes", Integer.toString(MAX_MESSAGE_BYTES));
        s.put("log.cleaner.dedupe.buffer.size", Integer.toString(8 << 20));
        // The system's own buffers grow with what is on a long link; Kafka's fixed 100 KiB would be filled by it.
        s.put("socket.send.buffer.bytes", "-1");
        s.put("socket.receive.buffer.bytes", "-1");
        s.put("num.network.threads", "2");
        s.put("num.io.threads", "4");
        // After a crash the controller refuses the new incarnation until the old one's session is over.
        s.put("broker.session.timeout.ms", "4000");
        s.put("broker.heartbeat.interval.ms", "500");
        return s;
    }

    private static boolean isBindFailure(Throwable e) {
        for (Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof java.net.BindException
                    || String.valueOf(t.getMessage()).contains("failed to bind")) {
                return true;
            }
        }
        return false;
    }

    /** Address for clients, {@code host:port}. */
    public String bootstrap() {
        return LoopbackPorts.HOST + ":" + port;
    }

    public int port() {
        return port;
    }

    /** Stops the broker and waits until its data is on disk; idempotent. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        server.shutdown();
        server.awaitShutdown();
        LOG.info("broker=stopped bootstrap={}", bootstrap());
    }
}

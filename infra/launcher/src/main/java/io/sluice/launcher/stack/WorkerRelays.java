package io.sluice.launcher.stack;

import io.sluice.core.WorkerId;
import io.sluice.embedded.LoopbackPorts;
import io.sluice.messaging.KafkaSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A {@link BrokerRelay} per worker. The broker has a listener for each and announces the relay's port there, so that the
 * worker's clients never learn of a way round it. Thread-safe.
 */
final class WorkerRelays implements AutoCloseable {
    private static final String HOST = LoopbackPorts.HOST + ":";

    private final Map<WorkerId, BrokerRelay> relays = new LinkedHashMap<>();
    private final Map<WorkerId, Integer> ports = new LinkedHashMap<>();
    private final Map<String, String> brokerSettings;

    private WorkerRelays(Map<String, String> brokerSettings) {
        this.brokerSettings = Map.copyOf(brokerSettings);
    }

    /** No relays: workers connect directly. */
    static WorkerRelays none() {
        return new WorkerRelays(Map.of());
    }

    /** A relay for each of the workers of a broker that listens on {@code brokerPort}. */
    static WorkerRelays start(List<WorkerSpec> workers, int brokerPort) {
        int[] free = LoopbackPorts.lasting(2 * workers.size() + 2);
        // The broker's own port was chosen the same way and is not taken yet.
        List<Integer> usable = new ArrayList<>();
        for (int port : free) {
            if (port != brokerPort) {
                usable.add(port);
            }
        }
        int controller = usable.removeFirst();
        StringBuilder listeners =
                new StringBuilder("CLIENTS://" + HOST + brokerPort + ",CONTROLLER://" + HOST + controller);
        StringBuilder advertised = new StringBuilder("CLIENTS://" + HOST + brokerPort);
        StringBuilder protocols = new StringBuilder("CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT");
        Map<WorkerId, int[]> chosen = new LinkedHashMap<>();
        for (WorkerSpec worker : workers) {
            int[] pair = {usable.removeFirst(), usable.removeFirst()};
            String name = "WORKER" + chosen.size();
            chosen.put(worker.id(), pair);
            listeners.append(",").append(name).append("://").append(HOST).append(pair[0]);
            advertised.append(",").append(name).append("://").append(HOST).append(pair[1]);
            protocols.append(",").append(name).append(":PLAINTEXT");
        }
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("listeners", listeners.toString());
        settings.put("advertised.listeners", advertised.toString());
        settings.put("listener.security.protocol.map", protocols.toString());
        settings.put("controller.quorum.voters", "1@" + HOST + controller);
        WorkerRelays relays = new WorkerRelays(settings);
        try {
            chosen.forEach((worker, pair) -> {
                relays.relays.put(worker, new BrokerRelay(worker.value(), pair[1], pair[0]));
                relays.ports.put(worker, pair[1]);
            });
        } catch (RuntimeException e) {
            relays.close();
            throw e;
        }
        return relays;
    }

    /** What the broker must be told of the relays. */
    Map<String, String> brokerSettings() {
        return brokerSettings;
    }

    /** How a worker reaches the broker. */
    KafkaSettings settingsOf(WorkerId worker, KafkaSettings direct) {
        Integer port = ports.get(worker);
        return port == null ? direct : new KafkaSettings(HOST + port, direct.registryUrl(), direct.overrides());
    }

    /** The relay of a worker; null when it has none. */
    BrokerRelay of(WorkerId worker) {
        return relays.get(worker);
    }

    @Override
    public void close() {
        relays.values().forEach(BrokerRelay::close);
    }
}

package io.sluice.launcher.stack;

import io.sluice.core.WorkerId;
import io.sluice.embedded.LoopbackPorts;
import io.sluice.embedded.WanRelay;
import io.sluice.embedded.WanShape;
import io.sluice.messaging.KafkaSettings;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A {@link WanRelay} per worker. The broker has a listener for each and announces the relay's port there, so that the
 * worker's clients never learn of a way round it. As a broker's listeners are fixed, there are some more for workers that
 * are added later. Thread-safe.
 */
final class WorkerRelays implements AutoCloseable {
    /** No delay and no bound on the rate of its own. */
    private static final WanShape NEAR = WanShape.of(0, 0);

    private static final int SPARE_SITES = 4;
    private static final String HOST = LoopbackPorts.HOST + ":";

    private final Map<WorkerId, WanRelay> relays = new LinkedHashMap<>();
    private final Deque<WanRelay> spare = new ArrayDeque<>();
    private final Map<String, String> brokerSettings;

    private WorkerRelays(Map<String, String> brokerSettings) {
        this.brokerSettings = Map.copyOf(brokerSettings);
    }

    /** No relays: workers connect directly. */
    static WorkerRelays none() {
        return new WorkerRelays(Map.of());
    }

    /**
     * A relay for each of the workers of a broker that listens on {@code brokerPort}.
     *
     * @param wan the network between their sites; empty: relays that only can be cut
     */
    static WorkerRelays start(List<WorkerSpec> workers, int brokerPort, Optional<WanShape> wan) {
        int sites = workers.size() + SPARE_SITES;
        int[] free = LoopbackPorts.lasting(2 * sites + 2);
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
        List<int[]> chosen = new ArrayList<>();
        for (int site = 0; site < sites; site++) {
            int[] pair = {usable.removeFirst(), usable.removeFirst()};
            String name = "SITE" + site;
            chosen.add(pair);
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
            for (int site = 0; site < sites; site++) {
                String name = site < workers.size() ? workers.get(site).id().value() : "site-" + site;
                int[] pair = chosen.get(site);
                WanRelay relay = new WanRelay(name, pair[1], pair[0], wan.orElse(NEAR), site);
                if (site < workers.size()) {
                    relays.relays.put(workers.get(site).id(), relay);
                } else {
                    relays.spare.add(relay);
                }
            }
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

    /** How a worker reaches the broker; one that is new gets a spare relay, or none where all are taken. */
    synchronized KafkaSettings settingsOf(WorkerId worker, KafkaSettings direct) {
        if (!relays.containsKey(worker) && !spare.isEmpty()) {
            relays.put(worker, spare.poll());
        }
        WanRelay relay = relays.get(worker);
        return relay == null
                ? direct
                : new KafkaSettings(HOST + relay.port(), direct.registryUrl(), direct.overrides());
    }

    /** The network between the sites is another one from now on. */
    synchronized void reshape(WanShape shape) {
        relays.values().forEach(relay -> relay.reshape(shape));
        spare.forEach(relay -> relay.reshape(shape));
    }

    /** How much later than its shape says the network hands on what crosses a relay, mean since the shape, milliseconds. */
    synchronized double lateMillis() {
        long pieces = relays.values().stream().mapToLong(WanRelay::handedOn).sum();
        long nanos = relays.values().stream().mapToLong(WanRelay::lateNanos).sum();
        return pieces == 0 ? 0 : nanos / 1e6 / pieces;
    }

    /** The relay of a worker; null when it has none. */
    synchronized WanRelay of(WorkerId worker) {
        return relays.get(worker);
    }

    @Override
    public synchronized void close() {
        relays.values().forEach(WanRelay::close);
        spare.forEach(WanRelay::close);
    }
}

package io.sluice.launcher.stack;

import io.sluice.embedded.BrokerProcess;
import io.sluice.embedded.ChildProcess;
import io.sluice.embedded.EmbeddedBroker;
import io.sluice.embedded.LoopbackPorts;
import io.sluice.embedded.RegistryHome;
import io.sluice.embedded.RegistryProcess;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicAdmin;
import io.sluice.planner.FlinkMiniCluster;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * What the services of a stack stand on: broker, registry and Flink, started side by side. Broker and registry come back
 * at their addresses. Thread-safe.
 */
final class Infrastructure implements AutoCloseable {
    private static final int FLINK_SLOTS = 1;
    private static final Duration BROKER_TIMEOUT = Duration.ofMinutes(3);
    private static final Duration REGISTRY_TIMEOUT = Duration.ofMinutes(3);

    private final StackConfig config;
    private final StackFolder folder;
    private final Progress progress;
    private final CloseOrder parts = new CloseOrder();

    private WorkerRelays relays = WorkerRelays.none();
    private Restartable<? extends AutoCloseable> broker;
    private Restartable<RegistryProcess> registry;
    private FlinkMiniCluster flink;
    private KafkaSettings settings;

    private Infrastructure(StackConfig config, StackFolder folder, Progress progress) {
        this.config = config;
        this.folder = folder;
        this.progress = progress;
    }

    /** Starts everything and creates the topics; nothing is left running when a part cannot start. */
    static Infrastructure start(StackConfig config, StackFolder folder, Progress progress) {
        Infrastructure started = new Infrastructure(config, folder, progress);
        try {
            started.start();
            return started;
        } catch (RuntimeException | Error e) {
            started.close();
            throw e;
        }
    }

    private void start() {
        CompletableFuture<String> bootstrap = Async.run(this::startBroker);
        CompletableFuture<String> url = Async.run(this::startRegistry);
        CompletableFuture<FlinkMiniCluster> job = Async.run(this::startFlink);
        // All of them, even when one has failed: whatever was opened must be known before it can be closed.
        Async.join(CompletableFuture.allOf(bootstrap, url, job));
        settings = new KafkaSettings(bootstrap.join(), url.join());
        flink = job.join();
    }

    private String startBroker() {
        String bootstrap = config.isolation().processes() ? startBrokerProcess() : startBrokerHere();
        progress.step("broker", bootstrap);
        try (TopicAdmin admin = new TopicAdmin(new KafkaSettings(bootstrap, "http://unused"))) {
            admin.ensure(Topics.all());
        }
        progress.step("topics", Topics.all().size() + " ready");
        return bootstrap;
    }

    private String startBrokerHere() {
        int port = config.ports().broker() == 0 && config.relayed()
                ? LoopbackPorts.lasting(1)[0]
                : config.ports().broker();
        startRelays(port);
        EmbeddedBroker first =
                EmbeddedBroker.start(new EmbeddedBroker.Config(folder.broker(), port, relays.brokerSettings()));
        EmbeddedBroker.Config later = new EmbeddedBroker.Config(folder.broker(), first.port(), relays.brokerSettings());
        broker = parts.opened("broker", new Restartable<>("broker", first, () -> EmbeddedBroker.start(later)));
        return first.bootstrap();
    }

    private void startRelays(int brokerPort) {
        if (config.relayed()) {
            relays = parts.opened("relays", WorkerRelays.start(config.workers(), brokerPort, config.wan()));
            config.wan().ifPresent(shape -> progress.step("wan", shape + ", a site for each worker"));
        }
    }

    private String startBrokerProcess() {
        int port = config.ports().broker() == 0
                ? LoopbackPorts.lasting(1)[0]
                : config.ports().broker();
        startRelays(port);
        BrokerProcess.Config own = new BrokerProcess.Config(
                folder.broker(), port, relays.brokerSettings(), folder.logs().resolve("broker.log"), BROKER_TIMEOUT);
        BrokerProcess first = BrokerProcess.start(own, false);
        Restartable<BrokerProcess> restartable =
                new Restartable<>("broker", first, () -> watched(BrokerProcess.start(own, true)));
        broker = parts.opened("broker", restartable);
        watched(first);
        return first.bootstrap();
    }

    @SuppressWarnings("unchecked") // it is one of processes when the stack has them
    private BrokerProcess watched(BrokerProcess process) {
        process.process().onUnexpectedExit(() -> ((Restartable<BrokerProcess>) broker).ended(process));
        return process;
    }

    private String startRegistry() {
        int port = config.isolation().processes() && config.ports().registry() == 0
                ? LoopbackPorts.lasting(1)[0]
                : config.ports().registry();
        RegistryProcess.Config own = new RegistryProcess.Config(
                RegistryHome.find(), folder.registry(), folder.logs().resolve("registry.log"), port, REGISTRY_TIMEOUT);
        RegistryProcess first = RegistryProcess.start(own);
        registry = parts.opened(
                "registry",
                new Restartable<>(
                        "registry", first, () -> watched(RegistryProcess.start(own.restartedOn(first.port())))));
        watched(first);
        progress.step("registry", first.url());
        return first.url();
    }

    private RegistryProcess watched(RegistryProcess process) {
        process.process().onUnexpectedExit(() -> registry.ended(process));
        return process;
    }

    private FlinkMiniCluster startFlink() {
        FlinkMiniCluster cluster = parts.opened("Flink", FlinkMiniCluster.start(folder.flink(), FLINK_SLOTS));
        progress.step("Flink", cluster.webUrl().toString());
        return cluster;
    }

    KafkaSettings settings() {
        return settings;
    }

    WorkerRelays relays() {
        return relays;
    }

    FlinkMiniCluster flink() {
        return flink;
    }

    Restartable<? extends AutoCloseable> broker() {
        return broker;
    }

    /** The broker's process; null when it runs in this one. */
    ChildProcess brokerProcess() {
        return broker.current() instanceof BrokerProcess process ? process.process() : null;
    }

    Restartable<RegistryProcess> registry() {
        return registry;
    }

    @Override
    public void close() {
        parts.close();
    }
}

package io.sluice.launcher.stack;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.embedded.ChildProcess;
import io.sluice.embedded.EmbeddedBroker;
import io.sluice.embedded.LoopbackPorts;
import io.sluice.embedded.RegistryHome;
import io.sluice.embedded.RegistryProcess;
import io.sluice.embedded.StartupException;
import io.sluice.launcher.ModelShape;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.MetricsServer;
import io.sluice.messaging.TopicAdmin;
import io.sluice.planner.FlinkMiniCluster;
import io.sluice.records.Allocation;
import io.sluice.records.WorkerStatus;
import io.sluice.runtime.ModelConfig;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything on one machine: broker, Flink job and router in this JVM, registry and workers as child processes, all on
 * loopback and under one folder. Started when the first allocation carries tokens and the router runs. Thread-safe.
 */
public final class EmbeddedStack implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedStack.class);
    private static final int FLINK_SLOTS = 1;
    private static final Duration START_TIMEOUT = Duration.ofMinutes(3);

    private final StackConfig config;
    private final Progress progress;
    private final StackFolder folder;
    private final long beganNanos = System.nanoTime();
    private final Deque<Part> parts = new ArrayDeque<>();
    private final WorkerProcesses workers = new WorkerProcesses();
    private final PrometheusMeterRegistry meters = MetricsServer.newRegistry("router");

    private KafkaSettings settings;
    private SchemaRegistry schemas;
    private Placements.Made placement;
    private RunningStack description;
    private boolean closed;

    /** Something to stop again. */
    private record Part(String name, AutoCloseable part) {}

    private EmbeddedStack(StackConfig config, Progress progress, StackFolder folder) {
        this.config = config;
        this.progress = progress;
        this.folder = folder;
    }

    /**
     * Starts everything; returns when a request would be served.
     *
     * @throws RuntimeException when a part cannot start; what was started is stopped again
     */
    public static EmbeddedStack start(StackConfig config, Progress progress) {
        EmbeddedStack stack = new EmbeddedStack(config, progress, StackFolder.lock(config.data()));
        try {
            stack.startParts();
            return stack;
        } catch (RuntimeException | Error e) {
            stack.close();
            throw e;
        }
    }

    private void startParts() {
        RunningStack.remove(folder.path());
        folder.clearFlink();
        // Before anything slow, so that a wrong model, workers file or port fails at once.
        requireFree(config.ports().broker(), "broker", "--broker-port");
        requireFree(config.ports().registry(), "registry", "--registry-port");
        ModelConfig model = ModelShape.read(config.model());
        Placements.make(config, model, 1);
        Infrastructure infrastructure = startInfrastructure();
        settings = infrastructure.settings();
        schemas = opened("registry client", new SchemaRegistry(settings.registryUrl(), Duration.ofMinutes(1)));
        placement = Placements.make(config, model, 1 + Placements.newestEpoch(settings, schemas, config.modelName()));
        try (ClusterWatch watch = new ClusterWatch(settings, schemas)) {
            opened("workers", workers).startAll(config, placement.plan(), settings, folder.logs());
            progress.step("workers", workers.all().size() + " starting: " + describe(placement));
            Placements.publish(settings, schemas, placement, System.currentTimeMillis());
            CompletableFuture<Void> services = startServices(infrastructure);
            Allocation first = awaitReady(watch, services);
            description = describe(infrastructure, watch);
            progress.step(
                    "ready",
                    String.format(
                            Locale.ROOT,
                            "allocation epoch %d carries %.0f tokens/s",
                            first.getEpoch(),
                            first.getMaxFlowTokensPerS()));
        }
        description.write(folder.path());
        workers.all().values().forEach(this::reportUnexpectedExit);
        double seconds = (System.nanoTime() - beganNanos) / 1e9;
        Gauge.builder("sluice.stack.start.seconds", () -> seconds).register(meters);
        LOG.info("stack=ready seconds={} data={}", seconds, folder.path());
        markWarm();
    }

    /** Tells the script that a start succeeded, so that the next one is worth recording. */
    private static void markWarm() {
        String file = System.getProperty("sluice.warm.file");
        if (file != null) {
            try {
                Files.write(Path.of(file), new byte[0]);
            } catch (IOException e) {
                LOG.info("warm={} not written: {}", file, e.getMessage());
            }
        }
    }

    private static void requireFree(int port, String what, String flag) {
        if (port != 0) {
            LoopbackPorts.requireFree(port, what, flag);
        }
    }

    /** What the services stand on. */
    private record Infrastructure(KafkaSettings settings, FlinkMiniCluster flink, MetricsServer metrics) {}

    private Infrastructure startInfrastructure() {
        MetricsServer metrics =
                opened("metrics", MetricsServer.start(meters, config.ports().metrics(), this::ailment));
        CompletableFuture<EmbeddedBroker> broker = async(this::startBroker);
        CompletableFuture<RegistryProcess> registry = async(this::startRegistry);
        CompletableFuture<FlinkMiniCluster> flink = async(this::startFlink);
        // All of them, even when one has failed: whatever was opened must be known before it can be closed.
        join(CompletableFuture.allOf(broker, registry, flink));
        return new Infrastructure(
                new KafkaSettings(broker.join().bootstrap(), registry.join().url()), flink.join(), metrics);
    }

    private EmbeddedBroker startBroker() {
        EmbeddedBroker broker = opened(
                "broker",
                EmbeddedBroker.start(new EmbeddedBroker.Config(
                        folder.broker(), config.ports().broker(), Map.of())));
        progress.step("broker", broker.bootstrap());
        try (TopicAdmin admin = new TopicAdmin(new KafkaSettings(broker.bootstrap(), "http://unused"))) {
            admin.ensure(Topics.all());
        }
        progress.step("topics", Topics.all().size() + " ready");
        return broker;
    }

    private RegistryProcess startRegistry() {
        RegistryProcess registry = opened(
                "registry",
                RegistryProcess.start(new RegistryProcess.Config(
                        RegistryHome.find(),
                        folder.registry(),
                        folder.logs().resolve("registry.log"),
                        config.ports().registry(),
                        Duration.ofMinutes(2))));
        progress.step("registry", registry.url());
        return registry;
    }

    private FlinkMiniCluster startFlink() {
        FlinkMiniCluster flink = opened("Flink", FlinkMiniCluster.start(folder.flink(), FLINK_SLOTS));
        progress.step("Flink", flink.webUrl().toString());
        return flink;
    }

    private CompletableFuture<Void> startServices(Infrastructure infrastructure) {
        ControlPlane controlPlane = new ControlPlane(settings, config, meters, folder);
        CompletableFuture<Void> job = async(() -> {
            opened("flow allocation job", controlPlane.startJob(infrastructure.flink()));
            progress.step("job", "flow allocation runs");
            return null;
        });
        CompletableFuture<Void> router = async(() -> {
            opened("router", controlPlane.startRouter());
            progress.step("router", "runs, policy " + config.policy());
            return null;
        });
        return CompletableFuture.allOf(job, router);
    }

    private Allocation awaitReady(ClusterWatch watch, CompletableFuture<Void> services) {
        Set<WorkerId> started = workers.all().keySet();
        Set<WorkerId> placed =
                placement.plan().stages().stream().map(Stage::worker).collect(Collectors.toSet());
        try {
            while (true) {
                watch.poll(progress);
                requireAlive();
                Optional<Allocation> allocation =
                        watch.usable(config.modelName(), placement.plan().epoch(), placed);
                if (services.isCompletedExceptionally()) {
                    join(services);
                }
                if (services.isDone() && watch.haveJoined(started) && allocation.isPresent()) {
                    return allocation.get();
                }
                if (System.nanoTime() - beganNanos > START_TIMEOUT.toNanos()) {
                    throw new StartupException("the stack was not ready within " + START_TIMEOUT.toSeconds() + " s ("
                            + missing(watch, started, allocation, services) + "): look at the logs in "
                            + folder.logs());
                }
            }
        } catch (RuntimeException e) {
            services.exceptionally(ignored -> null).join(); // nothing may be opened after closing has begun
            throw e;
        }
    }

    private static String missing(
            ClusterWatch watch,
            Set<WorkerId> placed,
            Optional<Allocation> allocation,
            CompletableFuture<Void> services) {
        List<String> missing = new ArrayList<>();
        placed.stream()
                .filter(worker -> !watch.haveJoined(Set.of(worker)))
                .forEach(worker -> missing.add("worker " + worker));
        if (allocation.isEmpty()) {
            missing.add("an allocation that carries tokens");
        }
        if (!services.isDone()) {
            missing.add("router or flow allocation job");
        }
        return "missing: " + String.join(", ", missing);
    }

    private void requireAlive() {
        for (ChildProcess child : workers.all().values()) {
            if (!child.isAlive()) {
                throw new StartupException(child.describeExit());
            }
        }
    }

    private void reportUnexpectedExit(ChildProcess child) {
        child.onUnexpectedExit(() -> progress.step("worker", child.name() + " has ended; its log: " + child.log()));
    }

    private Optional<String> ailment() {
        return workers.all().values().stream()
                .filter(child -> !child.isAlive())
                .findFirst()
                .map(child -> child.name() + " is not running");
    }

    private static String describe(Placements.Made made) {
        return made.method() + ", "
                + made.plan().stages().stream().map(Stage::toString).collect(Collectors.joining(" "));
    }

    private RunningStack describe(Infrastructure infrastructure, ClusterWatch watch) {
        List<RunningStack.Worker> described = new ArrayList<>();
        for (WorkerSpec worker : config.workers()) {
            ChildProcess child = workers.process(worker.id());
            if (child != null) {
                described.add(describe(worker, child, watch.status(worker.id()).orElseThrow()));
            }
        }
        ProcessHandle self = ProcessHandle.current();
        return new RunningStack(
                self.pid(),
                RunningStack.startOf(self),
                settings.bootstrap(),
                settings.registryUrl(),
                infrastructure.flink().webUrl().toString(),
                infrastructure.flink().metricsUrl().toString(),
                infrastructure.metrics().url() + "/metrics",
                folder.path().toString(),
                folder.logs().toString(),
                config.modelName(),
                config.model().toString(),
                described);
    }

    private static RunningStack.Worker describe(WorkerSpec worker, ChildProcess child, WorkerStatus status) {
        return new RunningStack.Worker(
                worker.id().value(),
                worker.device().toString(),
                worker.region(),
                ClusterWatch.layers(status).orElse("spare"),
                child.pid(),
                status.getMetricsUrl());
    }

    /**
     * Starts one more worker, a spare until a placement gives it layers; returns when it has joined.
     *
     * @throws RuntimeException when the stack has a worker of that name or the new one does not start
     */
    public RunningStack.Worker addWorker(WorkerSpec worker) {
        if (workers.process(worker.id()) != null) {
            throw new IllegalArgumentException("the stack already has a worker " + worker.id());
        }
        try (ClusterWatch watch = new ClusterWatch(settings, schemas)) {
            ChildProcess child = workers.start(config, worker, worker.layers(), settings, folder.logs());
            long began = System.nanoTime();
            while (!watch.haveJoined(Set.of(worker.id()))) {
                watch.poll(progress);
                if (!child.isAlive() || System.nanoTime() - began > START_TIMEOUT.toNanos()) {
                    workers.remove(worker.id());
                    String why =
                            child.isAlive() ? "it did not join in time; its log: " + child.log() : child.describeExit();
                    child.close();
                    throw new StartupException("worker " + worker.id() + " was not added: " + why);
                }
            }
            reportUnexpectedExit(child);
            RunningStack.Worker added =
                    describe(worker, child, watch.status(worker.id()).orElseThrow());
            describeWorkers(Stream.concat(description.workers().stream(), Stream.of(added)));
            return added;
        }
    }

    /**
     * Kills a worker at once, as a lost machine would be lost.
     *
     * @throws IllegalArgumentException when the stack has no worker of that name
     */
    public void killWorker(WorkerId id) {
        ChildProcess child = workers.remove(id);
        if (child == null) {
            throw new IllegalArgumentException("the stack has no worker " + id);
        }
        child.kill();
        progress.step("worker", id + " was killed");
        describeWorkers(description.workers().stream().filter(w -> !w.id().equals(id.value())));
    }

    private synchronized void describeWorkers(Stream<RunningStack.Worker> present) {
        description = description.with(present.toList());
        if (!closed) {
            description.write(folder.path());
        }
    }

    /** Addresses of the parts. */
    public synchronized RunningStack description() {
        return description;
    }

    /** How clients reach broker and registry. */
    public KafkaSettings settings() {
        return settings;
    }

    /** A client of the stack's registry, open as long as the stack is. */
    public SchemaRegistry schemas() {
        return schemas;
    }

    /** Where the layers are. */
    public PlacementPlan placement() {
        return placement.plan();
    }

    /** Meters of router and stack. */
    public PrometheusMeterRegistry meters() {
        return meters;
    }

    /** A worker's process, for its id, its log, or to kill it; empty when the stack has none of that name. */
    public Optional<ChildProcess> worker(WorkerId id) {
        return Optional.ofNullable(workers.process(id));
    }

    private synchronized <T extends AutoCloseable> T opened(String name, T part) {
        parts.push(new Part(name, part));
        return part;
    }

    private static <T> CompletableFuture<T> async(Supplier<T> start) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("stack-start").start(() -> {
            try {
                result.complete(start.get());
            } catch (RuntimeException | Error e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    private static void join(CompletableFuture<?> all) {
        try {
            all.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** Stops everything, newest first; idempotent. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        RunningStack.remove(folder.path());
        while (!parts.isEmpty()) {
            Part part = parts.pop();
            try {
                part.part().close();
            } catch (Exception e) { // AutoCloseable.close
                LOG.warn("{} did not stop in order: {}", part.name(), e.getMessage(), e);
            }
        }
        folder.close();
    }
}

package io.sluice.launcher.stack;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.embedded.ChildProcess;
import io.sluice.embedded.LoopbackPorts;
import io.sluice.embedded.StartupException;
import io.sluice.embedded.WanShape;
import io.sluice.launcher.ModelShape;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.MetricsServer;
import io.sluice.records.Allocation;
import io.sluice.records.WorkerStatus;
import io.sluice.runtime.ModelConfig;
import io.sluice.schemas.SchemaRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Everything on one machine: broker, Flink job, router and batch service in this JVM or, where the configuration isolates
 * them, all but the job in processes of their own; registry and workers as child processes; all on loopback and under one
 * folder.
 * Started when the first allocation carries tokens and the router runs. A worker that ends by itself is reported to the
 * router at once and started again. Thread-safe.
 */
public final class EmbeddedStack implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedStack.class);
    private static final Duration JOIN_TIMEOUT = Duration.ofMinutes(3);

    private final StackConfig config;
    private final Progress progress;
    private final StackFolder folder;
    private final long beganNanos = System.nanoTime();
    private final CloseOrder parts = new CloseOrder();
    private final WorkerProcesses workers = new WorkerProcesses();
    private final PrometheusMeterRegistry meters = MetricsServer.newRegistry("router");

    private MetricsServer metrics;
    private Infrastructure infrastructure;
    private KafkaSettings settings;
    private SchemaRegistry schemas;
    private Placements.Made placement;
    private volatile Restartable<AutoCloseable> router;
    private volatile Restartable<AutoCloseable> batch;
    private WorkerSupervisor supervisor;
    private RunningStack description;
    private boolean closed;

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
        metrics = parts.opened(
                "metrics", MetricsServer.start(meters, config.ports().metrics(), this::ailment));
        infrastructure = parts.opened("infrastructure", Infrastructure.start(config, folder, progress));
        settings = infrastructure.settings();
        schemas = parts.opened("registry client", new SchemaRegistry(settings.registryUrl(), Duration.ofMinutes(1)));
        placement = Placements.make(config, model, 1 + Placements.newestEpoch(settings, schemas, config.modelName()));
        try (ClusterWatch watch = new ClusterWatch(settings, schemas)) {
            // Before the workers take the cores: a registry that has just started needs them for its first subject.
            Placements.publish(settings, schemas, placement, System.currentTimeMillis());
            parts.opened("workers", workers).startAll(config, placement.plan(), this::settingsOf, folder.logs());
            progress.step("workers", workers.all().size() + " starting: " + describe(placement));
            Allocation first = new Readiness(watch, placement.plan(), workers.all(), startServices(), beganNanos)
                    .await(progress, folder.logs());
            description = describe(watch);
            progress.step(
                    "ready",
                    String.format(
                            Locale.ROOT,
                            "allocation epoch %d carries %.0f tokens/s",
                            first.getEpoch(),
                            first.getMaxFlowTokensPerS()));
        }
        description.write(folder.path());
        supervisor = parts.opened(
                "supervisor",
                new WorkerSupervisor(config.supervision(), workers, settings, schemas, progress, this::redescribe));
        workers.all().forEach(supervisor::watch);
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

    /**
     * The network between the sites is another one from now on; connections stay.
     *
     * @throws IllegalStateException when the stack was not started across one
     */
    public void setWan(WanShape shape) {
        if (!config.relayed()) {
            throw new IllegalStateException("the workers reach the broker directly: start the stack with --wan");
        }
        infrastructure.relays().reshape(shape);
    }

    /**
     * How much later than asked for the emulated network hands on what crosses a relay, as this machine is busy: mean
     * since {@link #setWan}, milliseconds; 0 without relays.
     */
    public double wanLateMillis() {
        return infrastructure.relays().lateMillis();
    }

    private KafkaSettings settingsOf(WorkerId worker) {
        return infrastructure.relays().settingsOf(worker, settings);
    }

    private CompletableFuture<Void> startServices() {
        ControlPlane controlPlane = new ControlPlane(settings, config, meters, folder);
        CompletableFuture<Void> job = Async.run(() -> {
            parts.opened("flow allocation job", controlPlane.startJob(infrastructure.flink()));
            progress.step("job", "flow allocation runs");
            return null;
        });
        CompletableFuture<Void> routing = Async.run(() -> {
            router = parts.opened("router", controlPlane.startRouter());
            progress.step("router", "runs, policy " + config.policy());
            return null;
        });
        CompletableFuture<Void> batches = Async.run(() -> {
            batch = parts.opened("batch service", controlPlane.startBatch());
            return null;
        });
        return CompletableFuture.allOf(job, routing, batches);
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

    private RunningStack describe(ClusterWatch watch) {
        List<RunningStack.Worker> described = new ArrayList<>();
        for (WorkerSpec worker : config.workers()) {
            ChildProcess child = workers.process(worker.id());
            if (child != null) {
                described.add(describe(
                        worker.id(),
                        worker.device().toString(),
                        worker.region(),
                        child,
                        watch.status(worker.id()).orElseThrow()));
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
                metrics.url() + "/metrics",
                folder.path().toString(),
                folder.logs().toString(),
                config.modelName(),
                config.model().toString(),
                described);
    }

    private static RunningStack.Worker describe(
            WorkerId id, String device, String region, ChildProcess child, WorkerStatus status) {
        return new RunningStack.Worker(
                id.value(),
                device,
                region,
                ClusterWatch.layers(status).orElse("spare"),
                child.pid(),
                status.getMetricsUrl());
    }

    /** A worker has joined: if it was started again, its process and addresses are others now. */
    private void redescribe(WorkerStatus status) {
        WorkerId id = new WorkerId(status.getWorker());
        ChildProcess child = workers.process(id);
        synchronized (this) {
            Optional<RunningStack.Worker> known = description.workers().stream()
                    .filter(worker -> worker.id().equals(id.value()))
                    .findFirst();
            if (child == null || known.isEmpty() || known.get().pid() == child.pid()) {
                return;
            }
            RunningStack.Worker now =
                    describe(id, known.get().device(), known.get().region(), child, status);
            describeWorkers(
                    description.workers().stream().map(worker -> worker.id().equals(id.value()) ? now : worker));
        }
        progress.step("worker", id + " is back, pid " + child.pid());
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
            ChildProcess child = workers.start(config, worker, worker.layers(), settingsOf(worker.id()), folder.logs());
            long began = System.nanoTime();
            while (!watch.haveJoined(Set.of(worker.id()))) {
                watch.poll(progress);
                if (!child.isAlive() || System.nanoTime() - began > JOIN_TIMEOUT.toNanos()) {
                    workers.remove(worker.id());
                    String why =
                            child.isAlive() ? "it did not join in time; its log: " + child.log() : child.describeExit();
                    child.close();
                    throw new StartupException("worker " + worker.id() + " was not added: " + why);
                }
            }
            supervisor.watch(worker.id(), child);
            RunningStack.Worker added = describe(
                    worker.id(),
                    worker.device().toString(),
                    worker.region(),
                    child,
                    watch.status(worker.id()).orElseThrow());
            describeWorkers(Stream.concat(description.workers().stream(), Stream.of(added)));
            return added;
        }
    }

    /**
     * Kills a worker for good. The supervisor reports its end at once and does not start it again.
     *
     * @throws IllegalArgumentException when the stack has no worker of that name
     */
    public void killWorker(WorkerId id) {
        taken(id).kill();
        progress.step("worker", id + " was killed");
    }

    /**
     * Kills a worker for good as a machine that loses power: nobody is there to report it or to start it again.
     *
     * @throws IllegalArgumentException when the stack has no worker of that name
     */
    public void loseMachine(WorkerId id) {
        taken(id).killSilently();
        progress.step("worker", id + " was lost with its machine");
    }

    private ChildProcess taken(WorkerId id) {
        ChildProcess child = workers.remove(id);
        if (child == null) {
            throw new IllegalArgumentException("the stack has no worker " + id);
        }
        describeWorkers(description().workers().stream().filter(w -> !w.id().equals(id.value())));
        return child;
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

    /** Meters of the stack, and of a router that runs in this JVM. */
    public PrometheusMeterRegistry meters() {
        return meters;
    }

    /**
     * A worker's process, for its id, its log, or to kill it: unlike {@link #killWorker} that leaves the worker in the
     * stack, so the supervisor starts it again. Empty when the stack has none of that name.
     */
    public Optional<ChildProcess> worker(WorkerId id) {
        return Optional.ofNullable(workers.process(id));
    }

    /** What can be done to the stack to see whether it survives. */
    public StackFaults faults() {
        return new StackFaults(infrastructure, router, batch, workers);
    }

    /** Stops everything, newest first; idempotent. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        RunningStack.remove(folder.path());
        parts.close();
        folder.close();
    }
}

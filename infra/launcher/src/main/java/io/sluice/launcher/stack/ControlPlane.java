package io.sluice.launcher.stack;

import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.batch.BatchConfig;
import io.sluice.batch.BatchService;
import io.sluice.messaging.KafkaSettings;
import io.sluice.planner.FlinkMiniCluster;
import io.sluice.planner.PlannerConfig;
import io.sluice.planner.PlannerService;
import io.sluice.router.RouterConfig;
import io.sluice.router.RouterService;
import io.sluice.router.RuntimeModelCatalog;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/** Starts the services that run in the stack's own JVM. */
final class ControlPlane {
    private final KafkaSettings settings;
    private final StackConfig config;
    private final MeterRegistry meters;
    private final StackFolder folder;

    ControlPlane(KafkaSettings settings, StackConfig config, MeterRegistry meters, StackFolder folder) {
        this.settings = settings;
        this.config = config;
        this.meters = meters;
        this.folder = folder;
    }

    /** A router that serves the stack's model, here or in a process of its own; returns when it takes requests. */
    Restartable<AutoCloseable> startRouter() {
        if (!config.isolation().processes()) {
            return new Restartable<>("router", routerHere(), this::routerHere);
        }
        return startProcess(
                "router",
                List.of(
                        "--models",
                        config.modelName() + "=" + config.model(),
                        "--policy",
                        config.policy().toString(),
                        "--best-effort-kv-share",
                        Double.toString(config.sharing().kvShare()),
                        "--data",
                        folder.router().toString()));
    }

    /** A service in a process of its own, started again whenever it ends by itself. */
    private Restartable<AutoCloseable> startProcess(String command, List<String> arguments) {
        AtomicReference<Restartable<AutoCloseable>> service = new AtomicReference<>();
        ServiceProcess first = ServiceProcess.start(command, arguments, settings, folder, false);
        service.set(new Restartable<>(
                command,
                first,
                () -> watched(ServiceProcess.start(command, arguments, settings, folder, true), service)));
        watched(first, service);
        return service.get();
    }

    private static ServiceProcess watched(ServiceProcess process, AtomicReference<Restartable<AutoCloseable>> service) {
        process.process().onUnexpectedExit(() -> service.get().ended(process));
        return process;
    }

    private AutoCloseable routerHere() {
        RuntimeModelCatalog models = RuntimeModelCatalog.open(Map.of(config.modelName(), config.model()));
        try {
            RouterService router = RouterService.start(RouterConfig.of(settings, models, meters, folder.router())
                    .withPolicy(config.policy())
                    .withBestEffortShare(config.sharing().kvShare()));
            return () -> {
                router.close();
                models.close();
            };
        } catch (RuntimeException e) {
            models.close();
            throw e;
        }
    }

    /**
     * A batch service, here or in a process of its own, whose jobs become requests to the stack's router; returns when it
     * takes jobs.
     */
    Restartable<AutoCloseable> startBatch() {
        if (config.isolation().processes()) {
            return startProcess("batcher", List.of("--data", folder.batch().toString()));
        }
        return new Restartable<>("batch service", batchHere(), this::batchHere);
    }

    private AutoCloseable batchHere() {
        return BatchService.start(BatchConfig.of(settings, meters, folder.batch()));
    }

    /** The planner's job on a cluster of this process, whose classes it shares; returns when it runs. */
    AutoCloseable startJob(FlinkMiniCluster flink) {
        String address = flink.webUrl().getHost() + ":" + flink.webUrl().getPort();
        PlannerConfig planner = PlannerConfig.of(settings, folder.flink())
                .onCluster(address, List.of())
                .withSharing(config.limits());
        return PlannerService.start(
                config.placement().map(planner::withPlacement).orElse(planner));
    }
}

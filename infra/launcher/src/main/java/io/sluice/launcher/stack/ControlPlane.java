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
        AtomicReference<Restartable<AutoCloseable>> router = new AtomicReference<>();
        RouterProcess first = RouterProcess.start(config, settings, folder, false);
        router.set(new Restartable<>(
                "router", first, () -> watched(RouterProcess.start(config, settings, folder, true), router)));
        watched(first, router);
        return router.get();
    }

    private static RouterProcess watched(RouterProcess process, AtomicReference<Restartable<AutoCloseable>> router) {
        process.process().onUnexpectedExit(() -> router.get().ended(process));
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

    /** A batch service, here, whose jobs become requests to the stack's router; returns when it takes jobs. */
    Restartable<AutoCloseable> startBatch() {
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

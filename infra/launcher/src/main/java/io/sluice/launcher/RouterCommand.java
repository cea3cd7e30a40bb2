package io.sluice.launcher;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.messaging.MetricsServer;
import io.sluice.router.RouterConfig;
import io.sluice.router.RouterService;
import io.sluice.router.RuntimeModelCatalog;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs one router against an outside broker and registry. */
@Command(
        name = "router",
        description = "Runs a router, which gives every request a pipeline, until Ctrl-C.",
        mixinStandardHelpOptions = true)
final class RouterCommand implements Callable<Integer>, Logs.InFolder {
    @Spec
    private CommandSpec spec;

    @Mixin
    private Endpoints endpoints;

    @Mixin
    private ServiceOptions alone;

    @Option(
            names = "--models",
            paramLabel = "NAME=DIR",
            required = true,
            split = ",",
            description = "Served models, NAME=DIR or NAME=FILE.gguf, several with commas.")
    private Map<String, Path> models;

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            defaultValue = "max-flow",
            converter = StackOptions.PolicyConverter.class,
            description = "How pipelines are chosen: max-flow (default), sluice (by what is in flight) or round-robin.")
    private RoutingPolicy policy;

    @Option(
            names = "--queue",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Most requests that wait for a pipeline; default: ${DEFAULT-VALUE}.")
    private int queue;

    @Option(
            names = "--deadline",
            paramLabel = "TIME",
            defaultValue = "30s",
            converter = DurationConverter.class,
            description =
                    "How long an interactive request waits that sets no deadline itself; default: ${DEFAULT-VALUE}.")
    private Duration deadline;

    @Option(
            names = "--high-water",
            paramLabel = "PART",
            defaultValue = "0.9",
            description = "Part of a worker's KV cache that sessions may fill; default: ${DEFAULT-VALUE}.")
    private double highWater;

    @Option(
            names = "--best-effort-kv-share",
            paramLabel = "PART",
            defaultValue = "0.5",
            description = "Part of a worker's KV cache that best-effort sessions may hold; default: ${DEFAULT-VALUE}.")
    private double bestEffortShare;

    @Option(
            names = "--lease",
            paramLabel = "TIME",
            defaultValue = "1200ms",
            converter = DurationConverter.class,
            description = "How long a worker may stay silent that should be there and was not heard of yet; default:"
                    + " ${DEFAULT-VALUE}. Afterwards its own lease counts.")
    private Duration lease;

    @Option(
            names = "--echo-timeout",
            paramLabel = "TIME",
            defaultValue = "800ms",
            converter = DurationConverter.class,
            description = "After this long without its own heartbeat the router takes itself for cut off, and no lease"
                    + " ends; default: ${DEFAULT-VALUE}.")
    private Duration echo;

    @Option(
            names = "--stall",
            paramLabel = "TIME",
            defaultValue = "5s",
            converter = DurationConverter.class,
            description = "How long a session that has begun to answer may go without a token before it is nudged;"
                    + " default: ${DEFAULT-VALUE}.")
    private Duration stall;

    @Option(
            names = "--instance",
            paramLabel = "NAME",
            defaultValue = "router-1",
            description = "Name of this router in its group; default: ${DEFAULT-VALUE}.")
    private String instance;

    @Option(names = "--data", paramLabel = "DIR", description = "Folder of its own; default: .sluice/NAME.")
    private Path data;

    @Override
    public Path dataFolder() {
        return data == null ? StackFolder.defaultPath().resolve(instance) : data.toAbsolutePath();
    }

    @Override
    public Integer call() throws InterruptedException {
        PrometheusMeterRegistry meters = MetricsServer.newRegistry("router");
        try (RuntimeModelCatalog served = RuntimeModelCatalog.open(models)) {
            RouterService router = RouterService.start(RouterConfig.of(
                            endpoints.settings(), served, meters, dataFolder().resolve("state"))
                    .withInstanceId(instance)
                    .withPolicy(policy)
                    .withQueue(queue, deadline)
                    .withHighWater(highWater)
                    .withBestEffortShare(bestEffortShare)
                    .withSilence(lease, echo, stall)
                    .withStartTimeout(alone.startTimeout()));
            return alone.runUntilStopped(
                    spec.commandLine().getOut(),
                    meters,
                    new ServiceOptions.Running(
                            "router",
                            instance,
                            "router " + instance + " ready: models " + served.names() + ", ",
                            router::isRunning,
                            router.stopped(),
                            router::close));
        }
    }
}

package io.sluice.launcher;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.batch.BatchConfig;
import io.sluice.batch.BatchService;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.messaging.MetricsServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs one batch service against an outside broker and registry. */
@Command(
        name = "batcher",
        description =
                "Runs a batch service, which sends the items of offline jobs as best-effort requests and publishes"
                        + " their results, until Ctrl-C.",
        mixinStandardHelpOptions = true)
final class BatcherCommand implements Callable<Integer>, Logs.InFolder {
    @Spec
    private CommandSpec spec;

    @Mixin
    private Endpoints endpoints;

    @Mixin
    private ServiceOptions alone;

    @Option(
            names = "--window",
            paramLabel = "N",
            defaultValue = "32",
            description = "Most requests in flight, over all jobs; default: ${DEFAULT-VALUE}.")
    private int window;

    @Option(
            names = "--max-items",
            paramLabel = "N",
            defaultValue = "50000",
            description = "Most items of a job; default: ${DEFAULT-VALUE}.")
    private int maxItems;

    @Option(
            names = "--max-line-bytes",
            paramLabel = "N",
            defaultValue = "262144",
            description = "Longest line of an item; default: ${DEFAULT-VALUE}.")
    private int maxLineBytes;

    @Option(
            names = "--max-jobs",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Most jobs that have not ended; default: ${DEFAULT-VALUE}.")
    private int maxJobs;

    @Option(
            names = "--max-bytes",
            paramLabel = "N",
            defaultValue = "268435456",
            description = "Most bytes of all lines of jobs that have not ended; default: ${DEFAULT-VALUE}.")
    private long maxBytes;

    @Option(
            names = "--parts-timeout",
            paramLabel = "TIME",
            defaultValue = "1h",
            converter = DurationConverter.class,
            description = "How long the parts of a job may take to arrive; default: ${DEFAULT-VALUE}.")
    private Duration partsTimeout;

    @Option(
            names = "--instance",
            paramLabel = "NAME",
            defaultValue = "batch-1",
            description = "Name of this one in its group, of which one does the work; default: ${DEFAULT-VALUE}.")
    private String instance;

    @Option(names = "--data", paramLabel = "DIR", description = "Folder of its own; default: .sluice/NAME.")
    private Path data;

    @Override
    public Path dataFolder() {
        return data == null ? StackFolder.defaultPath().resolve(instance) : data.toAbsolutePath();
    }

    @Override
    public Integer call() throws InterruptedException {
        PrometheusMeterRegistry meters = MetricsServer.newRegistry("batch");
        BatchService service = BatchService.start(
                BatchConfig.of(endpoints.settings(), meters, dataFolder().resolve("state"))
                        .withInstanceId(instance)
                        .withWindow(window)
                        .withBounds(new BatchConfig.Bounds(maxItems, maxLineBytes, maxJobs, maxBytes, partsTimeout))
                        .withStartTimeout(alone.startTimeout()));
        return alone.runUntilStopped(
                spec.commandLine().getOut(),
                meters,
                new ServiceOptions.Running(
                        "batch service",
                        instance,
                        "batcher " + instance + " ready: ",
                        service::isRunning,
                        service.stopped(),
                        service::close));
    }
}

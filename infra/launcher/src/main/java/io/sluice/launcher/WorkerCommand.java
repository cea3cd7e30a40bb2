package io.sluice.launcher;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.runtime.ActivationChoice;
import io.sluice.worker.MembershipSettings;
import io.sluice.worker.RebuildMode;
import io.sluice.worker.WorkerConfig;
import io.sluice.worker.WorkerService;
import io.sluice.worker.device.DeviceSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs one worker against an outside broker and registry; the stack starts its workers with this command, too. */
@Command(
        name = "worker",
        description =
                "Runs one worker, which holds some of a model's layers, until Ctrl-C, SIGTERM or ./sluice" + " drain.",
        mixinStandardHelpOptions = true)
final class WorkerCommand implements Callable<Integer>, Logs.InFolder {
    @Spec
    private CommandSpec spec;

    @Mixin
    private Endpoints endpoints;

    @Mixin
    private ServiceOptions alone;

    @Mixin
    private final SharingOptions sharing = new SharingOptions();

    @Option(names = "--id", paramLabel = "ID", required = true, description = "Worker id: [a-z0-9-], at most 64.")
    private String id;

    @Option(names = "--model", paramLabel = "DIR|FILE.gguf", required = true, description = "The model.")
    private Path model;

    @Option(names = "--model-name", paramLabel = "NAME", description = "Name it is served under; default: the file's.")
    private String modelName;

    @Option(
            names = "--layers",
            paramLabel = "FIRST-END",
            description = "Layers to hold, END exclusive, for example 0-3. Pins the worker: it ignores placements and"
                    + " announces room for just these. Default: serves what placements say, and is a spare until then.")
    private String layers;

    @Option(
            names = "--max-layers",
            paramLabel = "N",
            description =
                    "Most layers to hold at once without --layers; default: as many as memory and KV cache allow.")
    private Integer maxLayers;

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            defaultValue = "cpu",
            description = "cpu (default), or emulated:PROFILE[@SPEED], which paces the computation like that GPU.")
    private String device;

    @Option(names = "--threads", paramLabel = "N", description = "Compute threads; default: all processors.")
    private Integer threads;

    @Option(
            names = "--kv-mib",
            paramLabel = "N",
            defaultValue = "" + WorkerConfig.DEFAULT_KV_MIB,
            description = "KV cache, MiB; default: ${DEFAULT-VALUE}.")
    private int kvMib;

    @Option(
            names = "--prefill-chunk",
            paramLabel = "N",
            description = "Prompt positions per chunk; default: by the layer times of an emulated device, "
                    + WorkerConfig.DEFAULT_PREFILL_CHUNK + " on cpu.")
    private Integer prefillChunk;

    @Option(
            names = "--link-bytes-per-s",
            paramLabel = "N",
            description =
                    "Network bandwidth of this worker, announced to the planner; where it is low, sending keeps to"
                            + " it, decode steps first. Default: the device's.")
    private Double linkBytesPerSecond;

    @Option(
            names = "--activations",
            paramLabel = "TYPE",
            defaultValue = "auto",
            converter = ActivationConverter.class,
            description =
                    "Numbers sent to the next stage: fp16, fp32, int8 (blocks of 64 with a scale), or auto (default):"
                            + " int8 where a link was measured to be slow, else fp16.")
    private ActivationChoice activations;

    @Option(names = "--region", paramLabel = "NAME", defaultValue = "local", description = "Where this worker is.")
    private String region;

    @Option(
            names = "--telemetry-interval",
            paramLabel = "TIME",
            defaultValue = "250ms",
            converter = DurationConverter.class,
            description = "Between two reports; default: ${DEFAULT-VALUE}.")
    private Duration telemetryInterval;

    @Option(
            names = "--heartbeat",
            paramLabel = "TIME",
            defaultValue = "200ms",
            converter = DurationConverter.class,
            description = "Between two signs of life; default: ${DEFAULT-VALUE}.")
    private Duration heartbeat;

    @Option(
            names = "--lease",
            paramLabel = "TIME",
            defaultValue = "1200ms",
            converter = DurationConverter.class,
            description = "The worker counts as lost when none was heard for so long; at least three heartbeats."
                    + " Default: ${DEFAULT-VALUE}.")
    private Duration lease;

    @Option(
            names = "--drain-deadline",
            paramLabel = "TIME",
            defaultValue = "10s",
            converter = DurationConverter.class,
            description =
                    "After SIGTERM sessions have so long to end or move before the worker leaves, a second SIGTERM"
                            + " ends it at once; 0s: the first one does. Default: ${DEFAULT-VALUE}.")
    private Duration drainDeadline;

    @Option(
            names = "--rebuild",
            paramLabel = "MODE",
            defaultValue = "exact",
            description =
                    "How a lost stage's positions are computed again: exact (default), those after the prompt with the"
                            + " attention of single steps, so that every bit is the same; or prefill, all as a prompt:"
                            + " faster, another token once in a while.")
    private RebuildMode rebuild;

    @Override
    public Path dataFolder() {
        return StackFolder.defaultPath();
    }

    @Override
    public String logName() {
        return "sluice-worker-" + id + ".log";
    }

    @Override
    public Integer call() throws InterruptedException {
        WorkerService worker = WorkerService.start(config());
        String served =
                worker.layers().map(range -> range.first() + "-" + range.end()).orElse("none");
        spec.commandLine()
                .getOut()
                .println("worker " + id + " ready: layers " + served + ", metrics " + worker.metricsUrl() + "/metrics");
        spec.commandLine().getOut().flush();
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("id", id);
        report.put("layers", served);
        report.put("device", device);
        report.put("metrics", worker.metricsUrl() + "/metrics");
        alone.report(report);
        return drainDeadline.isZero()
                ? Foreground.runUntilStopped(worker, worker::awaitStopped)
                : Foreground.runUntilStopped(
                        worker,
                        worker::awaitStopped,
                        () -> worker.drain(drainDeadline, "its machine is told to stop (SIGTERM)"));
    }

    private WorkerConfig config() {
        return WorkerConfig.onCpu(
                        new WorkerId(id),
                        endpoints.settings(),
                        model.toAbsolutePath(),
                        modelName == null ? StackConfig.defaultName(model) : modelName,
                        Optional.ofNullable(layers).map(LayerRange::parse))
                .with(draft -> {
                    draft.device = DeviceSpec.parse(device);
                    draft.maxLayers = maxLayers == null ? OptionalInt.empty() : OptionalInt.of(maxLayers);
                    draft.threads = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
                    draft.kvMib = kvMib;
                    draft.prefillChunk = prefillChunk == null ? OptionalInt.empty() : OptionalInt.of(prefillChunk);
                    draft.linkBytesPerSecond =
                            linkBytesPerSecond == null ? OptionalDouble.empty() : OptionalDouble.of(linkBytesPerSecond);
                    draft.activations = activations;
                    draft.region = region;
                    draft.metricsPort = alone.metricsPort();
                    draft.telemetryInterval = telemetryInterval;
                    draft.startTimeout = alone.startTimeout();
                    draft.membership = new MembershipSettings(heartbeat, lease, drainDeadline);
                    draft.rebuild = rebuild;
                    draft.sharing = sharing.settings();
                });
    }
}

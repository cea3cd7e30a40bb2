package io.sluice.launcher;

import io.sluice.launcher.stack.StackFolder;
import io.sluice.planner.PlannerConfig;
import io.sluice.planner.PlannerService;
import java.io.File;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs the flow allocation job, in this process or on an outside Flink cluster. */
@Command(
        name = "planner",
        description =
                "Runs the job that plans flow, limits of best-effort work, and placements if asked to, until Ctrl-C.",
        mixinStandardHelpOptions = true)
final class PlannerCommand implements Callable<Integer>, Logs.InFolder {
    /** Parts of the class path that every Flink cluster brings itself, or that only other commands need. */
    private static final Pattern NOT_SHIPPED = Pattern.compile(
            "(flink-(?!connector-(kafka|base)|avro).*|slf4j-.*|logback-.*|log4j-.*|kafka_2.*|kafka-(?!clients).*"
                    + "|rocksdbjni.*"
                    + "|scala-.*|onnxruntime.*|tokenizers.*|picocli.*"
                    + "|sluice-(launcher|embedded|router|batch|worker|runtime|loadgen)-.*)");

    @Spec
    private CommandSpec spec;

    @Mixin
    private Endpoints endpoints;

    @Option(
            names = "--flink",
            paramLabel = "HOST:PORT",
            description = "REST API of a Flink cluster; default: a cluster in this process.")
    private String flink;

    @Option(
            names = "--checkpoint-interval",
            paramLabel = "TIME",
            defaultValue = "500ms",
            converter = DurationConverter.class,
            description = "Between two checkpoints, at which allocations become visible; default: ${DEFAULT-VALUE}.")
    private Duration checkpointInterval;

    @Option(
            names = "--parallelism",
            paramLabel = "N",
            defaultValue = "1",
            description = "Subtasks per operator; models are spread over them; default: ${DEFAULT-VALUE}.")
    private int parallelism;

    @Mixin
    private final PlacementOptions placement = new PlacementOptions();

    @Option(
            names = "--slowdown",
            paramLabel = "RATIO",
            defaultValue = "0.1",
            description =
                    "Part by which best-effort work may lengthen a latency-critical step; the workers' must be the same;"
                            + " default: ${DEFAULT-VALUE}.")
    private double slowdown;

    @Option(
            names = "--sharing-target",
            paramLabel = "RATIO",
            defaultValue = "0.01",
            description = "Share of latency-critical steps that it may lengthen more; default: ${DEFAULT-VALUE}.")
    private double target;

    @Mixin
    private final LimitsOptions limits = new LimitsOptions();

    @Option(names = "--data", paramLabel = "DIR", description = "Folder of its own; default: .sluice/planner-alone.")
    private Path data;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the addresses to FILE as JSON when ready.")
    private Path json;

    @Override
    public Path dataFolder() {
        return data == null ? StackFolder.defaultPath().resolve("planner-alone") : data.toAbsolutePath();
    }

    @Override
    public Integer call() throws InterruptedException {
        PlannerConfig base = PlannerConfig.of(endpoints.settings(), dataFolder().resolve("flink"))
                .withCheckpointInterval(checkpointInterval)
                .withParallelism(parallelism)
                .withSharing(limits.policy(slowdown, target));
        // Alone it does not know who made the placement: it changes it only when told to.
        PlannerConfig config = placement.policy(false).map(base::withPlacement).orElse(base);
        PlannerService planner = PlannerService.start(flink == null ? config : config.onCluster(flink, shippedJars()));
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("flink", planner.webUrl().toString());
        report.put("job", planner.jobId().toString());
        planner.metricsUrl().ifPresent(url -> report.put("metrics", url.toString()));
        spec.commandLine().getOut().println("planner ready: job " + planner.jobId() + " on " + planner.webUrl());
        spec.commandLine().getOut().flush();
        JsonFile.write(json, report);
        return Foreground.runUntilStopped(planner);
    }

    /** The jars that the job needs on a cluster: this program's, without what Flink brings itself. */
    private static List<Path> shippedJars() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(Path::of)
                .filter(jar -> jar.toString().endsWith(".jar"))
                .filter(jar ->
                        !NOT_SHIPPED.matcher(jar.getFileName().toString()).matches())
                .toList();
    }
}

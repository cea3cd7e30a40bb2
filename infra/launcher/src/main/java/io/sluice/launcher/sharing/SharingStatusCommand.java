package io.sluice.launcher.sharing;

import io.sluice.launcher.JsonFile;
import io.sluice.launcher.StackTarget;
import io.sluice.launcher.UserException;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.TopicTail;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.Limits;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.kafka.common.IsolationLevel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Says how the workers of a running stack share their devices. */
@Command(
        name = "status",
        description = {
            "Prints what best-effort work may use of each worker of a running stack, what it used, what it cost, and why."
                    + " Reads the topics of limits and telemetry for a few seconds.",
            "quota: published and in force (the worker's own may be lower), of 1; slice: longest; cores: beside"
                    + " latency-critical work (--best-effort-cores); pools: kernel groups that have cores of their own in the gaps;"
                    + " steps: of latency-critical work; p99: of their response time at this worker; missed: part of them that best-effort work made"
                    + " miss the objective; busy: part of the time with best-effort work."
        },
        footerHeading = "%nJSON (--json FILE): one object per worker%n",
        footer = {
            "  worker, published, quota, sliceMillis, sideLanes, stepsPerSecond, responseP99Millis, missed, excused (by the",
            "  objectives of their requests), drains, tokensPerSecond, deviceShare, waiting, tenants[], pools[] (tenant,",
            "  group, lanes), why"
        },
        mixinStandardHelpOptions = true)
final class SharingStatusCommand implements Callable<Integer> {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final int MOST_SECONDS = 3_600;

    @Spec
    private CommandSpec spec;

    @Mixin
    private StackTarget target;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "2",
            description = "How long to look; default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Option(names = "--follow", description = "Look again and again, until Ctrl-C.")
    private boolean follow;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the newest table to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        if (seconds < 1 || seconds > MOST_SECONDS) {
            throw new UserException("--seconds " + seconds + " must be 1 to " + MOST_SECONDS);
        }
        KafkaSettings settings = target.settings();
        PrintWriter out = spec.commandLine().getOut();
        try (SchemaRegistry registry = new SchemaRegistry(settings.registryUrl(), Duration.ofSeconds(10))) {
            do {
                List<SharingState.Row> rows = look(settings, registry);
                if (rows.isEmpty()) {
                    throw new UserException("no worker has reported within " + seconds + " s: is a stack running at "
                            + settings.bootstrap() + "?");
                }
                print(out, rows);
                JsonFile.write(json, rows);
            } while (follow && !Thread.currentThread().isInterrupted());
        }
        return 0;
    }

    private List<SharingState.Row> look(KafkaSettings settings, SchemaRegistry registry) {
        SharingState state = new SharingState();
        try (TopicTail<GpuTelemetry> telemetry =
                        TopicTail.fromEnd(settings, registry, Topics.GPU_TELEMETRY, IsolationLevel.READ_UNCOMMITTED);
                TopicTail<Limits> limits =
                        TopicTail.fromBeginning(settings, registry, Topics.LIMITS, IsolationLevel.READ_COMMITTED)) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
            while (System.nanoTime() - end < 0 || !limits.atEnd()) {
                telemetry.poll(POLL).stream()
                        .filter(record -> record.value() != null)
                        .forEach(record -> state.telemetry(record.value()));
                limits.poll(POLL).stream()
                        .filter(record -> record.value() != null)
                        .forEach(record -> state.limits(record.value()));
            }
        }
        return state.rows(System.currentTimeMillis());
    }

    /** Prints the table. */
    static void print(PrintWriter out, List<SharingState.Row> rows) {
        out.printf(
                Locale.ROOT,
                "%-16s %15s %9s %6s %9s %9s %8s %7s %11s %6s %8s%n",
                "worker",
                "quota",
                "slice ms",
                "cores",
                "steps/s",
                "p99 ms",
                "missed",
                "drains",
                "tokens/s",
                "busy",
                "waiting");
        for (SharingState.Row row : rows) {
            out.printf(
                    Locale.ROOT,
                    "%-16s %6.3f > %6.3f %9.2f %6d %9.1f %9.2f %6.2f %% %7d %11.1f %4.0f %% %8d  %s%n",
                    row.worker(),
                    row.published(),
                    row.quota(),
                    row.sliceMillis(),
                    row.sideLanes(),
                    row.stepsPerSecond(),
                    row.responseP99Millis(),
                    100 * row.missed(),
                    row.drains(),
                    row.tokensPerSecond(),
                    100 * row.deviceShare(),
                    row.waiting(),
                    String.join(",", row.tenants()));
            if (!row.pools().isEmpty()) {
                out.printf(
                        Locale.ROOT,
                        "%-16s pools: %s%n",
                        "",
                        row.pools().stream().map(SharingState.Pool::toString).collect(Collectors.joining(", ")));
            }
            if (!row.why().isEmpty()) {
                out.printf(Locale.ROOT, "%-16s %s%n", "", row.why());
            }
        }
        out.flush();
    }
}

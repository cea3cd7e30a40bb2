package io.sluice.launcher.bench;

import io.sluice.launcher.JsonFile;
import io.sluice.launcher.Logs;
import io.sluice.launcher.stack.StackFolder;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Runs one benchmark. A missed target is reported, not punished: the exit status is 0 when the measurement succeeded. */
@Command(
        name = "bench",
        description = "Measures Sluice against a baseline in the same run; prints a table.",
        footerHeading = "%nBenchmarks:%n",
        footer = {
            "  hop        one hop through the log against a bare Kafka produce and consume",
            "  pipeline   decode throughput of a 3-stage pipeline against the runtime in one process",
            "             (and llama.cpp, where infra/checks/smollm2.py has set it up)",
            "  shares     planned against measured shares; max-flow against round robin under the same load",
            "  start      time until ready and memory (PSS) of each part",
            "  planner    placements, simulated serving and scale against Helix's published layouts and figures;",
            "             half an hour, with --quick a few minutes; no stack is started",
            "  recovery   steps/s against the rate at which stages are lost: Sluice's way (rebuild exact and prefill),",
            "             restart, recompute all; what the log costs; nine minutes, with --quick fewer; no stack is started",
            "  kill       time from the loss of a worker to the next token: noticed, decided, rebuilt; --rounds times three",
            "             stages, killed with and without a report, and stopped",
            "  wan        three stages at a site each: decode steps/s at round trips of 0, 20 and 100 ms and 1000 and 100 Mbit/s,",
            "             int8 against fp16 activations, divergence of the next token; with --quick a few minutes",
            "  sharing    best-effort work beside latency-critical work on a simulated GPU: Sluice against Tally and others",
            "             over pairs, loads, lulls and steps; ECLIP's mixes; the gates that say how far the simulation agrees",
            "             with measurements; --rounds seeds; really measured: interactive requests on these cores beside a batch",
            "             (parts cpu, cores and groups, which start stacks). An hour, with --quick half an hour; without these",
            "             three four minutes, with --quick half a minute.",
            "             Draws p99 overhead against throughput to --svg, or beside --json",
            "%nJSON (--json FILE): machine, rows[]: name, unit, value, baseline, ratio, target, met (null: not decided),",
            "note where there is something to say, such as why a target is not met; notes[]"
        },
        mixinStandardHelpOptions = true)
public final class BenchCommand implements Callable<Integer>, Logs.InFolder {
    @Spec
    private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "NAME",
            description = "hop, pipeline, shares, start, planner, recovery, kill, wan or sharing.")
    private String name;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the rows to FILE as JSON.")
    private Path json;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Folder for the stacks measured; default: .sluice/bench.")
    private Path data;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            defaultValue = "3",
            description = "Repetitions, baseline and Sluice in turn; default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(names = "--quick", description = "planner, recovery, wan, sharing: a few minutes, with fewer cases.")
    private boolean quick;

    @Option(
            names = "--part",
            paramLabel = "PART",
            split = ",",
            description =
                    "planner: only validation, placement, estimate, serving, scale or exact; wan: only decode,"
                            + " payload or quality; sharing: only pairs, loads, lulls, steps, pools, solvers, gates, cpu, cores or groups.")
    private List<String> parts = List.of();

    @Option(
            names = "--svg",
            paramLabel = "FILE",
            description = "planner: draw decode throughput to FILE; sharing: p99 overhead.")
    private Path svg;

    @Override
    public Path dataFolder() {
        return data == null ? StackFolder.defaultPath().resolve("bench") : data.toAbsolutePath();
    }

    @Override
    public Integer call() throws Exception {
        if (rounds < 1) {
            throw new ParameterException(spec.commandLine(), "--rounds " + rounds + " must be at least 1");
        }
        Map<String, Bench> benches = new TreeMap<>(Map.of(
                "hop", new HopBench(),
                "kill", new KillBench(),
                "pipeline", new PipelineBench(),
                "planner", new PlannerBench(),
                "recovery", new RecoveryBench(),
                "shares", new SharesBench(),
                "sharing", new SharingBench(),
                "start", new StartBench(),
                "wan", new WanBench()));
        Bench bench = benches.get(name);
        if (bench == null) {
            throw new ParameterException(
                    spec.commandLine(), "there is no benchmark '" + name + "'; choose one of " + benches.keySet());
        }
        PrintStream out = System.out;
        BenchReport report = new BenchReport(name);
        bench.run(new Bench.Setting(dataFolder(), rounds, quick, parts, picture(), out), report);
        report.print(out);
        JsonFile.write(json, report.toJson());
        return 0;
    }

    /** Where a picture goes: where it was asked for; the sharing benchmark draws one beside its JSON, too. */
    private Path picture() {
        if (svg != null || json == null || !name.equals("sharing")) {
            return svg;
        }
        return json.resolveSibling(json.getFileName().toString().replaceFirst("\\.json$", "") + ".svg");
    }
}

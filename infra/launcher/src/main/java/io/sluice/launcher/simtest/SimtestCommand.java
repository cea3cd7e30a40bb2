package io.sluice.launcher.simtest;

import io.sluice.launcher.JsonFile;
import io.sluice.simtest.Mutation;
import io.sluice.simtest.SimReport;
import io.sluice.simtest.SimTest;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs the whole loop in virtual time from one seed after the other, with faults, and checks it after every step. */
@Command(
        name = "simtest",
        description = "Runs the whole loop on virtual time with every kind of fault and checks it after every step.",
        footer = {
            "%nThe core is the one that serves; brokers, network, clocks and processes are simulated. A violation is",
            "printed with its seed; the same seed with --seeds 1 and the same --steps replays it exactly. JSON: seeds,",
            "steps, violations (seed, step, invariant, detail), faults (count by kind), requests, completed, failed,",
            "refused, recoveries, stepsPerSecond, machine. Exit status 1 when there are violations.",
            "%n--mutate breaks one part on purpose, to prove that its failure would be noticed: no-fencing,",
            "lost-offset-index, double-publish, stale-epoch, kv-leak, stale-limits or lost-objectives."
        },
        mixinStandardHelpOptions = true)
public final class SimtestCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--seeds",
            paramLabel = "N",
            defaultValue = "100",
            description = "How many seeds; default: ${DEFAULT-VALUE}.")
    private int seeds;

    @Option(names = "--first-seed", paramLabel = "S", defaultValue = "1", description = "The first one; default: 1.")
    private long firstSeed;

    @Option(
            names = "--steps",
            paramLabel = "M",
            defaultValue = "100000",
            description = "Events with faults per seed, before the quiet end; default: ${DEFAULT-VALUE}.")
    private long steps;

    @Option(names = "--threads", paramLabel = "N", description = "Seeds at once; default: the number of processors.")
    private Integer threads;

    @Option(names = "--mutate", paramLabel = "WHAT", defaultValue = "none", hidden = true)
    private String mutate;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the result to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        SimTest.Plan plan = plan();
        SimtestProgress progress = new SimtestProgress(spec.commandLine().getErr());
        SimReport report = SimTest.run(plan, progress::show);
        progress.end();
        PrintWriter out = spec.commandLine().getOut();
        SimtestTable.print(report, out);
        out.flush();
        JsonFile.write(json, SimtestJson.of(report));
        return report.violations().isEmpty() ? 0 : 1;
    }

    private SimTest.Plan plan() {
        try {
            int atOnce = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
            return new SimTest.Plan(firstSeed, seeds, steps, Mutation.parse(mutate), atOnce);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage());
        }
    }
}

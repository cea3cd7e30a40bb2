package io.sluice.launcher.sharing;

import io.sluice.launcher.JsonFile;
import io.sluice.launcher.UserException;
import io.sluice.sharing.SharingComparison;
import io.sluice.sharing.SharingResult;
import io.sluice.sharing.SharingScenario;
import io.sluice.sharing.workload.Calibration;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs policies one after the other on one pair, load and traffic. The same seeds give the same result, bit for bit. */
@Command(
        name = "compare",
        description = "Runs policies on one pair of jobs, load and traffic, on a simulated GPU.",
        footer = {
            "%nEvery policy gets the same arrivals. Service time: from begin to end on the device, as published systems",
            "report it; response time: from arrival to end. A violation is a response longer than 1.1 times the p99 alone.",
            "Best-effort throughput is against the job alone on the device. A server whose utilisation reaches 1 is",
            "overloaded: its response times grow with the length of the run and are not given.",
            "%nJSON: simulated (true), device, critical, best_effort, load, traffic, seconds, warm_up_seconds, seeds,",
            "policies[]: policy, service_p50_ms, service_p99_ms, service_p99_interval_ms, service_mean_ms,",
            "service_p99_overhead, response_p50_ms, response_p99_ms, response_p99_interval_ms, response_p999_ms,",
            "response_p99_overhead, violation_rate, best_effort_throughput, best_effort_interval, critical_throughput,",
            "utilisation, overloaded, joules, switches, requests. Intervals are [low, high] at 95 %%, overheads parts of",
            "1; response figures but the median are null when overloaded, best_effort_interval with one seed,",
            "service_p99_overhead and utilisation when no request ended.",
            "%nNames: sluice sharing list. How far the simulated GPU agrees with measurements: sluice bench sharing",
            "--part gates."
        },
        mixinStandardHelpOptions = true)
final class SharingCompareCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(
            names = "--policies",
            paramLabel = "NAME",
            split = ",",
            defaultValue = "none,time-slicing,mps-priority,tally,sluice",
            description = "Policies, or all; default: ${DEFAULT-VALUE}.")
    private List<String> policies;

    @Option(
            names = "--pair",
            paramLabel = "CRITICAL/BESTEFFORT",
            defaultValue = "bert/whisper",
            description = "Who shares the device; several best-effort jobs with +. Default: ${DEFAULT-VALUE}.")
    private String pair;

    @Option(
            names = "--load",
            paramLabel = "PART",
            defaultValue = "0.5",
            description =
                    "Offered load of the latency-critical job, above 0 and at most 2; 1 is all it can serve alone, and more"
                            + " is served late but measured all the same. Default: 0.5.")
    private double load;

    @Option(
            names = "--traffic",
            paramLabel = "KIND",
            defaultValue = "maf2",
            description = "maf2 (default), poisson, step, lulls or constant.")
    private String traffic;

    @Option(
            names = "--seconds",
            paramLabel = "N",
            defaultValue = "10",
            description = "Simulated seconds measured, after the warm-up; default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(
            names = "--warm-up",
            paramLabel = "N",
            defaultValue = "2",
            description = "Simulated seconds before; default: ${DEFAULT-VALUE}.")
    private double warmUp;

    @Option(
            names = "--seeds",
            paramLabel = "K",
            defaultValue = "3",
            description = "Runs, of seeds 1 to K; default: ${DEFAULT-VALUE}.")
    private int seeds;

    @Option(
            names = "--device",
            paramLabel = "NAME",
            defaultValue = "a100",
            description = "a100 (default), v100, mi50 or rtx5090.")
    private String device;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the result to FILE as JSON, too.")
    private Path json;

    @Option(
            names = "--svg",
            paramLabel = "FILE",
            description = "Draw p99 overhead against best-effort throughput to FILE.")
    private Path svg;

    @Override
    public Integer call() {
        List<String> chosen = SharingNames.policies(policies);
        SharingScenario scenario = scenario();
        if (chosen.contains("eclip") && scenario.bestEffort().size() > 2) {
            throw new UserException(
                    "--pair " + pair + " has " + (1 + scenario.bestEffort().size())
                            + " jobs, and eclip has pools for two or three; leave it out of --policies");
        }
        PrintWriter err = spec.commandLine().getErr();
        List<SharingResult> results = new ArrayList<>();
        try {
            SharingComparison.compare(chosen, scenario, result -> {
                results.add(result);
                if (chosen.size() > 1 && results.size() < chosen.size()) {
                    err.printf("... %s done, %d of %d%n", result.policy(), results.size(), chosen.size());
                    err.flush();
                }
            });
        } catch (IllegalArgumentException e) {
            throw new UserException("--seconds " + seconds + ": " + e.getMessage());
        }
        String title = title(scenario);
        PrintWriter out = spec.commandLine().getOut();
        SharingTable.print(title, results, out);
        JsonFile.write(json, SharingJson.of(scenario, results));
        if (svg != null) {
            SharingPlot.of(
                            scenario.critical() + " beside " + String.join(" and ", scenario.bestEffort()),
                            title,
                            results)
                    .write(svg);
        }
        return 0;
    }

    private SharingScenario scenario() {
        SharingNames.Pair jobs = SharingNames.Pair.of(pair);
        if (!(load > 0 && load <= 2)) {
            throw new UserException(
                    "--load " + load + " must be above 0 and at most 2; 0.5 is half of what can be served");
        }
        if (!(seconds >= 0.1 && seconds <= 3_600)) {
            throw new UserException("--seconds " + seconds + " must be 0.1 to 3600; 10 is a start");
        }
        if (!(warmUp >= 0 && warmUp <= 3_600)) {
            throw new UserException("--warm-up " + warmUp + " must be 0 to 3600 seconds; 2 is a start");
        }
        if (seeds < 1 || seeds > 1_000) {
            throw new UserException("--seeds " + seeds + " must be 1 to 1000; 3 give an interval");
        }
        return new SharingScenario(
                SharingNames.device(device),
                Calibration.DEFAULT,
                jobs.critical(),
                jobs.bestEffort(),
                load,
                SharingNames.traffic(traffic),
                Math.round(seconds * 1e9),
                Math.round(warmUp * 1e9),
                1.1,
                LongStream.rangeClosed(1, seeds).boxed().toList());
    }

    private static String title(SharingScenario scenario) {
        return String.format(
                Locale.ROOT,
                "simulated %s, %s beside %s, load %s, %s, %s s after %s s, %s",
                scenario.device().name(),
                scenario.critical(),
                String.join(" and ", scenario.bestEffort()),
                plain(scenario.load()),
                SharingNames.name(scenario.traffic()),
                plain(scenario.spanNanos() / 1e9),
                plain(scenario.warmupNanos() / 1e9),
                scenario.seeds().size() == 1
                        ? "seed 1"
                        : "seeds 1 to " + scenario.seeds().size());
    }

    private static String plain(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }
}

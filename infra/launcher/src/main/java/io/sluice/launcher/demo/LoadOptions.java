package io.sluice.launcher.demo;

import io.sluice.core.slo.Slo;
import io.sluice.launcher.UserException;
import io.sluice.loadgen.LoadPlan;
import io.sluice.loadgen.Trace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import picocli.CommandLine.Option;

/** Flags of every command that sends a load. */
public final class LoadOptions {
    @Option(
            names = "--requests",
            paramLabel = "N",
            description = "Requests to send; default: 40 of the trace, or all prompts of --prompts.")
    private Integer requests;

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description = "Send these prompts, one a line, instead of a trace.")
    private Path prompts;

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "CSV with arrival_ms, input_tokens, output_tokens; default: the bundled Azure conversations.")
    private Path trace;

    @Option(
            names = "--speed",
            paramLabel = "X",
            defaultValue = "1",
            description = "Replay the trace X times as fast; default: ${DEFAULT-VALUE}.")
    private double speed;

    @Option(
            names = "--length-scale",
            paramLabel = "X",
            defaultValue = "0.1",
            description = "Scale traced lengths by X, for small models; default: ${DEFAULT-VALUE}.")
    private double lengthScale;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "48",
            description = "At most N tokens a request; default: ${DEFAULT-VALUE}.")
    private int maxTokens;

    @Option(names = "--temperature", paramLabel = "X", defaultValue = "0", description = "0: greedy (default).")
    private float temperature;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(
            names = "--max-in-flight",
            paramLabel = "N",
            defaultValue = "64",
            description = "Unanswered requests at once; default: ${DEFAULT-VALUE}.")
    private int maxInFlight;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "600",
            description = "Give up after this long; default: ${DEFAULT-VALUE}.")
    private long timeoutSeconds;

    @Option(
            names = "--slo-ttft-ms",
            paramLabel = "MS",
            description = "Objective of every request for its time to first token (slo.ttft_ms); default: none.")
    private Long sloTtftMs;

    @Option(
            names = "--slo-tpot-ms",
            paramLabel = "MS",
            description = "Objective of every request for its mean time per output token after the first (slo.tpot_ms);"
                    + " with either, request_goodput is reported: requests/s that met theirs. Default: none.")
    private Long sloTpotMs;

    /** The plan these flags ask for; request ids are new in every run. */
    public LoadPlan plan(String model) {
        checkSlo("--slo-ttft-ms", sloTtftMs);
        checkSlo("--slo-tpot-ms", sloTpotMs);
        return withoutSlo(model).withSlo(sloTtftMs, sloTpotMs);
    }

    private static void checkSlo(String flag, Long ms) {
        if (ms != null && (ms < 1 || ms > Slo.MOST_MS)) {
            throw new UserException(flag + " " + ms + " must be from 1 to " + Slo.MOST_MS
                    + " ms (a day); leave it out for no objective");
        }
    }

    private LoadPlan withoutSlo(String model) {
        LoadPlan.Shape shape = shape(model, "run" + Long.toString(System.currentTimeMillis(), 36));
        if (prompts != null) {
            List<String> all = LoadPlan.readPrompts(prompts);
            return LoadPlan.ofPrompts(requests == null ? all : cycle(all, requests), shape, 0);
        }
        return LoadPlan.ofTrace(
                trace == null ? Trace.bundled() : Trace.read(trace),
                requests == null ? 40 : requests,
                speed,
                lengthScale,
                shape);
    }

    private LoadPlan.Shape shape(String model, String runId) {
        if (requests != null && requests < 1) {
            throw new UserException("--requests " + requests + " must be at least 1");
        }
        if (maxInFlight < 1 || timeoutSeconds < 1) {
            throw new UserException(
                    "--max-in-flight " + maxInFlight + " and --timeout " + timeoutSeconds + " must be at least 1");
        }
        return new LoadPlan.Shape(model, runId, maxTokens, temperature, seed);
    }

    private static List<String> cycle(List<String> prompts, int count) {
        return java.util.stream.IntStream.range(0, count)
                .mapToObj(i -> prompts.get(i % prompts.size()))
                .toList();
    }

    public int maxInFlight() {
        return maxInFlight;
    }

    public Duration timeout() {
        return Duration.ofSeconds(timeoutSeconds);
    }
}

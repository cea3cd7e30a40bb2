package io.sluice.launcher.bench;

import io.sluice.launcher.bench.recovery.FailureDraws;
import io.sluice.launcher.bench.recovery.Generation;
import io.sluice.launcher.bench.recovery.Generation.Outcome;
import io.sluice.launcher.bench.recovery.StageRow;
import io.sluice.launcher.bench.recovery.Way;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.weights.SyntheticModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Generated tokens per second against the rate at which stages are lost, for three ways to go on: Sluice's, a restart,
 * and a replay of prompt and tokens through all stages. Same runtime, same stages, same losses, in turn; the tokens of
 * every generation are compared with one without losses. After table 3 of Petals (Borzunov et al., NeurIPS'23).
 */
final class RecoveryBench implements Bench {
    private static final int STAGES = 3;
    private static final int PROMPT = 16;
    private static final double[] RATES = {0, 1e-4, 1e-3, 1e-2};
    private static final int[] LENGTHS = {128, 1024};
    private static final int VOCABULARY = 2048;
    private static final int CONTEXT = 2048;
    private static final long KV_BYTES = 256L << 20;
    private static final int THREADS = Runtime.getRuntime().availableProcessors();
    private static final double SHORTEST_LIMIT_SECONDS = 2;

    /** Sums over the generations of one length, rate and way. */
    private static final class Cell {
        private int generations;
        private int finished;
        private long tokens;
        private long furthest;
        private long failures;
        private double seconds;
        private double recoverySeconds;

        void add(Outcome outcome, int wanted) {
            generations++;
            if (outcome.finished(wanted)) {
                finished++;
                tokens += wanted;
            }
            furthest += outcome.furthest();
            failures += outcome.failures();
            seconds += outcome.seconds();
            recoverySeconds += outcome.recoverySeconds();
        }

        /** Tokens of finished generations by all the time spent. */
        double speed() {
            return tokens / seconds;
        }

        String describe() {
            return finished == 0
                    ? "did not finish"
                    : String.format(Locale.ROOT, "%.1f", speed())
                            + (finished < generations ? " (" + finished + " of " + generations + ")" : "");
        }
    }

    @Override
    public void run(Setting setting, BenchReport report) throws IOException {
        Path folder = setting.data().resolve("models").resolve("recovery");
        setting.progress("writing " + folder);
        SyntheticModel.write(folder, shape(), ActivationDtype.FP16, 1);
        try (ModelWeights weights = ModelFiles.weights(folder);
                StageRow stages = StageRow.open(weights, STAGES, new RuntimeOptions(THREADS, KV_BYTES))) {
            setting.progress("warming up");
            for (Way way : Way.values()) {
                generate(stages, 64, way, new FailureDraws(1, 0.02), 60, 0);
            }
            for (int length : LENGTHS) {
                measure(setting, report, stages, length);
            }
            report.add("recovery.cost_without_failures", "ratio", cost(setting, stages), null, "<= 1.03");
            notes(setting, report, stages);
        }
    }

    /** Six of SmolLM2-135M's layers. */
    private static ModelConfig shape() {
        ModelConfig smol = SyntheticModel.smolLm135m();
        return new ModelConfig(
                "recovery",
                smol.architecture(),
                2 * STAGES,
                smol.hiddenSize(),
                smol.intermediateSize(),
                smol.headCount(),
                smol.kvHeadCount(),
                smol.headDim(),
                VOCABULARY,
                CONTEXT,
                smol.normEpsilon(),
                smol.ropeTheta(),
                true,
                0,
                List.of(0));
    }

    private static void measure(Setting setting, BenchReport report, StageRow stages, int length) {
        int generations = setting.quick() ? (length > 500 ? 1 : 4) : setting.rounds() * (length > 500 ? 1 : 5);
        double patience = setting.quick() ? 5 : 20;
        Map<Double, Map<Way, Cell>> cells = new LinkedHashMap<>();
        for (double rate : RATES) {
            Map<Way, Cell> row = new LinkedHashMap<>();
            for (Way way : Way.values()) {
                row.put(way, new Cell());
            }
            cells.put(rate, row);
        }
        int mismatches = 0;
        for (int g = 0; g < generations; g++) {
            setting.progress(length + " tokens: generation " + (g + 1) + " of " + generations);
            List<Integer> expected = List.of();
            double quiet = 0;
            for (double rate : RATES) {
                for (int turn = 0; turn < Way.values().length; turn++) {
                    // Whoever comes first meets another moment of the machine each time.
                    Way way = Way.values()[(g + turn) % Way.values().length];
                    double limit =
                            rate == 0 ? Double.POSITIVE_INFINITY : Math.max(SHORTEST_LIMIT_SECONDS, patience * quiet);
                    Outcome outcome =
                            generate(stages, length, way, new FailureDraws(1000L * length + g, rate), limit, g);
                    cells.get(rate).get(way).add(outcome, length);
                    if (rate == 0) {
                        quiet = Math.max(quiet, outcome.seconds());
                        expected = expected.isEmpty() ? outcome.tokens() : expected;
                    }
                    if (!expected.subList(0, outcome.tokens().size()).equals(outcome.tokens())) {
                        mismatches++;
                        setting.progress("tokens differ: " + way.words() + " at rate " + rate + " from token "
                                + firstDifference(expected, outcome.tokens()) + " on");
                    }
                }
            }
        }
        print(setting, length, cells);
        rows(report, length, cells);
        report.add("recovery." + length + ".mismatches", "count", mismatches, null, "<= 0");
    }

    /**
     * Time of a generation that keeps the log by the time of one that does not, nothing lost: the least of each, because
     * other work on the machine only adds.
     */
    private static double cost(Setting setting, StageRow stages) {
        setting.progress("cost of the log where nothing is lost");
        int pairs = setting.quick() ? 16 : 10 * setting.rounds();
        double with = Double.POSITIVE_INFINITY;
        double without = Double.POSITIVE_INFINITY;
        for (int i = 0; i < 2 * pairs; i++) {
            // with, without, without, with
            boolean logs = i % 4 == 0 || i % 4 == 3;
            double seconds = generate(
                            stages,
                            LENGTHS[0],
                            logs ? Way.SLUICE : Way.RESTART,
                            new FailureDraws(1, 0),
                            Double.POSITIVE_INFINITY,
                            0)
                    .seconds();
            with = logs ? Math.min(with, seconds) : with;
            without = logs ? without : Math.min(without, seconds);
        }
        return with / without;
    }

    private static int firstDifference(List<Integer> expected, List<Integer> got) {
        return IntStream.range(0, got.size())
                .filter(i -> !expected.get(i).equals(got.get(i)))
                .findFirst()
                .orElse(-1);
    }

    private static Outcome generate(
            StageRow stages, int length, Way way, FailureDraws draws, double limitSeconds, int promptSeed) {
        int[] prompt = IntStream.range(0, PROMPT)
                .map(i -> (100 + 31 * promptSeed + 7 * i) % VOCABULARY)
                .toArray();
        try (Generation generation = new Generation(stages, prompt, length, way, draws)) {
            return generation.run(limitSeconds);
        }
    }

    private static void print(Setting setting, int length, Map<Double, Map<Way, Cell>> cells) {
        setting.out().printf(Locale.ROOT, "%n%d tokens, steps/s by losses per step and stage%n%-22s", length, "");
        for (double rate : RATES) {
            setting.out().printf("%24s", rate(rate));
        }
        setting.out().println();
        for (Way way : Way.values()) {
            setting.out().printf("%-22s", way.words());
            for (double rate : RATES) {
                setting.out().printf("%24s", cells.get(rate).get(way).describe());
            }
            setting.out().println();
        }
        setting.out().printf("%-22s", "stages lost (Sluice)");
        for (double rate : RATES) {
            setting.out().printf("%24d", cells.get(rate).get(Way.SLUICE).failures);
        }
        setting.out().println();
    }

    private static void rows(BenchReport report, int length, Map<Double, Map<Way, Cell>> cells) {
        for (Way way : Way.values()) {
            double quiet = cells.get(0.0).get(way).speed();
            for (double rate : RATES) {
                Cell cell = cells.get(rate).get(way);
                String name = "recovery." + length + "." + rate(rate) + "." + way.key();
                boolean judged = way == Way.SLUICE && length == LENGTHS[0] && rate == RATES[RATES.length - 1];
                report.add(name, "steps/s", cell.speed(), rate == 0 ? null : quiet, judged ? ">= 0.5" : null);
                if (cell.finished < cell.generations) {
                    report.note(name + ": " + cell.finished + " of " + cell.generations
                            + " generations finished; the others had at most "
                            + String.format(Locale.ROOT, "%.1f", cell.furthest / cell.seconds)
                            + " tokens of theirs per second when they were stopped");
                }
            }
        }
        Cell worst = cells.get(RATES[RATES.length - 1]).get(Way.SLUICE);
        report.add(
                "recovery." + length + ".ms_per_loss", "ms", 1e3 * worst.recoverySeconds / Math.max(1, worst.failures));
    }

    private static String rate(double rate) {
        return rate == 0 ? "0" : String.format(Locale.ROOT, "1e%d", Math.round(Math.log10(rate)));
    }

    private static void notes(Setting setting, BenchReport report, StageRow stages) {
        report.note(String.format(
                Locale.ROOT,
                "%d stages of 2 layers of SmolLM2-135M's shape with random weights in one process, %d threads, prompt of"
                        + " %d tokens, fp16 between stages; a stage computes %.0f prompt positions/s",
                STAGES,
                THREADS,
                PROMPT,
                stages.promptTokensPerSecond(1)));
        report.note("rate: probability that a given stage is lost at a given step; the same losses for every way; a"
                + " generation is stopped after " + (setting.quick() ? 5 : 20)
                + " times the time without losses; speed: tokens of finished generations by all time spent; baseline: the"
                + " same way without losses");
        report.note(
                "a replacement has the layers loaded; the time until a loss is detected, and the broker, are no part of"
                        + " this (bench kill has them); cost_without_failures: least time with the log kept by least time without");
        report.note(
                "Petals (Borzunov et al., NeurIPS'23, BLOOM-7.1B on 4 GTX 1080 Ti, rate per send): 11.4 steps/s without"
                        + " failures and 3.38 at 1e-2 for 128 tokens, a ratio of 0.30; its second cache makes it 33 % slower than"
                        + " caching with restarts (17.1) where nothing fails; 2.17 at 1e-2 for 1,024 tokens, where restarts did not"
                        + " finish");
    }
}

package io.sluice.launcher.bench;

import io.sluice.launcher.bench.recovery.FailureDraws;
import io.sluice.launcher.bench.recovery.Generation;
import io.sluice.launcher.bench.recovery.Generation.Outcome;
import io.sluice.launcher.bench.recovery.LiveBookkeeping;
import io.sluice.launcher.bench.recovery.LogCost;
import io.sluice.launcher.bench.recovery.PairedRatio;
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
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Generated tokens per second against the rate at which stages are lost, for Sluice's way of going on, with exact
 * rebuilds as workers have them and with rebuilds as prefill, for a restart, and for a replay of prompt and tokens
 * through all stages. Same runtime, same stages, same losses, in turn; the tokens of every generation are compared with
 * one without losses. After table 3 of Petals (Borzunov et al., NeurIPS'23).
 */
final class RecoveryBench implements Bench {
    private static final int STAGES = 3;
    private static final int PROMPT = 16;
    private static final int SHORT = 128;
    private static final int LONG = 1024;
    private static final double HIGHEST_RATE = 1e-2;
    private static final int VOCABULARY = 2048;
    private static final int CONTEXT = 2048;
    private static final long KV_BYTES = 256L << 20;
    private static final int THREADS = Runtime.getRuntime().availableProcessors();
    private static final double SHORTEST_LIMIT_SECONDS = 2;
    /** What may be lost in time where nothing is lost; Petals' second cache takes 33 %. */
    private static final String COST_TARGET = "<= 1.03";

    /**
     * What is measured of one length.
     *
     * @param patience a generation is stopped after so many times the time without losses
     */
    private record Part(int length, int generations, double patience, double[] rates) {
        static List<Part> of(Setting setting) {
            double[] all = {0, 1e-4, 1e-3, HIGHEST_RATE};
            double[] ends = {0, HIGHEST_RATE};
            return setting.quick()
                    ? List.of(new Part(SHORT, 3, 5, all), new Part(LONG, 1, 8, ends))
                    : List.of(
                            new Part(SHORT, 2 * setting.rounds(), 20, all),
                            new Part(LONG, Math.max(1, setting.rounds() / 3), 8, all));
        }

        /**
         * Seconds after which a generation is stopped. One that begins anew at every loss and has no chance in a
         * million to get through is not waited for.
         *
         * @param quiet seconds without losses
         */
        double limitSeconds(Way way, double rate, double quiet) {
            boolean hopeless = way == Way.RESTART && Math.pow(1 - rate, STAGES * length) < 1e-6;
            return rate == 0
                    ? Double.POSITIVE_INFINITY
                    : Math.max(SHORTEST_LIMIT_SECONDS, (hopeless ? 1 : patience) * quiet);
        }
    }

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

        double millisPerLoss() {
            return 1e3 * recoverySeconds / Math.max(1, failures);
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
            double stepSeconds = 0;
            for (Part part : Part.of(setting)) {
                double steps = measure(setting, report, stages, part);
                stepSeconds = part.length() == SHORT ? 1 / steps : stepSeconds;
            }
            cost(setting, report, stages);
            bookkeeping(report, stepSeconds);
            notes(report, stages, Part.of(setting));
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

    /** Returns the steps per second of Sluice's way without losses. */
    private static double measure(Setting setting, BenchReport report, StageRow stages, Part part) {
        Map<Double, Map<Way, Cell>> cells = new LinkedHashMap<>();
        for (double rate : part.rates()) {
            Map<Way, Cell> row = new LinkedHashMap<>();
            for (Way way : Way.values()) {
                row.put(way, new Cell());
            }
            cells.put(rate, row);
        }
        int[] mismatches = new int[Way.values().length];
        for (int g = 0; g < part.generations(); g++) {
            List<Integer> expected = List.of();
            double quiet = 0;
            for (double rate : part.rates()) {
                setting.progress(part.length() + " tokens: generation " + (g + 1) + " of " + part.generations()
                        + ", loss rate " + rate(rate));
                for (int turn = 0; turn < Way.values().length; turn++) {
                    // Whoever comes first meets another moment of the machine each time.
                    Way way = Way.values()[(g + turn) % Way.values().length];
                    Outcome outcome = generate(
                            stages,
                            part.length(),
                            way,
                            new FailureDraws(1000L * part.length() + g, rate),
                            part.limitSeconds(way, rate, quiet),
                            g);
                    cells.get(rate).get(way).add(outcome, part.length());
                    if (rate == 0) {
                        quiet = Math.max(quiet, outcome.seconds());
                        expected = expected.isEmpty() ? outcome.tokens() : expected;
                    }
                    if (!expected.subList(0, outcome.tokens().size()).equals(outcome.tokens())) {
                        mismatches[way.ordinal()]++;
                        setting.progress("tokens differ: " + way.words() + " at rate " + rate + " from token "
                                + firstDifference(expected, outcome.tokens()) + " on");
                    }
                }
            }
        }
        print(setting, part, cells);
        rows(report, part, cells);
        for (Way way : Way.values()) {
            report.add(
                    "recovery." + part.length() + ".mismatches." + way.key(),
                    "count",
                    mismatches[way.ordinal()],
                    null,
                    way.sameBits() ? "<= 0" : null);
        }
        return cells.get(0.0).get(Way.SLUICE).speed();
    }

    private static void cost(Setting setting, BenchReport report, StageRow stages) {
        int generations = setting.quick() ? 6 : 4 * setting.rounds();
        PairedRatio cost = LogCost.measure(
                stages,
                prompt(0),
                SHORT,
                generations,
                i -> setting.progress("cost of the log where nothing is lost: twins " + i + " of " + generations));
        report.addJudged(
                "recovery.cost_without_failures",
                "ratio",
                cost.ratio(),
                new BenchReport.Interval(cost.low(), cost.high()),
                COST_TARGET);
        report.note(String.format(
                Locale.ROOT,
                "cost_without_failures: the engine with its inputs kept and indexed for a rebuild, by the same engine"
                        + " that keeps nothing: median of the ratios of %d pairs of steps, of the same position, in turn;"
                        + " %.4f, 95 %% interval [%.4f, %.4f], by which the target is judged. In the live system the log is"
                        + " the transport itself and is there with and without recovery; what is added there is in"
                        + " live_bookkeeping_share",
                cost.pairs(),
                cost.ratio(),
                cost.low(),
                cost.high()));
    }

    private static void bookkeeping(BenchReport report, double stepSeconds) {
        LiveBookkeeping.PerToken added = LiveBookkeeping.measure(STAGES, stepSeconds);
        report.add("recovery.live_bookkeeping_share", "ratio", added.nanos() / 1e9 / stepSeconds);
        report.note(String.format(
                Locale.ROOT,
                "live_bookkeeping_share: processor time that the live services spend on recovery alone, by the time of"
                        + " a step here; per token of a lone session and all %d stages %.2f us for the ledgers that fence and"
                        + " order, %.2f us for the offsets in the hops written and read, %.2f us for heartbeats made, read and"
                        + " counted (5/s each), measured in loops over these classes; what Kafka's clients and the broker take"
                        + " for a heartbeat is not in it, nor are the router's entries per token, which the completion needs",
                STAGES,
                added.ledgerNanos() / 1e3,
                added.offsetNanos() / 1e3,
                added.heartbeatNanos() / 1e3));
    }

    private static int firstDifference(List<Integer> expected, List<Integer> got) {
        return IntStream.range(0, got.size())
                .filter(i -> !expected.get(i).equals(got.get(i)))
                .findFirst()
                .orElse(-1);
    }

    private static Outcome generate(
            StageRow stages, int length, Way way, FailureDraws draws, double limitSeconds, int promptSeed) {
        try (Generation generation = new Generation(stages, prompt(promptSeed), length, way, draws)) {
            return generation.run(limitSeconds);
        }
    }

    private static int[] prompt(int seed) {
        return IntStream.range(0, PROMPT)
                .map(i -> (100 + 31 * seed + 7 * i) % VOCABULARY)
                .toArray();
    }

    private static void print(Setting setting, Part part, Map<Double, Map<Way, Cell>> cells) {
        setting.out()
                .printf(Locale.ROOT, "%n%d tokens, steps/s by losses per step and stage%n%-24s", part.length(), "");
        for (double rate : part.rates()) {
            setting.out().printf("%24s", rate(rate));
        }
        setting.out().println();
        for (Way way : Way.values()) {
            setting.out().printf("%-24s", way.words());
            for (double rate : part.rates()) {
                setting.out().printf("%24s", cells.get(rate).get(way).describe());
            }
            setting.out().println();
        }
        setting.out().printf("%-24s", "stages lost (Sluice)");
        for (double rate : part.rates()) {
            setting.out().printf("%24d", cells.get(rate).get(Way.SLUICE).failures);
        }
        setting.out().println();
    }

    private static void rows(BenchReport report, Part part, Map<Double, Map<Way, Cell>> cells) {
        String prefix = "recovery." + part.length() + ".";
        for (Way way : Way.values()) {
            double quiet = cells.get(0.0).get(way).speed();
            for (double rate : part.rates()) {
                Cell cell = cells.get(rate).get(way);
                String name = prefix + rate(rate) + "." + way.key();
                boolean judged = way == Way.SLUICE && part.length() == SHORT && rate == HIGHEST_RATE;
                report.add(name, "steps/s", cell.speed(), rate == 0 ? null : quiet, judged ? ">= 0.5" : null);
                if (cell.finished < cell.generations) {
                    report.note(name + ": " + cell.finished + " of " + cell.generations
                            + " generations finished; the others had at most "
                            + String.format(Locale.ROOT, "%.1f", cell.furthest / cell.seconds)
                            + " tokens of theirs per second when they were stopped");
                }
            }
        }
        Map<Way, Cell> worst = cells.get(HIGHEST_RATE);
        double prefill = worst.get(Way.PREFILL).millisPerLoss();
        report.add(prefix + "ms_per_loss", "ms", worst.get(Way.SLUICE).millisPerLoss(), prefill, null);
    }

    private static String rate(double rate) {
        return rate == 0 ? "0" : String.format(Locale.ROOT, "1e%d", Math.round(Math.log10(rate)));
    }

    private static void notes(BenchReport report, StageRow stages, List<Part> parts) {
        report.note(String.format(
                Locale.ROOT,
                "%d stages of 2 layers of SmolLM2-135M's shape with random weights in one process, %d threads, prompt of"
                        + " %d tokens, fp16 between stages; a stage computes %.0f prompt positions/s",
                STAGES,
                THREADS,
                PROMPT,
                stages.promptTokensPerSecond(1)));
        String limits = parts.stream()
                .map(part -> String.format(Locale.ROOT, "%.0f (%d tokens)", part.patience(), part.length()))
                .collect(Collectors.joining(" or "));
        report.note("rate: probability that a given stage is lost at a given step; the same losses for every way; a"
                + " generation is stopped after " + limits
                + " times the time without losses, a restart without a chance"
                + " in a million after that time itself; speed: tokens of finished generations by all time spent;"
                + " baseline: the same way without losses");
        report.note("sluice rebuilds exactly, as workers do unless told otherwise: what came after the prompt with the"
                + " attention of single steps, so that every bit is the same; prefill is --rebuild prefill: equal but for"
                + " rounding, as recompute is; ms_per_loss: of the first against the second (baseline), at the highest"
                + " rate");
        report.note(
                "a replacement has the layers loaded; the time until a loss is detected, and the broker, are no part of"
                        + " this (bench kill has them)");
        report.note(
                "Petals (Borzunov et al., NeurIPS'23, BLOOM-7.1B on 4 GTX 1080 Ti, rate per send): 11.4 steps/s without"
                        + " failures and 3.38 at 1e-2 for 128 tokens, a ratio of 0.30; its second cache makes it 33 % slower than"
                        + " caching with restarts (17.1) where nothing fails; 2.17 at 1e-2 for 1,024 tokens, where restarts did not"
                        + " finish");
    }
}

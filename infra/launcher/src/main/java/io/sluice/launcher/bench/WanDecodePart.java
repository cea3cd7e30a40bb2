package io.sluice.launcher.bench;

import io.sluice.embedded.WanShape;
import io.sluice.launcher.bench.WanRuns.Seen;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Decode steps of psalm across sites, against the least they can take. The stack stays, its network changes, so that all
 * figures are of the same warm processes. Every measurement across a distance is compared with one at round trip 0 right
 * before it, because the machine may be busier from one minute to the next.
 */
final class WanDecodePart {
    private static final int STAGES = 3;
    /** Relays that a record passes: its sender's and its receiver's. */
    private static final int CROSSINGS = 2;

    private static final int PROMPT = 16;
    private static final int SESSIONS = 8;
    private static final int WARM_UP_TOKENS = 400;
    private static final double[] ROUND_TRIPS_MILLIS = {20, 100};
    private static final double[] RATES_MEGABIT = {1_000, 100};

    private final Bench.Setting setting;
    private final BenchReport report;
    private final int tokens;
    private final Map<WanShape, List<Pair>> seen = new LinkedHashMap<>();

    /** One session and several, near and far, in one go. */
    private record Pair(Seen nearOne, Seen nearMany, Seen farOne, Seen farMany) {}

    WanDecodePart(Bench.Setting setting, BenchReport report) {
        this.setting = setting;
        this.report = report;
        this.tokens = setting.quick() ? 32 : 64;
        for (double rate : RATES_MEGABIT) {
            for (double roundTrip : ROUND_TRIPS_MILLIS) {
                seen.put(WanShape.of(roundTrip, rate), new ArrayList<>());
            }
        }
    }

    void run() throws Exception {
        int layers;
        try (ModelWeights weights = ModelFiles.weights(BenchStacks.psalmModel())) {
            layers = weights.config().layerCount();
        }
        setting.progress("wan: starting " + STAGES + " workers at a site each");
        try (EmbeddedStack stack = EmbeddedStack.start(
                BenchStacks.chain(setting.data(), BenchStacks.psalmModel(), "psalm", layers, STAGES)
                        .withWan(WanShape.of(ROUND_TRIPS_MILLIS[0], RATES_MEGABIT[0])),
                Progress.SILENT)) {
            stack.setWan(WanShape.of(0, 0));
            for (int i = 0; i < (setting.quick() ? 2 : 4); i++) {
                setting.progress("wan: warming up, " + (i + 1));
                WanRuns.generate(stack, "psalm", 1, PROMPT, WARM_UP_TOKENS);
            }
            WanRuns.generate(stack, "psalm", SESSIONS, PROMPT, WARM_UP_TOKENS / 2);
            for (int round = 0; round < (setting.quick() ? 1 : setting.rounds()); round++) {
                for (Map.Entry<WanShape, List<Pair>> shape : seen.entrySet()) {
                    setting.progress("wan: " + shape.getKey() + ", round " + (round + 1));
                    shape.getValue().add(pair(stack, shape.getKey()));
                }
            }
        }
        for (double rate : RATES_MEGABIT) {
            reportNear(rate);
            seen.forEach((shape, pairs) -> {
                if (shape.bitsPerSecond() == rate * 1e6) {
                    report(shape, pairs);
                }
            });
        }
        notes();
    }

    private Pair pair(EmbeddedStack stack, WanShape far) throws InterruptedException {
        stack.setWan(WanShape.of(0, far.bitsPerSecond() / 1e6));
        WanRuns.generate(stack, "psalm", 1, PROMPT, 4);
        Seen nearOne = WanRuns.generate(stack, "psalm", 1, PROMPT, 2 * tokens);
        Seen nearMany = WanRuns.generate(stack, "psalm", SESSIONS, PROMPT, tokens);
        stack.setWan(far);
        WanRuns.generate(stack, "psalm", 1, PROMPT, 4);
        Seen farOne = WanRuns.generate(stack, "psalm", 1, PROMPT, tokens);
        return new Pair(nearOne, nearMany, farOne, WanRuns.generate(stack, "psalm", SESSIONS, PROMPT, tokens));
    }

    /** Milliseconds that the network adds to a step at the least. */
    private static double boundMillis(WanShape shape) {
        return STAGES * CROSSINGS * shape.crossingNanos() / 1e6;
    }

    private void reportNear(double rate) {
        List<Pair> pairs = seen.entrySet().stream()
                .filter(entry -> entry.getKey().bitsPerSecond() == rate * 1e6)
                .flatMap(entry -> entry.getValue().stream())
                .toList();
        String name = name(WanShape.of(0, rate));
        report.add(name + "1_session", "steps/s", median(pairs, pair -> pair.nearOne.tokensPerSecond()));
        report.add(name + "8_sessions", "tokens/s", median(pairs, pair -> pair.nearMany.tokensPerSecond()));
        report.add(name + "token", "ms", median(pairs, pair -> pair.nearOne.medianTokenMillis()));
    }

    private void report(WanShape shape, List<Pair> pairs) {
        String name = name(shape);
        double bound = boundMillis(shape);
        report.add(
                name + "1_session",
                "steps/s",
                median(pairs, pair -> pair.farOne.tokensPerSecond()),
                median(pairs, pair -> 1e3 / (1e3 / pair.nearOne.tokensPerSecond() + bound)),
                ">= 0.9");
        report.add(
                name + "8_sessions",
                "tokens/s",
                median(pairs, pair -> pair.farMany.tokensPerSecond()),
                median(pairs, pair -> SESSIONS * 1e3 / (SESSIONS * 1e3 / pair.nearMany.tokensPerSecond() + bound)),
                null);
        report.add(name + "8_sessions.batch", "sessions", median(pairs, pair -> pair.farMany.batch()));
        report.add(
                name + "added_per_token",
                "ms",
                median(pairs, pair -> pair.farOne.medianTokenMillis() - pair.nearOne.medianTokenMillis()),
                bound,
                "<= 1.1");
        report.add(
                name + "added.fastest_tenth",
                "ms",
                median(pairs, pair -> pair.farOne.fastTokenMillis() - pair.nearOne.fastTokenMillis()),
                bound,
                null);
        report.add(
                name + "added.transfers",
                "ms",
                median(pairs, pair -> pair.farOne.transferMillis() - pair.nearOne.transferMillis()),
                bound,
                null);
        report.add(
                name + "added.queues",
                "ms",
                median(pairs, pair -> pair.farOne.queueMillis() - pair.nearOne.queueMillis()));
        report.add(
                name + "added.computing",
                "ms",
                median(pairs, pair -> pair.farOne.computeMillis() - pair.nearOne.computeMillis()));
        report.add(
                name + "added.relays_late",
                "ms",
                median(pairs, pair -> STAGES * CROSSINGS * (pair.farOne.lateMillis() - pair.nearOne.lateMillis())));
    }

    private void notes() {
        report.note("bound: a token of " + STAGES + " stages is " + STAGES
                + " records: hidden states to the next stage twice, the token back to the first once. The broker is at a"
                + " site of its own, so a record is produced across its sender's relay and fetched across its"
                + " receiver's, a quarter of the round trip each: " + STAGES + " x " + CROSSINGS + " x RTT / 4 = "
                + STAGES / 2.0 + " RTT a token, 30 ms at 20 ms, 150 ms at 100 ms. Where a worker's topic has its leader"
                + " at the worker's site the same way is one crossing of half the round trip. The token's way to the"
                + " client is beside that loop");
        report.note(
                "baselines: of steps/s, the time per token at RTT 0 right before plus the bound, for one session and"
                        + " for " + SESSIONS
                        + "; of added, the bound. added_per_token is the difference of medians as the client"
                        + " sees them; of it, as the hops of the tokens say, transfers between workers, queues at workers, and"
                        + " computing; relays_late is by how much the emulated network itself came too late, part of transfers."
                        + " added.fastest_tenth is the same difference at the tenth percentile, which other work on the machine"
                        + " disturbs least. batch: sessions computed together");
        report.note("psalm, three processes on " + Runtime.getRuntime().availableProcessors()
                + " cores, each behind a relay of its own; broker, router and client at one site; medians over rounds");
    }

    private static String name(WanShape shape) {
        return String.format(
                Locale.ROOT, "rtt%.0fms.%.0fmbit.", shape.roundTripNanos() / 1e6, shape.bitsPerSecond() / 1e6);
    }

    private static double median(List<Pair> pairs, ToDoubleFunction<Pair> figure) {
        return Medians.median(
                pairs.stream().map(pair -> figure.applyAsDouble(pair)).toList());
    }
}

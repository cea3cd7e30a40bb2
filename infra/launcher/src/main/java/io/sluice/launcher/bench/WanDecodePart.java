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

/**
 * Decode steps of psalm across sites, against the least they can take. The stack stays, its network changes, so that all
 * figures are of the same warm processes; networks take turns.
 */
final class WanDecodePart {
    private static final int STAGES = 3;
    private static final int PROMPT = 16;
    private static final int SESSIONS = 8;
    private static final int WARM_UP_TOKENS = 400;
    private static final double[] ROUND_TRIPS_MILLIS = {0, 20, 100};
    private static final double[] RATES_MEGABIT = {1_000, 100};

    private final Bench.Setting setting;
    private final BenchReport report;
    private final int tokens;
    private final Map<WanShape, List<Seen>> one = new LinkedHashMap<>();
    private final Map<WanShape, List<Seen>> many = new LinkedHashMap<>();

    WanDecodePart(Bench.Setting setting, BenchReport report) {
        this.setting = setting;
        this.report = report;
        this.tokens = setting.quick() ? 32 : 64;
        for (double rate : RATES_MEGABIT) {
            for (double roundTrip : ROUND_TRIPS_MILLIS) {
                one.put(WanShape.of(roundTrip, rate), new ArrayList<>());
                many.put(WanShape.of(roundTrip, rate), new ArrayList<>());
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
                        .withWan(WanShape.of(0, 0)),
                Progress.SILENT)) {
            for (int i = 0; i < (setting.quick() ? 2 : 4); i++) {
                setting.progress("wan: warming up, " + (i + 1));
                WanRuns.generate(stack, "psalm", 1, PROMPT, WARM_UP_TOKENS);
            }
            WanRuns.generate(stack, "psalm", SESSIONS, PROMPT, WARM_UP_TOKENS / 2);
            for (int round = 0; round < (setting.quick() ? 1 : setting.rounds()); round++) {
                for (WanShape shape : one.keySet()) {
                    setting.progress("wan: " + shape + ", round " + (round + 1));
                    stack.setWan(shape);
                    WanRuns.generate(stack, "psalm", 1, PROMPT, 4);
                    one.get(shape).add(WanRuns.generate(stack, "psalm", 1, PROMPT, tokens));
                    many.get(shape).add(WanRuns.generate(stack, "psalm", SESSIONS, PROMPT, tokens));
                }
            }
        }
        report();
    }

    /** Milliseconds that the network adds to a step at the least. */
    private static double boundMillis(WanShape shape) {
        return 2 * STAGES * shape.crossingNanos() / 1e6;
    }

    private void report() {
        one.forEach((shape, seen) -> {
            String name = String.format(
                    Locale.ROOT, "rtt%.0fms.%.0fmbit.", shape.roundTripNanos() / 1e6, shape.bitsPerSecond() / 1e6);
            double near = token(one.get(WanShape.of(0, shape.bitsPerSecond() / 1e6)));
            double here = token(seen);
            double bound = boundMillis(shape);
            report.add(
                    name + "1_session", "steps/s", perSecond(seen), 1e3 / (near + bound), bound == 0 ? null : ">= 0.9");
            report.add(
                    name + "8_sessions", "tokens/s", perSecond(many.get(shape)), SESSIONS * 1e3 / (near + bound), null);
            report.add(name + "token", "ms", here, near + bound, null);
            double nearFast = fast(one.get(WanShape.of(0, shape.bitsPerSecond() / 1e6)));
            report.add(name + "token_p10", "ms", fast(seen), nearFast + bound, null);
            if (bound > 0) {
                report.add(name + "added_per_token", "ms", here - near, bound, "<= 1.1");
            }
        });
        report.note("bound: a token of " + STAGES + " stages is " + STAGES
                + " records: hidden states to the next stage twice,"
                + " the token back to the first once. A record crosses its sender's relay and its receiver's, a quarter of"
                + " the round trip each, so " + STAGES + " x 2 x RTT / 4 = " + STAGES / 2.0
                + " RTT a token: 30 ms at 20 ms, 150 ms at 100 ms. The token's way to the client is beside that loop");
        report.note("baselines: of steps/s, one session's time at RTT 0 and the same rate plus the bound; of tokens/s, "
                + SESSIONS
                + " times that; of a token, the time between tokens at RTT 0 plus the bound. token and added are"
                + " medians, steps/s and tokens/s means; token_p10 is the fastest tenth, which other work on the machine"
                + " disturbs least: where only the medians miss the bound, the machine was busy");
        report.note("psalm, three processes on " + Runtime.getRuntime().availableProcessors()
                + " cores, each behind a relay of its own; broker, router and client at one site; medians of time between"
                + " tokens, means of tokens/s");
    }

    private static double token(List<Seen> seen) {
        return Medians.median(seen.stream().map(Seen::medianTokenMillis).toList());
    }

    private static double fast(List<Seen> seen) {
        return Medians.median(seen.stream().map(Seen::fastTokenMillis).toList());
    }

    private static double perSecond(List<Seen> seen) {
        return Medians.median(seen.stream().map(Seen::tokensPerSecond).toList());
    }
}

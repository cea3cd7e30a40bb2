package io.sluice.launcher.bench;

import io.sluice.launcher.bench.recovery.KillTrial;
import io.sluice.launcher.bench.recovery.KillTrial.Pause;
import io.sluice.launcher.bench.recovery.SparedStack;
import io.sluice.launcher.bench.recovery.Strike;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.loadgen.LatencySummary;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Time from the loss of a worker to the session's next token, split into noticing it, deciding how to go on, and
 * rebuilding; real processes, default leases, every stage in turn.
 */
final class KillBench implements Bench {
    /** Prompt and tokens make 128 positions of state when the worker is lost. */
    private static final int LOST_AFTER = 128 - KillTrial.PROMPT;

    private static final int TOKENS = LOST_AFTER + 48;
    private static final int WARM_UPS = 6;
    private static final String DEVICE = "cpu";

    @Override
    public void run(Setting setting, BenchReport report) throws InterruptedException {
        setting.progress("starting six workers: three stages, a spare for each");
        try (EmbeddedStack stack = EmbeddedStack.start(SparedStack.config(setting.data(), DEVICE), Progress.SILENT);
                KillTrial trial = new KillTrial(stack, DEVICE)) {
            trial.awaitAll();
            List<Integer> expected = List.of();
            for (int i = 0; i < WARM_UPS; i++) {
                expected = trial.undisturbed(TOKENS).outcome().tokenIds();
            }
            Map<Strike, List<Pause>> pauses = new EnumMap<>(Strike.class);
            int stages = SparedStack.STAGES.size();
            for (int round = 0; round < setting.rounds(); round++) {
                for (int stage = 0; stage < stages; stage++) {
                    for (Strike strike : Strike.values()) {
                        measure(setting, trial, strike, stage, expected, pauses);
                    }
                }
            }
            for (Strike strike : Strike.values()) {
                rows(report, strike, pauses.getOrDefault(strike, List.of()));
            }
        }
        report.note("three stages of psalm, two workers each on cpu; lost after " + LOST_AFTER + " of " + TOKENS
                + " tokens with a prompt of " + KillTrial.PROMPT
                + "; every text was equal to the undisturbed one; heartbeats and leases are the defaults");
        report.note("noticed: by an onlooker in this process with the router's lease table; decided: from then to the"
                + " router's record of the next attempt; rebuilt: from then to the next token");
        report.note(
                "Petals, measured on a machine of this kind (4 servers, kill -9): the released client resumed 0 of 18"
                        + " generations; repaired, and with time-outs of 5 s, median 5.1 s and at most 7.2 s in 9 trials; with its"
                        + " default time-outs median 180 s");
    }

    private static void measure(
            Setting setting,
            KillTrial trial,
            Strike strike,
            int stage,
            List<Integer> expected,
            Map<Strike, List<Pause>> pauses) {
        trial.awaitAll();
        // Workers that have just been started interpret their code at first; a spare in service does not.
        trial.undisturbed(TOKENS);
        trial.undisturbed(TOKENS);
        trial.run(strike, stage, LOST_AFTER, expected)
                .pause()
                .ifPresentOrElse(
                        pause -> {
                            pauses.computeIfAbsent(strike, ignored -> new ArrayList<>())
                                    .add(pause);
                            setting.progress(String.format(
                                    Locale.ROOT,
                                    "%s, stage %d: %.0f ms = %.0f noticed + %.0f decided + %.0f rebuilt; %s",
                                    strike.words(),
                                    stage,
                                    pause.total(),
                                    pause.noticed(),
                                    pause.reassigned(),
                                    pause.resumed(),
                                    pause.reason()));
                        },
                        () -> setting.progress(strike.words() + ", stage " + stage + ": over before it was noticed"));
    }

    private static void rows(BenchReport report, Strike strike, List<Pause> pauses) {
        String name = "kill." + strike.name().toLowerCase(Locale.ROOT) + ".";
        report.add(name + "trials", "count", pauses.size());
        if (pauses.isEmpty()) {
            return;
        }
        add(report, name + "kill_to_token", pauses, Pause::total, "<= 1500", "<= 3000");
        add(report, name + "noticed", pauses, Pause::noticed, null, null);
        add(report, name + "decided", pauses, Pause::reassigned, null, null);
        add(report, name + "rebuilt", pauses, Pause::resumed, null, null);
        add(report, name + "beyond_detection", pauses, Pause::beyondDetection, "<= 300", null);
    }

    private static void add(
            BenchReport report,
            String name,
            List<Pause> pauses,
            ToDoubleFunction<Pause> part,
            String medianTarget,
            String mostTarget) {
        double[] sorted = pauses.stream().mapToDouble(part).sorted().toArray();
        report.add(name + ".p50", "ms", LatencySummary.percentile(sorted, 50), null, medianTarget);
        report.add(name + ".p99", "ms", LatencySummary.percentile(sorted, 99));
        report.add(name + ".max", "ms", sorted[sorted.length - 1], null, mostTarget);
    }
}

package io.sluice.launcher.bench;

import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.GroupUse;
import io.sluice.records.ServiceClass;
import io.sluice.records.SharingReport;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.worker.sharing.SharingSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What pools of cores bring two best-effort tenants on this machine: two stacks one after the other, one whose worker runs
 * slices of one tenant at a time on all cores, and one whose worker may run each tenant's on a core of its own, where the planner
 * of limits assigns kernel groups to pools by ECLIP's programme. Both have the batch alone, then beside interactive requests at the
 * rate that the first stack's worker is busy for half of the time.
 */
final class SharingGroupsPart {
    private static final double LOAD = 0.5;
    private static final int TENANTS = 2;
    private static final int CORES = Runtime.getRuntime().availableProcessors();
    /** The planner must have tried the pools before anything is measured. */
    private static final Duration LEARNING = Duration.ofSeconds(30);

    private final Bench.Setting setting;
    private final BenchReport report;
    private final Duration window;
    private final int rounds;
    private double perSecond;

    /** What was seen of one stack. */
    private static final class Seen {
        final InteractiveSeen alone = new InteractiveSeen();
        final InteractiveSeen beside = new InteractiveSeen();
        double soloTokens;
        double besideTokens;
        double seconds;
        double wholeUnits;
        double partUnits;
        String last = "";

        void add(SharingReport report) {
            for (GroupUse group : report.getGroups()) {
                if (group.getLanes() < CORES) {
                    partUnits += group.getUnits();
                } else {
                    wholeUnits += group.getUnits();
                }
            }
        }
    }

    SharingGroupsPart(Bench.Setting setting, BenchReport report) {
        this.setting = setting;
        this.report = report;
        this.window = Duration.ofSeconds(setting.quick() ? 30 : 60);
        this.rounds = setting.quick() ? 1 : setting.rounds();
    }

    void run() throws IOException, InterruptedException {
        if (CORES < 2) {
            report.note("groups: this machine has one core, which cannot be divided: left out");
            return;
        }
        Path path = BenchStacks.whole135m(setting);
        String model;
        int layers;
        try (ModelWeights weights = ModelFiles.weights(path)) {
            layers = weights.config().layerCount();
            model = weights.config().name();
        }
        List<Seen> seen = new ArrayList<>();
        for (int cores : new int[] {0, CORES}) {
            setting.progress("groups: starting one worker, two tenants "
                    + (cores == 0 ? "by turns on all cores" : "on a core each where that pays"));
            try (EmbeddedStack stack = EmbeddedStack.start(
                    BenchStacks.chain(setting.data(), path, model, layers, 1)
                            .withSharing(SharingSettings.DEFAULT.withCores(cores)),
                    Progress.SILENT)) {
                seen.add(measure(stack, new CpuLoad(stack, model, window)));
            }
        }
        rows(seen.getFirst(), seen.getLast());
    }

    private Seen measure(EmbeddedStack stack, CpuLoad load) throws InterruptedException {
        setting.progress("groups: warming up");
        load.warmUp();
        if (perSecond == 0) {
            perSecond = LOAD / load.requestSeconds();
        }
        load.batch(ServiceClass.BEST_EFFORT, TENANTS, LEARNING, CpuLoad.Work.NONE);
        Seen seen = new Seen();
        for (int round = 0; round < rounds; round++) {
            long seed = round;
            String which = "groups: round " + (round + 1) + " of " + rounds + ", ";
            setting.progress(which + "interactive requests alone");
            seen.alone.add(load.poisson(perSecond, seed));
            Thread.sleep(CpuLoad.REST);
            try (SharingTail tail = new SharingTail(stack)) {
                setting.progress(which + "the batch alone");
                seen.soloTokens += load.batch(ServiceClass.BEST_EFFORT, TENANTS, window, CpuLoad.Work.NONE);
                Thread.sleep(CpuLoad.REST);
                setting.progress(which + "both");
                List<RequestOutcome> outcomes = new ArrayList<>();
                seen.besideTokens += load.batch(
                        ServiceClass.BEST_EFFORT,
                        TENANTS,
                        window,
                        () -> outcomes.addAll(load.poisson(perSecond, seed)));
                seen.seconds += window.toNanos() / 1e9;
                seen.beside.add(outcomes);
                tail.read(seen::add, limits -> {
                    if (!limits.getGroups().isEmpty()) {
                        seen.last = limits.getReason().isEmpty() ? seen.last : limits.getReason();
                    }
                });
            }
            Thread.sleep(CpuLoad.REST);
        }
        return seen;
    }

    private void rows(Seen turns, Seen pools) {
        report.add(
                "sharing.groups.batch_alone",
                "tokens/s",
                pools.soloTokens / pools.seconds,
                turns.soloTokens / turns.seconds,
                null);
        report.add(
                "sharing.groups.batch_beside",
                "tokens/s",
                pools.besideTokens / pools.seconds,
                turns.besideTokens / turns.seconds,
                null);
        for (double percent : new double[] {50, 99}) {
            String p = String.format(Locale.ROOT, "p%.0f", percent);
            report.add(
                    "sharing.groups.response." + p,
                    "ms",
                    InteractiveSeen.percentile(pools.beside.response, percent),
                    InteractiveSeen.percentile(pools.alone.response, percent),
                    percent == 99 ? "<= 1.1" : null);
            report.add(
                    "sharing.groups.response_by_turns." + p,
                    "ms",
                    InteractiveSeen.percentile(turns.beside.response, percent),
                    InteractiveSeen.percentile(turns.alone.response, percent),
                    null);
        }
        double units = pools.wholeUnits + pools.partUnits;
        report.add("sharing.groups.share_on_pools", "", units > 0 ? pools.partUnits / units : 0);
        report.note(String.format(
                Locale.ROOT,
                "groups: %d tenants with %d texts at once together; %d interactive requests each way in %d rounds of %d s, two stacks one"
                        + " after the other; baseline of latencies: alone on the same stack, of the batch: by turns on all"
                        + " cores; share_on_pools: part of the batch's layers times positions on a core of their own; the"
                        + " planner's last word of it: %s",
                TENANTS,
                BatchShape.SESSIONS,
                pools.alone.response.size(),
                rounds,
                window.toSeconds(),
                pools.last.isEmpty() ? "none" : pools.last));
    }
}

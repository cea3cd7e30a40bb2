package io.sluice.launcher.bench;

import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.GroupUse;
import io.sluice.records.ServiceClass;
import io.sluice.records.SharingReport;
import java.io.IOException;
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
        this.window = CpuLoad.window(setting.quick());
        this.rounds = setting.quick() ? 1 : setting.rounds();
    }

    void run() throws IOException, InterruptedException {
        if (CORES < 2) {
            report.note("groups: this machine has one core, which cannot be divided: left out");
            return;
        }
        List<Seen> seen = new ArrayList<>();
        for (int cores : new int[] {0, CORES}) {
            setting.progress("groups: starting one worker, two tenants "
                    + (cores == 0 ? "by turns on all cores" : "on a core each where that pays"));
            CpuStack.measure(setting, cores, window, (stack, load, model) -> seen.add(measure(stack, load)));
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
        for (int turn = 0; turn < rounds * CpuLoad.TURNS; turn++) {
            long seed = turn;
            String which = "groups: round " + (1 + turn / CpuLoad.TURNS) + " of " + rounds + ", turn "
                    + (1 + turn % CpuLoad.TURNS) + " of " + CpuLoad.TURNS + ", ";
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
        InteractiveSeen.responses(report, "sharing.groups.response", pools.beside, pools.alone, true);
        InteractiveSeen.responses(report, "sharing.groups.response_by_turns", turns.beside, turns.alone, false);
        double units = pools.wholeUnits + pools.partUnits;
        report.add("sharing.groups.share_on_pools", "", units > 0 ? pools.partUnits / units : 0);
        report.note(String.format(
                Locale.ROOT,
                "groups: %d tenants with %d texts at once together; %d interactive requests each way in %d rounds of %d times %.1f s, two stacks one"
                        + " after the other; baseline of latencies: alone on the same stack, of the batch: by turns on all"
                        + " cores; share_on_pools: part of the batch's layers times positions on a core of their own; the"
                        + " planner's last word of it: %s",
                TENANTS,
                BatchShape.SESSIONS,
                pools.alone.response.size(),
                rounds,
                CpuLoad.TURNS,
                window.toMillis() / 1e3,
                pools.last.isEmpty() ? "none" : pools.last));
    }
}

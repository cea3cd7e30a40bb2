package io.sluice.launcher.bench;

import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.PoolUse;
import io.sluice.records.ServiceClass;
import io.sluice.records.SharingReport;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a core of its own brings a best-effort batch on this machine: two stacks one after the other, one whose worker may use
 * gaps only and one whose worker may use a core beside latency-critical steps as well, where the planner of limits finds out
 * whether it pays. Load and batch are those of {@link SharingCpuPart}, at the rate that the first stack's worker is busy for half of
 * the time.
 */
final class SharingCoresPart {
    private static final double LOAD = 0.5;

    private final Bench.Setting setting;
    private final BenchReport report;
    private final Duration window;
    private final int rounds;
    private double perSecond;

    /** What was seen of one stack. */
    private static final class Seen {
        final InteractiveSeen alone = new InteractiveSeen();
        final InteractiveSeen beside = new InteractiveSeen();
        double tokens;
        double seconds;
        String last = "";
        double besideUnits;
        double gapUnits;
    }

    SharingCoresPart(Bench.Setting setting, BenchReport report) {
        this.setting = setting;
        this.report = report;
        this.window = CpuLoad.window(setting.quick());
        this.rounds = setting.quick() ? 1 : setting.rounds();
    }

    void run() throws IOException, InterruptedException {
        List<Seen> seen = new ArrayList<>();
        for (int cores = 0; cores <= 1; cores++) {
            setting.progress("cores: starting one worker, best-effort work "
                    + (cores == 0 ? "in the gaps only" : "on a core beside as well"));
            CpuStack.measure(setting, cores, window, (stack, load, model) -> seen.add(measure(stack, load)));
        }
        rows(seen.getFirst(), seen.getLast());
    }

    private Seen measure(EmbeddedStack stack, CpuLoad load) throws InterruptedException {
        setting.progress("cores: warming up");
        load.warmUp();
        if (perSecond == 0) {
            perSecond = LOAD / load.requestSeconds();
        }
        Seen seen = new Seen();
        for (int turn = 0; turn < rounds * CpuLoad.TURNS; turn++) {
            setting.progress("cores: round " + (1 + turn / CpuLoad.TURNS) + " of " + rounds + ", turn "
                    + (1 + turn % CpuLoad.TURNS) + " of " + CpuLoad.TURNS);
            if (turn % 2 == 0) {
                alone(load, seen, turn);
                beside(stack, load, seen, turn);
            } else {
                beside(stack, load, seen, turn);
                alone(load, seen, turn);
            }
        }
        return seen;
    }

    private void alone(CpuLoad load, Seen seen, long seed) throws InterruptedException {
        seen.alone.add(load.poisson(perSecond, seed));
        Thread.sleep(CpuLoad.REST);
    }

    private void beside(EmbeddedStack stack, CpuLoad load, Seen seen, long seed) throws InterruptedException {
        try (SharingTail tail = new SharingTail(stack)) {
            List<RequestOutcome> outcomes = new ArrayList<>();
            seen.tokens += load.batch(
                    ServiceClass.BEST_EFFORT, 1, window, () -> outcomes.addAll(load.poisson(perSecond, seed)));
            seen.seconds += window.toNanos() / 1e9;
            seen.beside.add(outcomes);
            tail.read(report -> add(report, seen), limits -> {
                if (limits.getReason().contains("core")) {
                    seen.last = limits.getReason();
                }
            });
        }
        Thread.sleep(CpuLoad.REST);
    }

    private static void add(SharingReport report, Seen seen) {
        for (PoolUse pool : report.getPools()) {
            if (pool.getLanes() > 0) {
                seen.besideUnits += pool.getUnits();
            } else {
                seen.gapUnits += pool.getUnits();
            }
        }
    }

    private void rows(Seen gaps, Seen core) {
        InteractiveSeen.responses(report, "sharing.cores.response", core.beside, core.alone, true);
        InteractiveSeen.responses(report, "sharing.cores.response_gaps_only", gaps.beside, gaps.alone, false);
        report.add(
                "sharing.cores.batch_throughput",
                "tokens/s",
                core.tokens / core.seconds,
                gaps.tokens / gaps.seconds,
                null);
        double units = core.besideUnits + core.gapUnits;
        report.add("sharing.cores.share_beside", "", units > 0 ? core.besideUnits / units : 0);
        report.note(String.format(
                Locale.ROOT,
                "cores: %d interactive requests each way in %d rounds of %d times %.1f s, two stacks one after the other; baseline of latencies:"
                        + " alone on the same stack, of the batch: gaps only; share_beside: part of the batch's layers times"
                        + " positions on the core beside; the planner's last word of it: %s",
                core.alone.response.size(),
                rounds,
                CpuLoad.TURNS,
                window.toMillis() / 1e3,
                core.last.isEmpty() ? "none" : core.last));
    }
}

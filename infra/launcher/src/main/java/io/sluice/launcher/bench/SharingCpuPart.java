package io.sluice.launcher.bench;

import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.ServiceClass;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/**
 * Interactive requests on this machine's cores, really computed by a worker behind broker and router: alone, beside a
 * best-effort batch that the worker's gate lets through, beside the same batch in a process of the lowest priority, and
 * alone once more, which shows what the machine does by itself. The arrivals are a Poisson process with the same seed in all,
 * at a rate that keeps the worker busy for half of the time when it is alone; requests are short, so that a percentile is of
 * many. The batch by itself runs in slices, as latency-critical work of the same stack, which is in none, and in the process.
 */
final class SharingCpuPart {
    private static final double LOAD = 0.5;
    private static final int THREADS = Runtime.getRuntime().availableProcessors();

    private final Bench.Setting setting;
    private final BenchReport report;
    private final Duration window;
    private final int rounds;
    private CpuLoad load;

    /** What runs beside the interactive requests. */
    private enum Beside {
        NOTHING,
        BEST_EFFORT,
        LOW_PRIORITY,
        NOTHING_AGAIN
    }

    /** What was seen of interactive requests and of the batch, over all rounds. */
    private static final class Seen {
        final InteractiveSeen requests = new InteractiveSeen();
        double batchTokens;
        double seconds;

        double batchRate() {
            return batchTokens / seconds;
        }
    }

    SharingCpuPart(Bench.Setting setting, BenchReport report) {
        this.setting = setting;
        this.report = report;
        this.window = CpuLoad.window(setting.quick());
        this.rounds = setting.quick() ? 1 : setting.rounds();
    }

    void run() throws IOException, InterruptedException {
        setting.progress("cpu: starting one worker on " + THREADS + " threads");
        CpuStack.measure(setting, 0, window, (stack, started, model) -> {
            load = started;
            try (NicedBatch niced = NicedBatch.start(model, THREADS)) {
                measure(niced);
            }
        });
    }

    private void measure(NicedBatch niced) throws InterruptedException {
        setting.progress("cpu: warming up");
        load.warmUp();
        double busySeconds = load.requestSeconds();
        double perSecond = LOAD / busySeconds;
        setting.progress(String.format(
                Locale.ROOT,
                "cpu: a request keeps the worker busy for %.0f ms, so %.2f of them a second",
                busySeconds * 1e3,
                perSecond));
        Seen[] seen = {new Seen(), new Seen(), new Seen(), new Seen()};
        double soloTokens = 0;
        double servedTokens = 0;
        double nicedSoloTokens = 0;
        double soloSeconds = 0;
        Duration solo = window.multipliedBy(CpuLoad.TURNS).dividedBy(3);
        for (int round = 0; round < rounds; round++) {
            for (int turn = 0; turn < CpuLoad.TURNS; turn++) {
                turn(seen, perSecond, round, turn, niced);
            }
            setting.progress("cpu: round " + (round + 1) + " of " + rounds + ", the batch alone, all ways");
            soloTokens += load.batch(ServiceClass.BEST_EFFORT, 1, solo, CpuLoad.Work.NONE);
            Thread.sleep(CpuLoad.REST);
            servedTokens += load.batch(ServiceClass.LATENCY_CRITICAL, 1, solo, CpuLoad.Work.NONE);
            Thread.sleep(CpuLoad.REST);
            nicedSoloTokens += niced(niced, solo);
            soloSeconds += solo.toNanos() / 1e9;
        }
        rows(seen, soloTokens / soloSeconds, servedTokens / soloSeconds, nicedSoloTokens / soloSeconds);
    }

    /** All ways one after the other, each turn from another one on. */
    private void turn(Seen[] seen, double perSecond, int round, int turn, NicedBatch niced)
            throws InterruptedException {
        for (int place = 0; place < seen.length; place++) {
            Beside beside = Beside.values()[(place + turn) % seen.length];
            setting.progress(
                    "cpu: round " + (round + 1) + " of " + rounds + ", turn " + (turn + 1) + " of " + CpuLoad.TURNS
                            + ", interactive requests beside "
                            + beside.name().toLowerCase(Locale.ROOT).replace('_', ' '));
            one(seen[beside.ordinal()], beside, perSecond, (long) round * CpuLoad.TURNS + turn, niced);
        }
    }

    private void one(Seen seen, Beside beside, double perSecond, long seed, NicedBatch niced)
            throws InterruptedException {
        List<RequestOutcome> outcomes = new ArrayList<>();
        CpuLoad.Work interactive = () -> outcomes.addAll(load.poisson(perSecond, seed));
        switch (beside) {
            case NOTHING, NOTHING_AGAIN -> interactive.run();
            case BEST_EFFORT -> seen.batchTokens += load.batch(ServiceClass.BEST_EFFORT, 1, window, interactive);
            case LOW_PRIORITY -> {
                long before = niced.tokens();
                niced.go();
                interactive.run();
                seen.batchTokens += niced.tokens() - before;
                niced.stop();
            }
        }
        Thread.sleep(CpuLoad.REST);
        seen.seconds += window.toNanos() / 1e9;
        seen.requests.add(outcomes);
    }

    private double niced(NicedBatch niced, Duration duration) throws InterruptedException {
        long before = niced.tokens();
        niced.go();
        Thread.sleep(duration);
        long made = niced.tokens() - before;
        niced.stop();
        Thread.sleep(CpuLoad.REST);
        return made;
    }

    private void rows(Seen[] seen, double solo, double served, double nicedSolo) {
        Seen alone = seen[Beside.NOTHING.ordinal()];
        Seen ours = seen[Beside.BEST_EFFORT.ordinal()];
        Seen plain = seen[Beside.LOW_PRIORITY.ordinal()];
        Seen again = seen[Beside.NOTHING_AGAIN.ordinal()];
        for (double percent : new double[] {50, 99}) {
            String target = percent == 99 ? "<= 1.1" : null;
            row("response", ours, alone, of -> of.response, percent, target);
            row("response_beside_low_priority", plain, alone, of -> of.response, percent, null);
            row("response_alone_again", again, alone, of -> of.response, percent, null);
            row("token_gap", ours, alone, of -> of.gap, percent, null);
            row("token_gap_beside_low_priority", plain, alone, of -> of.gap, percent, null);
        }
        // Where the time goes: what a request's steps computed on average, and how long they waited for the device.
        row("step_compute", ours, alone, of -> of.compute, 50, null);
        row("step_compute_beside_low_priority", plain, alone, of -> of.compute, 50, null);
        row("step_queue", ours, alone, of -> of.queue, 50, null);
        row("step_queue_beside_low_priority", plain, alone, of -> of.queue, 50, null);
        report.add("sharing.cpu.batch_alone", "tokens/s", solo, served, ">= 0.7");
        report.add("sharing.cpu.batch_throughput", "tokens/s", ours.batchRate(), solo, null);
        report.add("sharing.cpu.batch_throughput_low_priority", "tokens/s", plain.batchRate(), nicedSolo, null);
        report.note(String.format(
                Locale.ROOT,
                "cpu: one worker with the shape of a 135M model (vocabulary 49,152) on %d threads, broker and router on the same cores; %d"
                        + " interactive requests each way (%d tokens after a prompt of %d) in %d rounds of %d times %.1f s, Poisson; busy"
                        + " time of the requests' own steps alone %.2f of the time; batch: %d texts at once of %d tokens"
                        + " after a prompt of %d; low priority: the same batch in a process with nice 19 on the same model"
                        + " and threads; baseline of latencies: alone in the same run; of throughputs: the batch alone, and of that: the same requests as"
                        + " latency-critical work of the same stack",
                THREADS,
                alone.requests.response.size(),
                CpuLoad.TOKENS,
                CpuLoad.PROMPT,
                rounds,
                CpuLoad.TURNS,
                window.toMillis() / 1e3,
                alone.requests.busySeconds / alone.seconds,
                BatchShape.SESSIONS,
                BatchShape.TOKENS,
                BatchShape.PROMPT));
    }

    private void row(
            String name,
            Seen seen,
            Seen alone,
            Function<InteractiveSeen, List<Double>> figure,
            double percent,
            String target) {
        report.add(
                String.format(Locale.ROOT, "sharing.cpu.%s.p%.0f", name, percent),
                "ms",
                InteractiveSeen.percentile(figure.apply(seen.requests), percent),
                InteractiveSeen.percentile(figure.apply(alone.requests), percent),
                target);
    }
}

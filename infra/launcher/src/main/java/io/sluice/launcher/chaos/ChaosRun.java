package io.sluice.launcher.chaos;

import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.worker.device.DeviceSpec;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/** One chaos run from start to verdict. Runs once. */
final class ChaosRun {
    private static final long REPORT_SECONDS = 10;
    private static final long LOOK_MS = 500;
    /** A cold JVM holds a third less than one that has served: its level is what it holds when warm. */
    private static final Duration WARM_UP = Duration.ofMinutes(1);

    private final Setting setting;
    private final Progress progress;
    private final PrintStream out;

    /**
     * What is run.
     *
     * @param perSecond requests a second
     * @param jobItems items of the offline job that is sent every minute; 0: none is
     * @param quietSeconds most time for what is open when all is healed
     */
    record Setting(
            FaultSchedule.Rule rule,
            long seed,
            double perSecond,
            int maxTokens,
            int jobItems,
            long quietSeconds,
            DeviceSpec device,
            Path data) {}

    /** @param out takes the schedule */
    ChaosRun(Setting setting, Progress progress, PrintStream out) {
        this.setting = setting;
        this.progress = progress;
        this.out = out;
    }

    ChaosReport run() throws InterruptedException {
        FaultSchedule schedule = FaultSchedule.draw(setting.seed(), setting.rule());
        out.printf(
                Locale.ROOT,
                "schedule of seed %d: %d faults in %.1f min%n",
                setting.seed(),
                schedule.faults().size(),
                setting.rule().minutes());
        schedule.faults().forEach(fault -> out.println("  " + fault));
        try (EmbeddedStack stack = EmbeddedStack.start(ChaosStack.config(setting.data(), setting.device()), progress)) {
            // Ctrl-C ends the JVM without leaving this block; closing twice does no harm.
            Thread stop = new Thread(stack::close, "stop");
            Runtime.getRuntime().addShutdownHook(stop);
            ChaosReport report = run(stack, schedule);
            progress.step("stack", "stopping");
            return report;
        }
    }

    private ChaosReport run(EmbeddedStack stack, FaultSchedule schedule) throws InterruptedException {
        String runId = "chaos" + Long.toString(System.currentTimeMillis(), 36);
        try (ChaosJobs jobs = new ChaosJobs(stack, progress, runId, setting.jobItems())) {
            return run(stack, schedule, new ChaosLoad(stack, setting.maxTokens(), setting.seed(), runId), jobs);
        }
    }

    private ChaosReport run(EmbeddedStack stack, FaultSchedule schedule, ChaosLoad load, ChaosJobs jobs)
            throws InterruptedException {
        load.rehearse();
        if (setting.jobItems() > 0) {
            jobs.rehearse();
        }
        progress.step("load", "every prompt answered once, undisturbed");
        load.warmUp(setting.perSecond(), WARM_UP);
        progress.step("load", "a minute of it undisturbed: what the stack holds now is its starting level");
        Resources before = resources(stack);

        Duration length = Duration.ofMillis(Math.round(setting.rule().minutes() * 60_000));
        Tally tally = new Tally();
        long beganNanos = System.nanoTime();
        CompletableFuture<LoadGenerator.Run> playing = beside(
                "load",
                () -> load.play(setting.perSecond(), length, Duration.ofSeconds(setting.quietSeconds()), tally));
        CompletableFuture<Void> submitting = beside("jobs", () -> {
            if (setting.jobItems() > 0) {
                jobs.play(length);
            }
            return null;
        });
        FaultRunner runner =
                new FaultRunner(stack, setting.rule().workers(), setting.rule().keepServing(), progress);
        CompletableFuture<Void> telling = tell(playing, tally, beganNanos);
        List<FaultRunner.Done> faults = runner.run(schedule, beganNanos);
        progress.step("faults", "all " + faults.size() + " healed");
        LoadGenerator.Run played = get("load", playing);
        get("jobs", submitting);
        telling.join();
        progress.step("load", "over: " + tally.line());

        List<RequestOutcome> sent =
                played.outcomes().stream().filter(RequestOutcome::sent).toList();
        Verdict verdict = quiet(stack, runner, load, sent);
        JobVerdict jobVerdict = quiet(jobs);
        Resources after = resources(stack);
        return new ChaosReport(
                setting,
                verdict,
                faults,
                new Pauses(played.outcomes()),
                before.compare(after),
                sent.size(),
                played.outcomes().size() - sent.size(),
                jobVerdict);
    }

    private static <T> CompletableFuture<T> beside(String name, Callable<T> work) {
        CompletableFuture<T> done = new CompletableFuture<>();
        Thread.ofPlatform().daemon().name("chaos-" + name).start(() -> {
            try {
                done.complete(work.call());
            } catch (Exception e) { // thrown where it is waited for
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    /** Waits until nothing is open and every worker serves, or the time for that is over; then judges. */
    private Verdict quiet(EmbeddedStack stack, FaultRunner runner, ChaosLoad load, List<RequestOutcome> outcomes)
            throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(setting.quietSeconds());
        Map<String, List<Integer>> undisturbed = load.undisturbed(outcomes);
        while (true) {
            Verdict verdict = TopicAudit.read(stack.settings(), stack.schemas(), undisturbed.keySet())
                    .judge(undisturbed);
            boolean settled = verdict.lost() + verdict.stuck() == 0 && runner.allServe();
            if (settled || System.nanoTime() - deadline >= 0) {
                return verdict;
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MS);
        }
    }

    /** Waits until every job has ended, or the time for that is over; then judges. */
    private JobVerdict quiet(ChaosJobs jobs) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(setting.quietSeconds());
        while (true) {
            JobVerdict verdict = jobs.judge();
            if (verdict.lost() + verdict.stuck() == 0 || System.nanoTime() - deadline >= 0) {
                return verdict;
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MS);
        }
    }

    private static Resources resources(EmbeddedStack stack) {
        System.gc(); // of this process; the others collect when they like
        return Resources.of(stack);
    }

    private CompletableFuture<Void> tell(CompletableFuture<?> until, Tally tally, long beganNanos) {
        return CompletableFuture.runAsync(
                () -> {
                    while (!until.isDone()) {
                        try {
                            until.get(REPORT_SECONDS, TimeUnit.SECONDS);
                        } catch (TimeoutException e) {
                            progress.step(
                                    "load",
                                    String.format(
                                            Locale.ROOT,
                                            "%.0f s: %s",
                                            (System.nanoTime() - beganNanos) / 1e9,
                                            tally.line()));
                        } catch (ExecutionException e) {
                            return; // thrown where the load is waited for
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                            return;
                        }
                    }
                },
                task -> Thread.ofPlatform().daemon().name("chaos-progress").start(task));
    }

    private static <T> T get(String name, CompletableFuture<T> done) throws InterruptedException {
        try {
            return done.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(
                    "the " + name + " broke off: " + e.getCause().getMessage(), e.getCause());
        }
    }

    /** Counts what has come so far. */
    private static final class Tally implements LoadGenerator.Listener {
        private final AtomicInteger tokens = new AtomicInteger();
        private final AtomicInteger completed = new AtomicInteger();
        private final AtomicInteger failed = new AtomicInteger();
        private volatile int planned;

        @Override
        public void onToken(RequestOutcome outcome, io.sluice.records.Token token) {
            tokens.incrementAndGet();
        }

        @Override
        public void onEnd(RequestOutcome outcome, int ended, int total) {
            planned = total;
            (outcome.completed() ? completed : failed).incrementAndGet();
        }

        String line() {
            return completed + " of " + planned + " requests completed, " + failed + " ended in an error, " + tokens
                    + " tokens";
        }
    }
}

package io.sluice.simtest;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;

/**
 * Runs many seeds, each in one thread, as many at once as asked for; what comes of them does not depend on how many. Not
 * thread-safe itself.
 */
public final class SimTest {
    private SimTest() {}

    /**
     * What to run.
     *
     * @param seeds how many, one after the other from {@code firstSeed} on
     * @param steps events with faults per seed; the quiet period that follows comes on top
     * @param threads seeds at once
     */
    public record Plan(long firstSeed, int seeds, long steps, Mutation mutation, int threads) {
        public Plan {
            Objects.requireNonNull(mutation, "mutation");
            if (seeds < 1 || steps < 1 || threads < 1) {
                throw new IllegalArgumentException(seeds + " seeds of " + steps + " steps on " + threads
                        + " threads: all three must be at least 1");
            }
        }
    }

    /**
     * How far it is.
     *
     * @param done seeds that have ended
     * @param violations among them
     */
    public record Progress(int done, int seeds, int violations, double elapsedSeconds) {}

    /** Runs the plan; {@code watcher} is told from several threads, once per seed. */
    public static SimReport run(Plan plan, Consumer<Progress> watcher) {
        long began = System.nanoTime();
        AtomicReferenceArray<SeedRun.Result> results = new AtomicReferenceArray<>(plan.seeds());
        AtomicInteger next = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        AtomicInteger violations = new AtomicInteger();
        AtomicReference<Throwable> broken = new AtomicReference<>();
        Runnable worker = () -> {
            for (int at = next.getAndIncrement();
                    at < plan.seeds() && broken.get() == null;
                    at = next.getAndIncrement()) {
                SeedRun.Result result = SeedRun.run(plan.firstSeed() + at, plan.steps(), plan.mutation());
                results.set(at, result);
                int bad = violations.addAndGet(result.violation() == null ? 0 : 1);
                watcher.accept(
                        new Progress(done.incrementAndGet(), plan.seeds(), bad, (System.nanoTime() - began) / 1e9));
            }
        };
        Thread[] threads = new Thread[Math.min(plan.threads(), plan.seeds())];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = Thread.ofPlatform().name("simtest-" + i).daemon().unstarted(worker);
            threads[i].setUncaughtExceptionHandler((thread, error) -> broken.compareAndSet(null, error));
            threads[i].start();
        }
        for (Thread thread : threads) {
            join(thread);
        }
        if (broken.get() != null) {
            throw new IllegalStateException("the simulation itself failed: " + broken.get(), broken.get());
        }
        SimReport report = new SimReport(plan);
        for (int i = 0; i < plan.seeds(); i++) {
            report.add(results.get(i));
        }
        report.took((System.nanoTime() - began) / 1e9);
        return report;
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while seeds ran", e);
        }
    }
}

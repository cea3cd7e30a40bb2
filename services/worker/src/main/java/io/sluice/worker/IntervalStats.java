package io.sluice.worker;

import io.sluice.records.ClassLatency;
import io.sluice.records.ServiceClass;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * What the compute thread did since the last look: the content of a GPU telemetry record. Written by the compute
 * thread, read by the telemetry thread; every method holds the lock for a moment only. Waiting out an emulated
 * device's pace counts as busy.
 */
final class IntervalStats {
    /** Samples kept per service class and interval; beyond it the oldest are overwritten. */
    private static final int SAMPLES = 2_048;

    private final Map<ServiceClass, Samples> samples = new EnumMap<>(ServiceClass.class);
    private long busyDoneNanos;
    private long runningSinceNanos;
    private boolean running;
    /** Whether what runs is best-effort work. */
    private boolean slice;

    private long slicesDoneNanos;
    private long busySeenNanos;
    private long prefillTokens;
    private long decodeTokens;
    private long batches;
    private int queueChunks;
    private int sessions;
    private long kvUsedTokens;

    synchronized void batchStarted(long nowNanos) {
        running = true;
        slice = false;
        runningSinceNanos = nowNanos;
    }

    /** A slice of best-effort work runs: the device is busy, but tells nothing of how fast it serves. */
    synchronized void sliceStarted(long nowNanos) {
        batchStarted(nowNanos);
        slice = true;
    }

    /** It has ended, or rests. */
    synchronized void sliceEnded(long nowNanos) {
        slicesDoneNanos += nowNanos - runningSinceNanos;
        batchRests(nowNanos);
    }

    /** The batch rests before it is done: others may run. */
    synchronized void batchRests(long nowNanos) {
        running = false;
        busyDoneNanos += nowNanos - runningSinceNanos;
    }

    synchronized void batchDone(long nowNanos, int prefill, int decode) {
        batchRests(nowNanos);
        prefillTokens += prefill;
        decodeTokens += decode;
        batches++;
    }

    synchronized void step(ServiceClass serviceClass, long queueMicros, long computeMicros) {
        samples.computeIfAbsent(serviceClass, key -> new Samples()).add(queueMicros, computeMicros);
    }

    synchronized void levels(int queueChunks, int sessions, long kvUsedTokens) {
        this.queueChunks = queueChunks;
        this.sessions = sessions;
        this.kvUsedTokens = kvUsedTokens;
    }

    synchronized int queueChunks() {
        return queueChunks;
    }

    synchronized int sessions() {
        return sessions;
    }

    synchronized long kvUsedTokens() {
        return kvUsedTokens;
    }

    /** Busy time since the start, a running batch included, nanoseconds. */
    synchronized long busyNanos(long nowNanos) {
        return busyDoneNanos + (running ? Math.max(0, nowNanos - runningSinceNanos) : 0);
    }

    /** Part of the busy time that was best-effort work, nanoseconds. */
    synchronized long slicesNanos(long nowNanos) {
        return slicesDoneNanos + (running && slice ? Math.max(0, nowNanos - runningSinceNanos) : 0);
    }

    /**
     * Takes what has gathered since the last call; levels stay. Busy time, tokens and batches are those of
     * latency-critical work: by them the planner tells how fast the worker is and what passes through it.
     */
    synchronized Interval take(long nowNanos) {
        // The compute thread reads the clock a little before it says that a batch is done: what was counted here for a
        // batch
        // under way may be more than it took, and is then missing from the next interval, never below zero.
        long busy = Math.max(busySeenNanos, busyNanos(nowNanos) - slicesNanos(nowNanos));
        List<ClassLatency> classes = new ArrayList<>(samples.size());
        samples.forEach((serviceClass, taken) -> classes.add(taken.summary(serviceClass)));
        Interval interval = new Interval(
                (busy - busySeenNanos) / 1_000,
                prefillTokens,
                decodeTokens,
                batches,
                queueChunks,
                sessions,
                kvUsedTokens,
                classes);
        busySeenNanos = busy;
        prefillTokens = 0;
        decodeTokens = 0;
        batches = 0;
        samples.clear();
        return interval;
    }

    /** One interval's figures; names and units as in the GPU telemetry record. */
    record Interval(
            long busyMicros,
            long prefillTokens,
            long decodeTokens,
            long batches,
            int queueChunks,
            int sessions,
            long kvUsedTokens,
            List<ClassLatency> classes) {}

    private static final class Samples {
        private final long[] queueMicros = new long[SAMPLES];
        private final long[] computeMicros = new long[SAMPLES];
        private final long[] responseMicros = new long[SAMPLES];
        private long steps;

        void add(long queue, long compute) {
            int slot = (int) (steps++ % SAMPLES);
            queueMicros[slot] = queue;
            computeMicros[slot] = compute;
            responseMicros[slot] = queue + compute;
        }

        ClassLatency summary(ServiceClass serviceClass) {
            int count = (int) Math.min(steps, SAMPLES);
            Arrays.sort(queueMicros, 0, count);
            Arrays.sort(computeMicros, 0, count);
            Arrays.sort(responseMicros, 0, count);
            return new ClassLatency(
                    serviceClass,
                    steps,
                    quantile(queueMicros, count, 0.5),
                    quantile(queueMicros, count, 0.99),
                    quantile(computeMicros, count, 0.5),
                    quantile(computeMicros, count, 0.99),
                    quantile(responseMicros, count, 0.5),
                    quantile(responseMicros, count, 0.99));
        }

        private static long quantile(long[] sorted, int count, double q) {
            return sorted[(int) Math.ceil(q * count) - 1];
        }
    }
}

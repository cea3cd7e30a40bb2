package io.sluice.worker;

import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * The thread that computes: takes what other threads hand over, runs batches while anything is ready, and parks
 * otherwise. It wakes up as soon as something is handed over; there is no polling interval. A slice of best-effort work
 * ends after the layer during which something is handed over, or in the middle of it where the device can do that.
 */
final class ComputeThread {
    /** Records that may wait; a full inbox holds up the consumer thread, and the rest stays in the topic. */
    private static final int INBOX = 4_096;

    private static final long SWEEP_NANOS = 1_000_000_000L;

    private final BlockingQueue<Inbound> inbox = new ArrayBlockingQueue<>(INBOX);
    /** Reports must never block: the compute thread itself may make them. */
    private final ConcurrentLinkedQueue<Inbound.Undelivered> reports = new ConcurrentLinkedQueue<>();

    private final LongSupplier nanos;
    private volatile boolean closed;
    /** Who runs the loop; the device may have parked it. */
    private volatile Thread runner;

    ComputeThread(LongSupplier nanos) {
        this.nanos = Objects.requireNonNull(nanos, "nanos");
    }

    /** Hands over; blocks while the inbox is full, unless closed. */
    void put(Inbound inbound) {
        try {
            while (!closed && !inbox.offer(inbound, 1, TimeUnit.SECONDS)) {
                // the compute thread is behind: wait on
            }
            LockSupport.unpark(runner);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Reports what could not be sent; never blocks. */
    void report(Inbound.Undelivered undelivered) {
        reports.add(undelivered);
        wake();
    }

    /** Makes the loop look again whether anything may run; never blocks. */
    void wake() {
        inbox.offer(new Inbound.WakeUp());
        LockSupport.unpark(runner);
    }

    /** Runs {@code loop} until {@link #close}. */
    void run(StageLoop loop) {
        runner = Thread.currentThread();
        long nextSweep = nanos.getAsLong() + SWEEP_NANOS;
        try {
            while (!closed) {
                long untilSweep = nextSweep - nanos.getAsLong();
                if (untilSweep <= 0) {
                    loop.sweep();
                    nextSweep = nanos.getAsLong() + SWEEP_NANOS;
                    continue;
                }
                long wait = Math.min(untilSweep, loop.untilReadyNanos());
                Inbound inbound = wait == 0 ? inbox.poll() : inbox.poll(wait, TimeUnit.NANOSECONDS);
                for (; inbound != null; inbound = inbox.poll()) {
                    loop.accept(inbound);
                }
                for (Inbound report = reports.poll(); report != null; report = reports.poll()) {
                    loop.accept(report);
                }
                loop.step(this::somethingCame);
                loop.publishLevels(inbox.size());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean somethingCame() {
        return closed || !inbox.isEmpty() || !reports.isEmpty();
    }

    /** Makes {@link #run} return after the batch at hand. */
    void close() {
        closed = true;
        wake();
    }
}

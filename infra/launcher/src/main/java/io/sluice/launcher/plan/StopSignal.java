package io.sluice.launcher.plan;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns Ctrl-C (and a termination signal) into "stop searching": the command finishes with the best so far and the process
 * ends with status 0. A second Ctrl-C ends it at once, as always. Thread-safe.
 */
final class StopSignal implements AutoCloseable {
    private static final long GRACE_SECONDS = 60;

    private final CountDownLatch released = new CountDownLatch(1);
    private final Thread hook = new Thread(this::stop, "stop-search");
    private volatile boolean stopped;
    private volatile boolean finished;

    private StopSignal() {}

    /** Listens from now on, until it is closed. */
    static StopSignal listen() {
        StopSignal signal = new StopSignal();
        Runtime.getRuntime().addShutdownHook(signal.hook);
        return signal;
    }

    /** Whether the user has had enough. */
    boolean stopped() {
        return stopped;
    }

    /** Everything was printed; a stopped process may end with status 0 now. */
    void finished() {
        finished = true;
    }

    @Override
    public void close() {
        released.countDown();
        if (!stopped) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException e) {
                // The process ends already; the hook does the rest.
                stopped = true;
            }
        }
    }

    private void stop() {
        stopped = true;
        try {
            boolean done = released.await(GRACE_SECONDS, TimeUnit.SECONDS);
            if (done && finished) {
                System.out.flush();
                System.err.flush();
                Runtime.getRuntime().halt(0);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

package io.sluice.launcher;

import java.util.concurrent.CountDownLatch;
import org.slf4j.LoggerFactory;

/** Keeps a service running in the foreground until Ctrl-C or a termination signal, then stops it in order. */
final class Foreground {
    private Foreground() {}

    /** Waits until a service ends by itself. */
    @FunctionalInterface
    interface End {
        /** @throws RuntimeException when it ended because it failed */
        void await() throws InterruptedException;
    }

    /** As {@link #runUntilStopped(AutoCloseable, End)} for a service that only a signal ends. */
    static int runUntilStopped(AutoCloseable service) throws InterruptedException {
        return runUntilStopped(service, new CountDownLatch(1)::await);
    }

    /**
     * Blocks until this process is told to end or the service has ended; closes the service then.
     *
     * @return 0 after the service ended by itself; a signal ends the process from here
     * @throws RuntimeException when the service failed
     */
    static int runUntilStopped(AutoCloseable service, End end) throws InterruptedException {
        Thread stop = new Thread(() -> close(service), "stop");
        Runtime.getRuntime().addShutdownHook(stop);
        end.await();
        return 0;
    }

    private static void close(AutoCloseable service) {
        try {
            service.close();
        } catch (Exception e) { // AutoCloseable.close
            LoggerFactory.getLogger(Foreground.class).warn("not stopped in order: {}", e.getMessage(), e);
        }
    }
}

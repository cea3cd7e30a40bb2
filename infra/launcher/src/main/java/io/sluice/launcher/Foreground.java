package io.sluice.launcher;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.LoggerFactory;

/**
 * Keeps a service running in the foreground until Ctrl-C or a termination signal, then stops it in order.
 *
 * <p>It is stopped before the JVM shuts down, not by a shutdown hook: hooks run together, and that of ONNX Runtime frees what
 * a compute thread may still be using (microsoft/onnxruntime issue 31352; seen as SIGSEGV at a worker's end). A hook remains for
 * a process that ends in another way.
 */
final class Foreground {
    private static final int INTERRUPTED = 130;

    private final AutoCloseable service;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile boolean stopping;

    private Foreground(AutoCloseable service) {
        this.service = service;
    }

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
        Foreground running = new Foreground(service);
        TerminationSignal.handle(() -> running.stop(TerminationSignal.STATUS));
        return running.await(end);
    }

    /** The same for a service to which the first termination signal is only a notice; the second ends it. */
    static int runUntilStopped(AutoCloseable service, End end, Runnable notice) throws InterruptedException {
        Foreground running = new Foreground(service);
        TerminationSignal.handle(notice, () -> running.stop(TerminationSignal.STATUS));
        return running.await(end);
    }

    private int await(End end) throws InterruptedException {
        TerminationSignal.handleInterrupt(() -> stop(INTERRUPTED));
        Runtime.getRuntime().addShutdownHook(new Thread(this::close, "stop"));
        end.await();
        if (stopping) {
            new CountDownLatch(1).await(); // the signal's thread ends the process, with its status
        }
        return 0;
    }

    /** Stops the service in order, then ends the process. */
    private void stop(int status) {
        stopping = true;
        close();
        System.exit(status);
    }

    private void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        try {
            service.close();
        } catch (Exception e) { // AutoCloseable.close
            LoggerFactory.getLogger(Foreground.class).warn("not stopped in order: {}", e.getMessage(), e);
        }
    }
}

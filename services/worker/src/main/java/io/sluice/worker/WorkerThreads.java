package io.sluice.worker;

import io.sluice.core.WorkerId;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The threads of a worker's parts: each is told to stop when its part is closed, and its failure is the worker's. Thread-safe. */
final class WorkerThreads {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerThreads.class);
    private static final Duration STOP_TIMEOUT = Duration.ofSeconds(10);

    private final WorkerId self;
    private final CloseStack parts;
    private final CompletableFuture<Void> stopped;
    private final List<Thread> vital = new CopyOnWriteArrayList<>();

    /** @param stopped completed exceptionally when a thread fails */
    WorkerThreads(WorkerId self, CloseStack parts, CompletableFuture<Void> stopped) {
        this.self = Objects.requireNonNull(self, "self");
        this.parts = Objects.requireNonNull(parts, "parts");
        this.stopped = Objects.requireNonNull(stopped, "stopped");
    }

    /** Starts a part's thread; closing the part tells it to stop and waits for it. */
    void start(String name, Runnable body, Runnable stop) {
        launch(name, body, stop);
    }

    /** The same for a thread without which the worker is not alive. */
    void startVital(String name, Runnable body, Runnable stop) {
        vital.add(launch(name, body, stop));
    }

    /** Whether all vital threads run. */
    boolean alive() {
        return vital.stream().allMatch(Thread::isAlive);
    }

    private Thread launch(String name, Runnable body, Runnable stop) {
        Thread thread = Thread.ofPlatform().daemon().name(self + "-" + name).start(() -> {
            try {
                body.run();
            } catch (Throwable e) {
                LOG.error("worker={} thread={} state=failed", self, name, e);
                stopped.completeExceptionally(e);
            }
        });
        parts.push(name + " thread", () -> {
            stop.run();
            if (!thread.join(STOP_TIMEOUT)) {
                thread.interrupt();
                thread.join(STOP_TIMEOUT);
            }
        });
        return thread;
    }
}

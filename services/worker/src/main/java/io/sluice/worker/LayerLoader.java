package io.sluice.worker;

import io.sluice.runtime.ElasticStageRunner;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ReadyLayers;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads and frees layers on a thread of its own. Closing it waits for the layer at hand and frees what was loaded and
 * never taken up. Thread-safe.
 */
final class LayerLoader implements LayerLoads, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LayerLoader.class);
    private static final Duration STOP_TIMEOUT = Duration.ofMinutes(2);

    private final ElasticStageRunner runner;
    private final Supplier<TokenStep> openTokens;
    private final Consumer<Outcome> sink;
    private final ExecutorService thread;
    private volatile boolean closed;
    private Outcome handedOver;

    /**
     * @param openTokens opens what the last stage needs
     * @param sink takes outcomes to the compute thread; may block
     */
    LayerLoader(String name, ElasticStageRunner runner, Supplier<TokenStep> openTokens, Consumer<Outcome> sink) {
        this.runner = Objects.requireNonNull(runner, "runner");
        this.openTokens = Objects.requireNonNull(openTokens, "openTokens");
        this.sink = Objects.requireNonNull(sink, "sink");
        this.thread = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name(name).factory());
    }

    @Override
    public void load(HeldLayers layers, boolean withTokens) {
        thread.execute(() -> {
            if (closed) {
                return;
            }
            Outcome outcome = tryLoad(runner, openTokens, layers, withTokens);
            handedOver = outcome;
            sink.accept(outcome);
        });
    }

    @Override
    public void free(AutoCloseable part) {
        thread.execute(() -> close(part));
    }

    /** Loads in this thread; nothing is left behind when it fails. */
    static Outcome tryLoad(
            ElasticStageRunner runner, Supplier<TokenStep> openTokens, HeldLayers layers, boolean withTokens) {
        ReadyLayers ready = null;
        try {
            ready = runner.load(layers);
            return new Outcome(ready, withTokens ? openTokens.get() : null, null);
        } catch (RuntimeException | Error e) {
            close(ready);
            return Outcome.failed(e.getMessage() == null ? e.toString() : e.getMessage());
        }
    }

    @Override
    public void close() {
        closed = true;
        thread.shutdownNow().forEach(Runnable::run); // what was still to be freed
        try {
            if (!thread.awaitTermination(STOP_TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                LOG.warn("thread=loader state=still_running after={}", STOP_TIMEOUT);
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        boolean takenUp = handedOver == null
                || handedOver.layers() == null
                || handedOver.layers().layers().isEmpty();
        if (!takenUp) {
            close(handedOver.layers());
            close(handedOver.tokens());
        }
    }

    private static void close(AutoCloseable part) {
        if (part == null) {
            return;
        }
        try {
            part.close();
        } catch (Exception e) {
            LOG.warn("part={} state=close_failed reason={}", part, e.getMessage());
        }
    }
}

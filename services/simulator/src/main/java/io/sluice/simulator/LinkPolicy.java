package io.sluice.simulator;

import java.util.List;

/**
 * The queue of one directed link. The engine sends one message at a time: it takes {@code bytes / bandwidth} seconds of
 * the link and arrives after the link's latency.
 */
public interface LinkPolicy {
    void offer(Work work, double nowSeconds);

    /** Moves what the next message carries from the queue to the empty list {@code message}; nothing: queue is empty. */
    void next(List<Work> message, double nowSeconds);

    /** {@link Work#outboxNumber} of what {@link #next} would send first; {@link Long#MAX_VALUE}: queue is empty. */
    long nextNumber();

    /** Work items queued. */
    int waiting();
}

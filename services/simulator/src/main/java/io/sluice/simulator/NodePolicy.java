package io.sluice.simulator;

import java.util.function.Consumer;

/**
 * Decides what a node computes next. The engine runs one batch at a time on a node: {@link #next} when it is idle and
 * something may be ready, {@link #finish} when the batch's time is over.
 */
public interface NodePolicy {
    /** A work item arrived; {@link Work#layer} is the layer at which it enters. */
    void offer(Work work, double nowSeconds);

    /**
     * Fills the empty {@code batch} with what runs now and returns its time, seconds. An empty batch: nothing to do
     * until the next {@link #offer}.
     */
    double next(Batch batch, double nowSeconds);

    /**
     * The batch has run. Hands every work item that has passed the node's last layer to {@code leaving}, in the order in
     * which they go on; the engine sets {@link Work#layer} then. A policy may hand on parts ({@link Work#part}).
     */
    void finish(Batch batch, double nowSeconds, Consumer<Work> leaving);

    /** Work items at the door: arrived, never yet in a batch. */
    int waiting();
}

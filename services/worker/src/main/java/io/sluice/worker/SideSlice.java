package io.sluice.worker;

import io.sluice.core.sharing.RunningSlice;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Some layers of a best-effort batch on a side lane: made by the compute thread, run by the lane's, and read by the compute
 * thread when it has come back. What may be asked meanwhile is volatile.
 */
final class SideSlice {
    final BestEffortTenant tenant;
    final RestingBatch batch;
    final RunningSlice granted;
    /** Positions that a layer of it computes. */
    final int positions;

    private final BooleanSupplier mustYield;
    private final LongSupplier nanos;
    private volatile boolean stopped;
    /** 0: not yet. */
    private volatile long startNanos;

    private volatile long endNanos;
    private int units;
    private RuntimeException failure;
    /** When it was asked to stop because the machine had fallen idle; 0: it was not. Of the compute thread. */
    long calledBackNanos;

    SideSlice(
            BestEffortTenant tenant,
            RestingBatch batch,
            RunningSlice granted,
            int positions,
            BooleanSupplier mustYield,
            LongSupplier nanos) {
        this.tenant = Objects.requireNonNull(tenant, "tenant");
        this.batch = Objects.requireNonNull(batch, "batch");
        this.granted = Objects.requireNonNull(granted, "granted");
        this.positions = positions;
        this.mustYield = Objects.requireNonNull(mustYield, "mustYield");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
    }

    /** Advances the batch until it must stop, has no layers left or fails. Called by the lane, once. */
    void run(int lane) {
        startNanos = nanos.getAsLong();
        try {
            while (!stopped && batch.run.layersLeft() > 0 && !mustYield.getAsBoolean()) {
                units += batch.run.advanceBeside(lane, 1);
            }
        } catch (RuntimeException e) {
            failure = e;
        } catch (Error e) {
            failure = new IllegalStateException("lane " + lane + " failed: " + e, e);
            throw e;
        } finally {
            endNanos = nanos.getAsLong();
        }
    }

    /** It is to end after the layer at hand; any thread. */
    void stop() {
        stopped = true;
    }

    /** How long it ran within {@code [fromNanos, toNanos)}, ns. */
    long ranNanos(long fromNanos, long toNanos) {
        long start = startNanos;
        long end = endNanos;
        return start == 0 ? 0 : Math.max(0, Math.min(end == 0 ? toNanos : end, toNanos) - Math.max(start, fromNanos));
    }

    /** Layers done. */
    int units() {
        return units;
    }

    /** Null: it went well. */
    RuntimeException failure() {
        return failure;
    }
}

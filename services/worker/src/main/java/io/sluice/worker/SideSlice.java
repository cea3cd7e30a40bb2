package io.sluice.worker;

import io.sluice.core.sharing.RunningSlice;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Some layers of a best-effort batch on a side lane, or, in a gap, on the pool that the lane then is, some layers or some parts of
 * the head: made by the compute thread, run by the lane's, and read by the compute thread when it has come back. What may be
 * asked meanwhile is volatile.
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
    private final boolean head;
    private final List<Long> unitNanos = new ArrayList<>();
    private RuntimeException failure;
    /** When it was asked to stop because the machine had fallen idle; 0: it was not. Of the compute thread. */
    long calledBackNanos;
    /** Whether latency-critical work ran meanwhile, and for how long of its own time, ns. Of the compute thread. */
    boolean metCritical;

    long besideNanos;

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
        this.head = batch.atHead();
    }

    /** Advances the batch until it must stop, has nothing of its kind left or fails. Called by the lane, once. */
    void run(int lane) {
        startNanos = nanos.getAsLong();
        try {
            // Beside latency-critical work nobody waits for the lane; on a pool it is another tenant's turn then.
            long most = granted.pooled() ? granted.units() : Long.MAX_VALUE;
            while (!stopped && unitNanos.size() < most && unitsLeft() > 0 && !mustYield.getAsBoolean()) {
                long fromNanos = nanos.getAsLong();
                int done = head ? batch.run.advanceHeadBeside(lane, 1) : batch.run.advanceBeside(lane, 1);
                if (done == 0) {
                    break; // whoever wanted the head has left
                }
                unitNanos.add(nanos.getAsLong() - fromNanos);
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

    private int unitsLeft() {
        return head ? batch.run.headLeft() : batch.run.layersLeft();
    }

    /** It is to end after the unit at hand; any thread. */
    void stop() {
        stopped = true;
    }

    /** How long it ran within {@code [fromNanos, toNanos)}, ns. */
    long ranNanos(long fromNanos, long toNanos) {
        long start = startNanos;
        long end = endNanos;
        return start == 0 ? 0 : Math.max(0, Math.min(end == 0 ? toNanos : end, toNanos) - Math.max(start, fromNanos));
    }

    /** Whether it runs on a pool. */
    boolean pooled() {
        return granted.pooled();
    }

    /** Units done. */
    int units() {
        return unitNanos.size();
    }

    /** What the units took, each. */
    List<Long> unitNanos() {
        return List.copyOf(unitNanos);
    }

    /** Null: it went well. */
    RuntimeException failure() {
        return failure;
    }
}

package io.sluice.worker;

import io.sluice.core.sharing.GateDecision;
import io.sluice.core.sharing.RunningSlice;
import io.sluice.core.sharing.SliceOffer;
import io.sluice.core.sharing.StepSlowdown;
import io.sluice.worker.sharing.SharingControl;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * The side lanes of a worker: best-effort batches whose layers run on a core each while latency-critical batches run, and, in the
 * gaps, batches of different tenants on a core each. The compute thread hands a batch out ({@link #start}, {@link #startOnPools}) and
 * takes it back when it has come ({@link #returned}); it never waits for one but at the end. Who has come back wakes it. Owned
 * by the compute thread.
 */
final class BesideLanes implements AutoCloseable {
    private final SharingControl sharing;
    private final LongSupplier nanos;
    private final SideLane[] lanes;
    /** By lane; null: none is out. */
    private final SideSlice[] out;
    /** Filled by the lanes. */
    private final ConcurrentLinkedQueue<SideSlice> back = new ConcurrentLinkedQueue<>();
    /** Slices taken back since the step began, for its account. */
    private final List<SideSlice> ended = new ArrayList<>();
    /** When the latency-critical batch under way began; {@link Long#MAX_VALUE}: there is none. */
    private long stepNanos = Long.MAX_VALUE;

    /** @param wake makes the compute thread look again; any thread */
    BesideLanes(SharingControl sharing, LongSupplier nanos, Runnable wake, List<SideLane.Opener> openers) {
        this.sharing = Objects.requireNonNull(sharing, "sharing");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.out = new SideSlice[openers.size()];
        this.lanes = openers.stream()
                .map(opener -> opener.open(slice -> {
                    back.add(slice);
                    wake.run();
                }))
                .toArray(SideLane[]::new);
    }

    /** A worker without side lanes. */
    static BesideLanes none(SharingControl sharing, LongSupplier nanos) {
        return new BesideLanes(sharing, nanos, () -> {}, List.of());
    }

    /** Whether this worker has any. */
    boolean any() {
        return lanes.length > 0;
    }

    /** Whether a batch is out on any of them. */
    boolean busy() {
        return Arrays.stream(out).anyMatch(Objects::nonNull);
    }

    /** Whether a slice on a pool is out. */
    boolean busyOnPools() {
        return Arrays.stream(out).anyMatch(slice -> slice != null && slice.pooled());
    }

    /** Whether every lane computes; if not, none is a pool. */
    boolean allAlive() {
        return Arrays.stream(lanes).allMatch(SideLane::alive);
    }

    /** A latency-critical batch begins: what ended before it is not beside it. */
    void stepBegins(long startNanos) {
        ended.clear();
        stepNanos = startNanos;
        for (SideSlice slice : out) {
            if (slice != null) {
                slice.metCritical = true;
            }
        }
    }

    /**
     * Hands batches out on free lanes, one on each, in a gap. There must be as many.
     *
     * @param granted by the gate, for batches that have begun
     */
    void startOnPools(List<SideSlice> granted) {
        int lane = 0;
        for (SideSlice slice : granted) {
            while (out[lane] != null) {
                lane++;
            }
            out[lane] = slice;
        }
        for (int i = 0; i < lanes.length; i++) {
            if (out[i] != null && granted.contains(out[i])) {
                lanes[i].start(out[i]);
            }
        }
    }

    /**
     * Hands batches out on free lanes, as many as the gate lets start.
     *
     * @param offers what could run there, each of another tenant; empty lists cost nothing
     * @param batch the batch of an offer, begun if need be; null: it cannot be computed, which has been seen to
     */
    void start(
            List<SliceOffer> offers,
            Function<SliceOffer, RestingBatch> batch,
            Function<SliceOffer, BestEffortTenant> of) {
        List<SliceOffer> left = new ArrayList<>(offers);
        List<Integer> started = new ArrayList<>();
        for (int lane = 0; lane < lanes.length && !left.isEmpty(); lane++) {
            if (out[lane] != null || !lanes[lane].alive()) {
                continue;
            }
            if (!(sharing.nextBeside(left, nanos.getAsLong()) instanceof GateDecision.Start start)) {
                break;
            }
            RunningSlice granted = start.slice();
            SliceOffer chosen = left.stream()
                    .filter(offer -> offer.tenant().equals(granted.tenant()))
                    .findFirst()
                    .orElseThrow();
            left.remove(chosen);
            RestingBatch its = batch.apply(chosen);
            if (its == null) {
                sharing.besideEnded(granted, 0, 0, 0, 0, nanos.getAsLong());
                continue;
            }
            SideSlice slice = new SideSlice(
                    of.apply(chosen),
                    its,
                    granted,
                    its.positions(),
                    () -> sharing.mustYield(granted, nanos.getAsLong()),
                    nanos);
            out[lane] = slice;
            started.add(lane);
        }
        // Not before all are begun, which would wait for the layers of those that run.
        started.forEach(lane -> lanes[lane].start(out[lane]));
    }

    /** What is out comes back after its unit: the machine has fallen idle, so that the gaps take it, or a step runs alone. */
    void callBack() {
        callBack(true);
    }

    /** The same, where {@code pools} says whether that goes for slices on pools, too. */
    void callBack(boolean pools) {
        for (SideSlice slice : out) {
            if (slice != null && slice.calledBackNanos == 0 && (pools || !slice.pooled())) {
                slice.calledBackNanos = nanos.getAsLong();
                slice.stop();
            }
        }
    }

    /** Slices that have come back since the last call. */
    List<SideSlice> returned() {
        List<SideSlice> slices = new ArrayList<>();
        for (SideSlice slice = back.poll(); slice != null; slice = back.poll()) {
            long now = nanos.getAsLong();
            for (int lane = 0; lane < out.length; lane++) {
                out[lane] = out[lane] == slice ? null : out[lane];
            }
            long kept = slice.calledBackNanos == 0 ? 0 : Math.max(0, now - slice.calledBackNanos);
            long ran = slice.ranNanos(Long.MIN_VALUE, now);
            slice.batch.computeNanos += ran;
            if (slice.pooled()) {
                poolEnded(slice, ran, now);
            } else {
                sharing.besideEnded(slice.granted, slice.units(), slice.positions, ran, kept, now);
            }
            ended.add(slice);
            slices.add(slice);
        }
        return slices;
    }

    /** What of it ran while a latency-critical batch did was beside that one, and tells nothing of the pool. */
    private void poolEnded(SideSlice slice, long ran, long now) {
        double beside = ran == 0 ? 0 : Math.min(1, (double) (slice.besideNanos + besideNow(slice, now)) / ran);
        sharing.sliceEnded(
                slice.granted, slice.units(), WholeSlice.usual(slice.unitNanos()), slice.positions, beside, now);
        if (!slice.metCritical) {
            sharing.groupRan(
                    slice.tenant.id, slice.batch.group(), 1, slice.units() * (double) slice.positions, sum(slice));
        }
    }

    private long besideNow(SideSlice slice, long now) {
        return stepNanos < now ? slice.ranNanos(stepNanos, now) : 0;
    }

    private static long sum(SideSlice slice) {
        return slice.unitNanos().stream().mapToLong(Long::longValue).sum();
    }

    /** A latency-critical batch that ran from {@code startNanos} to {@code endNanos} has ended; see {@link SharingControl#stepEnded}. */
    double stepEnded(StepSlowdown.Kind kind, long startNanos, long endNanos) {
        int count = 0;
        long beside = 0;
        for (SideSlice slice : slicesOfStep()) {
            long ran = slice.ranNanos(startNanos, endNanos);
            slice.besideNanos += ran;
            beside += ran;
            count += ran > 0 ? 1 : 0;
        }
        stepNanos = Long.MAX_VALUE;
        return sharing.stepEnded(kind, endNanos - startNanos, Math.min(count, lanes.length), beside);
    }

    private List<SideSlice> slicesOfStep() {
        List<SideSlice> all = new ArrayList<>(ended);
        Arrays.stream(out).filter(Objects::nonNull).forEach(all::add);
        return all;
    }

    /** Ends the lanes; what is out comes back first, and stays where it is. */
    @Override
    public void close() {
        callBack();
        for (SideLane lane : lanes) {
            lane.close();
        }
    }
}

package io.sluice.worker;

import io.sluice.core.sharing.SliceSizing;
import io.sluice.worker.SliceKind.Phase;
import io.sluice.worker.sharing.SharingControl;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What each best-effort tenant would run next, and how large: batches are so small that a layer fits the slice bound, as far as
 * is known ({@link SliceSizing}). Owned by the compute thread.
 */
final class NextBatches {
    /** Batches under way at once, each of another tenant; their hidden states stay in memory. */
    static final int RESTING_MAX = 8;
    /** Smallest part of a prompt. */
    private static final int LEAST_POSITIONS = 4;
    /** A batch under way is begun anew when a layer of it takes so many bounds: what it has done is lost then. */
    private static final double TOO_LARGE = 2;

    private final BestEffortQueue queue;
    private final SharingControl sharing;
    private final boolean exactRebuild;
    private final String model;

    NextBatches(BestEffortQueue queue, SharingControl sharing, boolean exactRebuild, String model) {
        this.queue = Objects.requireNonNull(queue, "queue");
        this.sharing = Objects.requireNonNull(sharing, "sharing");
        this.exactRebuild = exactRebuild;
        this.model = Objects.requireNonNull(model, "model");
    }

    /**
     * Whether batches of at least two tenants are to run on a core each. One that has nobody beside it gets the whole device.
     */
    boolean sideBySide(boolean holdPrompts, long nowNanos) {
        int count = 0;
        for (BestEffortTenant tenant : queue.tenants()) {
            String group = group(tenant, holdPrompts);
            if (group != null
                    && sharing.sliceBoundNanos(tenant.id, nowNanos) > 0
                    && sharing.onPool(tenant.id, group, nowNanos)) {
                count++;
            }
        }
        return count > 1;
    }

    /** The kernel group of its batch, under way or next; null: it has nothing to run. */
    private String group(BestEffortTenant tenant, boolean holdPrompts) {
        if (tenant.resting != null) {
            return tenant.resting.group();
        }
        List<Work> ready = tenant.upcoming(holdPrompts);
        return ready.isEmpty() ? null : SliceKind.phase(ready, exactRebuild).word();
    }

    /**
     * At most one of each tenant, of those whose batch is on no lane.
     *
     * @param sideBySide whether batches may be for a core each
     */
    List<NextBatch> look(boolean holdPrompts, boolean sideBySide, long nowNanos) {
        List<NextBatch> batches = new ArrayList<>();
        for (BestEffortTenant tenant : queue.tenants()) {
            if (tenant.out) {
                continue;
            }
            long bound = sharing.sliceBoundNanos(tenant.id, nowNanos);
            if (tenant.resting != null && isTooLarge(tenant, bound)) {
                tenant.putBackResting();
            }
            String group = sideBySide ? group(tenant, holdPrompts) : null;
            boolean pooled = group != null && sharing.onPool(tenant.id, group, nowNanos);
            if (tenant.resting != null) {
                batches.add(resting(tenant, pooled, bound));
            } else if (queue.resting() < RESTING_MAX) {
                NextBatch begins = begins(tenant, holdPrompts, pooled, bound);
                if (begins != null && pooled && !fitsCore(begins, bound)) {
                    begins = begins(tenant, holdPrompts, false, bound);
                }
                if (begins != null) {
                    batches.add(begins);
                }
            }
        }
        return batches;
    }

    private NextBatch resting(BestEffortTenant tenant, boolean pooled, long bound) {
        RestingBatch resting = tenant.resting;
        int units = Math.max(1, resting.unitsLeft());
        NextBatch next = new NextBatch(tenant, resting.next(), units, resting.positions(), 0, 0, pooled);
        return pooled && !resting.isThrough() && !fitsCore(next, bound)
                ? new NextBatch(tenant, resting.next(), units, resting.positions(), 0, 0, false)
                : next;
    }

    /** Whether a unit is short enough on one core, as far as is known there, or by what it takes on all of them. */
    private boolean fitsCore(NextBatch batch, long bound) {
        SliceKind kind = batch.kind();
        double onCore = sharing.unitNanos(batch.tenant().id, SliceKind.poolName(model, kind.phase(), kind.size()));
        double most = onCore > 0 ? onCore : sharing.unitNanos(batch.tenant().id, kind.name(model)) * sharing.cores();
        return most <= TOO_LARGE * bound;
    }

    /** What a new batch of the tenant would be; null: nothing is ready. */
    private NextBatch begins(BestEffortTenant tenant, boolean holdPrompts, boolean pooled, long bound) {
        List<Work> ready = tenant.upcoming(holdPrompts);
        if (ready.isEmpty()) {
            return null;
        }
        Phase phase = SliceKind.phase(ready, exactRebuild);
        int rows = most(tenant, Phase.DECODE, 1, BestEffortTenant.ROWS_MAX, pooled, bound);
        if (phase == Phase.DECODE) {
            List<Work> batch = ready.subList(0, Math.min(rows, ready.size()));
            return begins(tenant, batch, batch.size(), rows, LEAST_POSITIONS, pooled);
        }
        int count = ready.getFirst().chunk().count();
        int positions = most(tenant, phase, LEAST_POSITIONS, SliceSizing.sizeClass(count), pooled, bound);
        List<Work> batch = List.of(ready.getFirst());
        return begins(tenant, batch, BestEffortTenant.part(count, positions), rows, positions, pooled);
    }

    private NextBatch begins(
            BestEffortTenant tenant, List<Work> works, int computes, int rows, int positions, boolean pooled) {
        Phase phase = SliceKind.phase(works, exactRebuild);
        int first = works.stream().mapToInt(work -> work.layers().first()).min().orElseThrow();
        int end = works.stream().mapToInt(work -> work.layers().end()).max().orElseThrow();
        SliceKind kind = new SliceKind(phase, SliceSizing.sizeClass(computes));
        return new NextBatch(tenant, kind, end - first, computes, rows, positions, pooled);
    }

    /** Whether a layer of the batch under way no longer fits, and smaller batches could. */
    private boolean isTooLarge(BestEffortTenant tenant, long bound) {
        SliceKind kind = tenant.resting.layers;
        int least = kind.phase() == Phase.DECODE ? 1 : LEAST_POSITIONS;
        return bound > 0
                && !tenant.resting.atHead()
                && kind.size() > least
                && sharing.unitNanos(tenant.id, kind.name(model)) > TOO_LARGE * bound;
    }

    private int most(BestEffortTenant tenant, Phase phase, int least, int most, boolean pooled, long bound) {
        return SliceSizing.fitting(
                least,
                most,
                bound,
                tenant.triesAgain(),
                size -> sharing.unitNanos(
                        tenant.id,
                        pooled ? SliceKind.poolName(model, phase, size) : SliceKind.name(model, phase, size)));
    }
}

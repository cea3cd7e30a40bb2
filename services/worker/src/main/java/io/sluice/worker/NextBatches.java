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

    /** At most one of each tenant, of those whose batch is on no lane. */
    List<NextBatch> look(boolean holdPrompts, long nowNanos) {
        List<NextBatch> batches = new ArrayList<>();
        for (BestEffortTenant tenant : queue.tenants()) {
            if (tenant.out) {
                continue;
            }
            long bound = sharing.sliceBoundNanos(tenant.id, nowNanos);
            int rows = most(tenant, Phase.DECODE, 1, BestEffortTenant.ROWS_MAX, bound);
            if (tenant.resting != null && isTooLarge(tenant, bound)) {
                tenant.putBackResting();
            }
            RestingBatch resting = tenant.resting;
            if (resting != null) {
                batches.add(new NextBatch(
                        tenant, resting.next(), Math.max(1, resting.unitsLeft()), resting.positions(), rows, 0));
            } else if (queue.resting() < RESTING_MAX) {
                NextBatch begins = begins(tenant, holdPrompts, rows, bound);
                if (begins != null) {
                    batches.add(begins);
                }
            }
        }
        return batches;
    }

    /** What a new batch of the tenant would be; null: nothing is ready. */
    private NextBatch begins(BestEffortTenant tenant, boolean holdPrompts, int rows, long bound) {
        List<Work> ready = tenant.upcoming(holdPrompts);
        if (ready.isEmpty()) {
            return null;
        }
        Phase phase = SliceKind.phase(ready, exactRebuild);
        if (phase == Phase.DECODE) {
            List<Work> batch = ready.subList(0, Math.min(rows, ready.size()));
            return begins(tenant, batch, batch.size(), rows, LEAST_POSITIONS);
        }
        int count = ready.getFirst().chunk().count();
        int positions = most(tenant, phase, LEAST_POSITIONS, SliceSizing.sizeClass(count), bound);
        return begins(tenant, List.of(ready.getFirst()), BestEffortTenant.part(count, positions), rows, positions);
    }

    private NextBatch begins(BestEffortTenant tenant, List<Work> works, int computes, int rows, int positions) {
        Phase phase = SliceKind.phase(works, exactRebuild);
        int first = works.stream().mapToInt(work -> work.layers().first()).min().orElseThrow();
        int end = works.stream().mapToInt(work -> work.layers().end()).max().orElseThrow();
        SliceKind kind = new SliceKind(phase, SliceSizing.sizeClass(computes));
        return new NextBatch(tenant, kind, end - first, computes, rows, positions);
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

    private int most(BestEffortTenant tenant, Phase phase, int least, int most, long bound) {
        return SliceSizing.fitting(
                least,
                most,
                bound,
                tenant.triesAgain(),
                size -> sharing.unitNanos(tenant.id, SliceKind.name(model, phase, size)));
    }
}

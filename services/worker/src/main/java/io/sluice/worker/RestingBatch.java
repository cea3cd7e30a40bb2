package io.sluice.worker;

import io.sluice.core.sharing.SliceSizing;
import io.sluice.runtime.StageRunner.StageRun;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** A best-effort batch under way, which rests between slices. Mutable; owned by the compute thread. */
final class RestingBatch {
    final StageRun run;
    /** What it is of, as the runner has them; those of sessions that have left among them. */
    final List<Work> works;

    final SliceKind layers;
    /** What it has computed so far, nanoseconds. */
    long computeNanos;
    /** What the device still has to do of the layer computed last, nanoseconds; 0: nothing. */
    long owedNanos;
    /** What the unit under way has taken so far, nanoseconds. */
    long unitNanos;

    private final List<StageSession> gone = new ArrayList<>();
    /** What a part of its head is; null until it has come there. */
    private SliceKind head;

    /** @param layers what a layer of it is */
    RestingBatch(StageRun run, List<Work> works, SliceKind layers) {
        this.run = Objects.requireNonNull(run, "run");
        this.works = List.copyOf(works);
        this.layers = Objects.requireNonNull(layers, "layers");
    }

    /** A session has ended, or begun anew: its work counts no longer; true when there is none left. */
    boolean leave(StageSession session) {
        for (Work work : works) {
            if (work.session() == session && !gone.contains(session)) {
                gone.add(session);
                run.drop(session.slot);
            }
        }
        boolean empty = counting().isEmpty();
        if (empty) {
            run.abandon();
        }
        return empty;
    }

    boolean counts(Work work) {
        return !gone.contains(work.session());
    }

    /** The works of sessions that are still there. */
    List<Work> counting() {
        return works.stream().filter(this::counts).toList();
    }

    void abandon() {
        run.abandon();
    }

    /** Whether all layers are done and the head, if anything, is to come. */
    boolean atHead() {
        return run.layersLeft() == 0 && owedNanos == 0;
    }

    /** What its next unit is; the same for all parts of the head, whoever leaves between them. */
    SliceKind next() {
        if (!atHead()) {
            return layers;
        }
        if (head == null) {
            int rows = (int) counting().stream().filter(Work::samples).count();
            head = new SliceKind(SliceKind.Phase.HEAD, SliceSizing.sizeClass(Math.max(1, rows)));
        }
        return head;
    }

    /** The kernel group that its units are of, the head's included. */
    String group() {
        return layers.phase().word();
    }

    /** Units before it must rest or end: layers, or parts of the head. */
    int unitsLeft() {
        return atHead() ? run.headLeft() : run.layersLeft() + (owedNanos > 0 ? 1 : 0);
    }

    /** Whether nothing is left to compute. */
    boolean isThrough() {
        return atHead() && run.headLeft() == 0;
    }

    /** Positions that a layer of it computes. */
    int positions() {
        return works.stream().mapToInt(work -> work.chunk().count()).sum();
    }
}

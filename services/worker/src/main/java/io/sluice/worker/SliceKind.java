package io.sluice.worker;

import io.sluice.core.sharing.SliceSizing;
import java.util.List;
import java.util.Locale;

/**
 * What the time of a unit of best-effort work depends on. A unit is one layer of a batch, or one part of the
 * head. Immutable.
 *
 * @param size rows or positions, rounded up to a power of two
 */
record SliceKind(Phase phase, int size) {
    enum Phase {
        /** One position of each of several sessions. */
        DECODE,
        /** Several positions of one session. */
        PREFILL,
        /** The same, attention going over them one by one. */
        STEPS,
        /** Logits of so many rows over a range of the vocabulary. */
        HEAD;

        /** As names have it; that of a batch's layers names its kernel group. */
        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What a layer of these works is. */
    static SliceKind of(List<Work> works, boolean exactRebuild) {
        int positions = works.stream().mapToInt(work -> work.chunk().count()).sum();
        return new SliceKind(phase(works, exactRebuild), SliceSizing.sizeClass(positions));
    }

    static Phase phase(List<Work> works, boolean exactRebuild) {
        Work first = works.getFirst();
        if (first.chunk().count() == 1) {
            return Phase.DECODE;
        }
        return first.asSteps(exactRebuild) ? Phase.STEPS : Phase.PREFILL;
    }

    /** The name under which its time is learnt. */
    String name(String model) {
        return name(model, phase, size);
    }

    static String name(String model, Phase phase, int size) {
        return model + "/" + phase.word() + "/" + size;
    }

    /** The name under which its time on a core of its own is learnt. */
    static String poolName(String model, Phase phase, int size) {
        return name(model, phase, size) + "/core";
    }
}

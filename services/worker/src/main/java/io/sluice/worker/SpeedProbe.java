package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * A short benchmark through the real runner when nobody waits for it: one decode, eight decodes at once, a prompt chunk. About 0.2 s;
 * on a slow model as long as a few batches take. Leaves no slot behind.
 */
final class SpeedProbe {
    private static final int SLOT_TOKENS = 128;
    private static final int PROMPT = 32;
    private static final int MAX_REPEATS = 15;
    private static final long BUDGET_NANOS = 60_000_000L;

    private final StageRunner runner;
    private final LayerRange layers;
    private final LongSupplier nanos;

    /** Over the layers served. */
    SpeedProbe(StageRunner runner, LongSupplier nanos) {
        this(runner, runner.layers(), nanos);
    }

    /** @param layers held by the runner */
    SpeedProbe(StageRunner runner, LayerRange layers, LongSupplier nanos) {
        this.runner = Objects.requireNonNull(runner, "runner");
        this.layers = Objects.requireNonNull(layers, "layers");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
    }

    CostModel measure() {
        List<KvSlot> slots = new ArrayList<>();
        try {
            int tokens = Math.min(SLOT_TOKENS, runner.model().contextLength());
            for (int i = 0; i < CostModel.TYPICAL_DECODE_BATCH; i++) {
                runner.reserve(tokens, layers).ifPresent(slots::add);
            }
            if (slots.isEmpty()) {
                throw new IllegalArgumentException(
                        "the KV cache has no room for a session of " + tokens + " tokens; raise --kv-mib");
            }
            List<KvSlot> one = slots.subList(0, 1);
            double single = median(one, 1);
            double wide = slots.size() == 1 ? 2 * single : median(slots, 1);
            double prompt = median(one, Math.max(1, Math.min(PROMPT, tokens / 4)));
            return CostModel.fit(1, single, Math.max(2, slots.size()), wide, Math.min(PROMPT, tokens / 4), prompt);
        } finally {
            slots.forEach(runner::release);
        }
    }

    /** Median time of a batch of {@code count} positions for each slot, microseconds; the first run is a warm-up. */
    private double median(List<KvSlot> slots, int count) {
        long begin = nanos.getAsLong();
        double[] micros = new double[MAX_REPEATS];
        int done = 0;
        for (int run = 0; run <= MAX_REPEATS; run++) {
            boolean room = slots.stream().allMatch(slot -> slot.length() + count <= slot.capacityTokens());
            if (!room || done > 0 && nanos.getAsLong() - begin > BUDGET_NANOS) {
                break;
            }
            long start = nanos.getAsLong();
            runner.run(slots.stream().map(slot -> input(slot, count)).toList());
            if (run > 0) {
                micros[done++] = (nanos.getAsLong() - start) / 1e3;
            }
        }
        Arrays.sort(micros, 0, done);
        return Math.max(micros[done / 2], 0.1);
    }

    private StageInput input(KvSlot slot, int count) {
        boolean first = layers.first() == 0;
        boolean last = layers.end() == runner.model().layerCount();
        FloatBuffer hidden = null;
        if (!first) {
            float[] values = new float[count * runner.model().hiddenSize()];
            Arrays.fill(values, 0.1f);
            hidden = FloatBuffer.wrap(values);
        }
        int[] ids = first ? new int[count] : null;
        return new StageInput(slot, slot.length(), count, ids, hidden, layers.first(), last);
    }
}

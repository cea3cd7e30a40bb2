package io.sluice.worker;

import io.sluice.core.batching.BatchLimits;
import io.sluice.core.batching.PrefillChunking;
import io.sluice.core.batching.SchedulingBounds;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.Workload;
import io.sluice.worker.device.Device;
import io.sluice.worker.device.EmulatedDevice;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * How many positions a prompt chunk has at this worker: what was configured; else, where the device's layer times are
 * known, by the rule that the simulated policy follows ({@link PrefillChunking}, usual prompts as in
 * {@link Workload#AZURE_CONVERSATION}); else {@link WorkerConfig#DEFAULT_PREFILL_CHUNK}, because two measured points do not
 * tell what a short chunk costs. Results have the same bits whatever the size. Thread-safe.
 */
final class PromptChunking {
    private static final int USUAL_PROMPT = (int) Math.ceil(Workload.AZURE_CONVERSATION.meanPromptTokens());

    private final int fixedTokens;
    private final EmulatedDevice device;
    private final double sendSecondsPerToken;
    private volatile Chosen newest;

    private record Chosen(int layers, double speed, int tokens) {}

    private PromptChunking(int fixedTokens, EmulatedDevice device, double sendSecondsPerToken) {
        this.fixedTokens = fixedTokens;
        this.device = device;
        this.sendSecondsPerToken = sendSecondsPerToken;
    }

    static PromptChunking fixed(int tokens) {
        return new PromptChunking(tokens, null, 0);
    }

    /** On a link that is never what limits. */
    static PromptChunking of(OptionalInt configured, Device device) {
        return of(configured, device, 0);
    }

    /** @param sendSecondsPerToken time that a position's activations take on this worker's link */
    static PromptChunking of(OptionalInt configured, Device device, double sendSecondsPerToken) {
        if (configured.isEmpty() && Objects.requireNonNull(device, "device") instanceof EmulatedDevice emulated) {
            return new PromptChunking(0, emulated, sendSecondsPerToken);
        }
        return fixed(configured.orElse(WorkerConfig.DEFAULT_PREFILL_CHUNK));
    }

    /** Whether the size depends on layers and speed. */
    boolean byRule() {
        return device != null;
    }

    /** The largest chunk there can be. */
    int mostTokens() {
        return byRule() ? SchedulingBounds.DEFAULT.mostChunkTokens() : fixedTokens;
    }

    /**
     * Most prompt positions of a batch. A real runner computes the chunks of a batch one by one, so that more of them
     * would only hold up decode steps.
     */
    int mostBatchTokens() {
        return byRule() ? BatchLimits.PREFILL_GROWTH * mostTokens() : fixedTokens;
    }

    /** Chunk size of a prompt that runs so many layers here; a spare asks for one. */
    int tokens(int layers) {
        if (!byRule()) {
            return fixedTokens;
        }
        double speed = device.speed();
        Chosen chosen = newest;
        if (chosen == null || chosen.layers != layers || chosen.speed != speed) {
            chosen = new Chosen(layers, speed, choose(layers, speed));
            newest = chosen;
        }
        return chosen.tokens;
    }

    private int choose(int layers, double speed) {
        Curve prompt = device.profile().promptSeconds(speed);
        double pass = device.profile().decodeMillis(1) / 1e3 / speed;
        SchedulingBounds bounds = SchedulingBounds.DEFAULT;
        return PrefillChunking.chunkTokens(
                List.of(new PrefillChunking.Hop(Math.max(1, layers), prompt, pass, sendSecondsPerToken)),
                USUAL_PROMPT,
                bounds.mostChunkSeconds(),
                bounds.mostChunkTokens());
    }
}

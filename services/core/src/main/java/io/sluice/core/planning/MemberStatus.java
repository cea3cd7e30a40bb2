package io.sluice.core.planning;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import java.util.Objects;
import java.util.Optional;

/**
 * What a worker announces of itself. Immutable.
 *
 * <p>Speeds, cost and KV capacity are those of the layers served, of one layer where none is.
 *
 * @param incarnation grows with every start of the worker
 * @param holding layers served and in memory
 * @param kvCapacityTokens KV cache capacity over the layers served, tokens
 * @param prefillTokensPerSecond measured at start, through the layers served
 * @param decodeTokensPerSecond measured at start, through the layers served
 * @param linkBytesPerSecond declared network bandwidth, bytes/s
 * @param cost what a batch costs; unknown: only the two speeds count
 * @param atMillis when, ms since the epoch, worker's clock
 */
public record MemberStatus(
        String model,
        WorkerId worker,
        State state,
        long incarnation,
        Holding holding,
        String region,
        long kvCapacityTokens,
        double prefillTokensPerSecond,
        double decodeTokensPerSecond,
        double linkBytesPerSecond,
        BatchCost cost,
        long atMillis) {

    /** Where a worker stands; only a joined one gets flow. */
    public enum State {
        JOINED,
        DRAINING,
        LEFT
    }

    public MemberStatus {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(worker, "worker");
        Objects.requireNonNull(state, "state");
        Objects.requireNonNull(holding, "holding");
        Objects.requireNonNull(region, "region");
        Objects.requireNonNull(cost, "cost");
        if (kvCapacityTokens < 0) {
            throw new IllegalArgumentException(
                    "worker " + worker + ": KV capacity " + kvCapacityTokens + " tokens must not be negative");
        }
        positive(worker, "prefill speed", prefillTokensPerSecond, "tokens/s");
        positive(worker, "decode speed", decodeTokensPerSecond, "tokens/s");
        positive(worker, "link bandwidth", linkBytesPerSecond, "bytes/s");
    }

    /** Layers served to new sessions; empty: a spare. */
    public Optional<LayerRange> served() {
        return holding.served();
    }

    /** Layers that the announced speeds, cost and KV capacity are for: those served, one for a spare. */
    public int layersMeasured() {
        return served().map(LayerRange::size).orElse(1);
    }

    private static void positive(WorkerId worker, String what, double value, String unit) {
        if (!(value > 0) || value > 1e15) {
            throw new IllegalArgumentException(
                    "worker " + worker + ": " + what + " " + value + " " + unit + " must be positive and below 1e15");
        }
    }
}

package io.sluice.launcher;

import io.sluice.core.planning.live.LiveObjective;
import io.sluice.core.planning.live.PlacementPolicy;
import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Flags of how placements follow the workers while everything runs. */
final class PlacementOptions {
    private static final double NANOS = 1e9;

    /** Whether placements follow. */
    enum Mode {
        AUTO,
        OFF
    }

    @Option(
            names = "--placement",
            paramLabel = "auto|off",
            description = "auto: a new placement when a worker joins, leaves or changes its speed, or demand changes."
                    + " off: placements stay as they are published. Default: auto in up and demo unless the"
                    + " workers file names layers, otherwise off.")
    private Mode mode;

    @Option(
            names = "--placement-objective",
            paramLabel = "serving|flow",
            defaultValue = "serving",
            description = "serving: predicted decode tokens/s, by flow, hops, batches, KV cache and the mix of tokens"
                    + " that passes. flow: max flow. Searches and the gain of a move go by it; where a worker"
                    + " announces no KV cache or no cost of a batch, by flow; default: ${DEFAULT-VALUE}.")
    private String objective;

    @Option(
            names = "--placement-threshold",
            paramLabel = "RATIO",
            defaultValue = "0.15",
            description = "Gain by the objective that a move must bring at least; default: ${DEFAULT-VALUE}.")
    private double threshold;

    @Option(
            names = "--placement-horizon",
            paramLabel = "TIME",
            defaultValue = "10m",
            converter = DurationConverter.class,
            description = "Time within which the gain of a move must have brought in the tokens that the move costs:"
                    + " loading, waiting for sessions to end, KV cache that is of no use any more. The log says of each"
                    + " decision what it gains and costs; default: ${DEFAULT-VALUE}.")
    private Duration horizon;

    @Option(
            names = "--placement-steady",
            paramLabel = "TIME",
            defaultValue = "2m",
            converter = DurationConverter.class,
            description =
                    "A worker that has left twice within about this time is held still: it keeps the layers it has,"
                            + " or none, until about twice that time after it last left. 0s: never; default: ${DEFAULT-VALUE}.")
    private Duration steady;

    @Option(
            names = "--placement-floor",
            paramLabel = "RATIO",
            defaultValue = "0.8",
            description = "Part of the present flow that is kept during a move; default: ${DEFAULT-VALUE}.")
    private double floor;

    @Option(
            names = "--placement-time-limit",
            paramLabel = "TIME",
            defaultValue = "2s",
            converter = DurationConverter.class,
            description = "Most time of a search for a placement; default: ${DEFAULT-VALUE}.")
    private Duration timeLimit;

    /** @param usual whether placements follow when the user says nothing */
    Optional<PlacementPolicy> policy(boolean usual) {
        boolean on = mode == null ? usual : mode == Mode.AUTO;
        try {
            PlacementPolicy policy = PlacementPolicy.DEFAULT
                    .withObjective(LiveObjective.parse(objective))
                    .with(threshold, floor, timeLimit.toNanos() / NANOS)
                    .withHorizonSeconds(horizon.toNanos() / NANOS)
                    .withSteadyMillis(steady.toMillis());
            return on ? Optional.of(policy) : Optional.empty();
        } catch (IllegalArgumentException e) {
            throw new UserException(e.getMessage(), e);
        }
    }
}

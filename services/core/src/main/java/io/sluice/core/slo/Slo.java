package io.sluice.core.slo;

import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/**
 * The latency objectives of one request, as it gives them: either, both or none. Immutable.
 *
 * @param ttftMs longest time from its arrival to its first token, ms
 * @param tpotMs longest mean time per output token after the first, ms
 */
public record Slo(OptionalLong ttftMs, OptionalLong tpotMs) {
    /** No request can ask for more than a day: so large a number is a mistake in the unit. */
    public static final long MOST_MS = 86_400_000;

    public static final Slo NONE = new Slo(OptionalLong.empty(), OptionalLong.empty());

    /** @throws IllegalArgumentException for a value that is not from 1 to {@link #MOST_MS}, which it names */
    public Slo {
        Objects.requireNonNull(ttftMs, "ttftMs");
        Objects.requireNonNull(tpotMs, "tpotMs");
        ttftMs.ifPresent(ms -> require("slo.ttft_ms", ms));
        tpotMs.ifPresent(ms -> require("slo.tpot_ms", ms));
    }

    /** With null for what is not asked for. */
    public static Slo of(Long ttftMs, Long tpotMs) {
        return new Slo(optional(ttftMs), optional(tpotMs));
    }

    private static OptionalLong optional(Long value) {
        return value == null ? OptionalLong.empty() : OptionalLong.of(value);
    }

    private static void require(String name, long ms) {
        if (ms < 1 || ms > MOST_MS) {
            throw new IllegalArgumentException(name + " is " + ms + ": give milliseconds from 1 to " + MOST_MS
                    + " (a day), or leave it out for no objective");
        }
    }

    public boolean isNone() {
        return ttftMs.isEmpty() && tpotMs.isEmpty();
    }

    /**
     * Whether a request that took so long met all of them.
     *
     * @param tpot empty: it had one token only, which meets any objective for the others
     */
    public boolean met(double ttft, OptionalDouble tpot) {
        return (ttftMs.isEmpty() || ttft <= ttftMs.getAsLong())
                && (tpotMs.isEmpty() || tpot.isEmpty() || tpot.getAsDouble() <= tpotMs.getAsLong());
    }
}

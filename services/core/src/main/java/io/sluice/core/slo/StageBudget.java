package io.sluice.core.slo;

/**
 * The part of a request's latency objectives that one stage of its pipeline may use. Immutable.
 *
 * <p>The first is for the prompt as a whole: for the time in which this stage has any chunk of it that waits or is computed.
 * While a prompt is on its way some stage has a chunk of it, or a link; so where every stage keeps its budget, the first
 * token keeps the objective, however the prompt is cut and however much its stages overlap.
 *
 * @param ttftMicros for the prompt, microseconds; 0: no objective, or nothing of it is left for stages
 * @param tpotMicros for each decode step, from its record's receipt to its end, microseconds; 0: likewise
 */
public record StageBudget(long ttftMicros, long tpotMicros) {
    /** Far more than any objective: what is larger is no budget that a router has made. */
    public static final long MOST_MICROS = 2 * Slo.MOST_MS * 1_000;

    public static final StageBudget NONE = new StageBudget(0, 0);

    /** @throws IllegalArgumentException for a value that is not from 0 to {@link #MOST_MICROS}, which it names */
    public StageBudget {
        require("ttft_us", ttftMicros);
        require("tpot_us", tpotMicros);
    }

    private static void require(String name, long micros) {
        if (micros < 0 || micros > MOST_MICROS) {
            throw new IllegalArgumentException(
                    "a stage's budget " + name + " is " + micros + ": it must be from 0 to " + MOST_MICROS);
        }
    }

    public boolean isNone() {
        return ttftMicros == 0 && tpotMicros == 0;
    }
}

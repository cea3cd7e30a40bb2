package io.sluice.core.sharing;

/**
 * Latency-critical requests that have ended, one or several. Immutable.
 *
 * @param requests how many
 * @param violations how many of them missed the latency objective
 * @param causedShare share of their waiting that best-effort work caused, see {@link GateCounters#causedShare}; NaN: not
 *     known, which counts as caused
 */
public record SloReport(long requests, long violations, double causedShare) {
    public SloReport {
        Shares.notNegative("requests", requests);
        Shares.notNegative("violations", violations);
        if (violations > requests) {
            throw new IllegalArgumentException(
                    violations + " violations among " + requests + " requests: count each request once");
        }
        if (causedShare < 0 || causedShare > 1) {
            throw new IllegalArgumentException(
                    "share of waiting caused by best-effort work is " + causedShare + ": it must be a ratio or NaN");
        }
    }

    /** One request. */
    public static SloReport one(boolean violated, double causedShare) {
        return new SloReport(1, violated ? 1 : 0, causedShare);
    }

    /** Whether best-effort work must be taken for the cause; so it is where nothing is known. */
    public boolean caused(double threshold) {
        return !(causedShare < threshold);
    }
}

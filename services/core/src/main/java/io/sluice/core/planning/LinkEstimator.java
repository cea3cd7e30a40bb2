package io.sluice.core.planning;

import java.util.Optional;

/**
 * Estimates a link's bandwidth by exponentially forgotten least squares over
 * {@code transfer = latency + bytes/bandwidth}.
 *
 * <p>The latency term takes up queueing, fixed costs and the offset between two clocks; only the slope counts. It is
 * believed when sizes spread by at least {@link #MIN_SPREAD_BYTES}, it is positive, and it stands
 * {@link #MIN_SIGNIFICANCE} standard errors above zero; otherwise the declared bandwidth holds. Dividing bytes by time
 * would make a fast link that carries small records look thousands of times too slow. Outliers count as far as four
 * standard deviations. Stateless and thread-safe.
 */
public final class LinkEstimator {
    /** What an older transfer counts after each newer one. */
    public static final double KEEP = 0.98;
    /** Least standard deviation of the record size, bytes. */
    public static final double MIN_SPREAD_BYTES = 16 * 1024;
    /** Least weight of the transfers, records. */
    public static final double MIN_WEIGHT = 10;
    /** Least slope, in standard errors of the slope. */
    public static final double MIN_SIGNIFICANCE = 4;

    /** Deviations from the line that count in full, in standard deviations. */
    public static final double MOST_DEVIATIONS = 4;

    /** Deviations that always count in full, microseconds. */
    private static final double MIN_NOISE_MICROS = 200;

    private static final long MAX_BYTES = 1L << 32;
    private static final long MAX_MICROS = 3_600_000_000L;

    private LinkEstimator() {}

    /** Why {@code sample} cannot be used, apart from its time; empty when it can. */
    public static Optional<Rejection> judge(LinkSample sample) {
        for (LinkSample.Transfer t : sample.transfers()) {
            boolean sane =
                    t.bytes() >= 0 && t.bytes() <= MAX_BYTES && t.micros() >= -MAX_MICROS && t.micros() <= MAX_MICROS;
            if (!sane) {
                return Optional.of(new Rejection(
                        Rejection.Kind.INVALID,
                        "link " + sample.from() + ">" + sample.to() + ": transfer of " + t.bytes() + " bytes in "
                                + t.micros() + " us is absurd; mend the worker's measurement"));
            }
        }
        return Optional.empty();
    }

    /** {@code estimate} after the transfers of a sample that {@link #judge} let pass. */
    public static LinkEstimate update(LinkEstimate estimate, LinkSample sample) {
        LinkEstimate e = estimate;
        for (LinkSample.Transfer t : sample.transfers()) {
            double weight = e.weight() * KEEP + 1;
            double offBytes = t.bytes() - e.meanBytes();
            double offMicros = bounded(e, offBytes, t.micros() - e.meanMicros());
            double meanBytes = e.meanBytes() + offBytes / weight;
            double meanMicros = e.meanMicros() + offMicros / weight;
            e = new LinkEstimate(
                    weight,
                    meanBytes,
                    meanMicros,
                    e.bytesBytes() * KEEP + offBytes * (t.bytes() - meanBytes),
                    e.bytesMicros() * KEEP + offBytes * (e.meanMicros() + offMicros - meanMicros),
                    e.microsMicros() * KEEP + offMicros * (e.meanMicros() + offMicros - meanMicros));
        }
        return e;
    }

    /**
     * A time that is further from the line than {@link #MOST_DEVIATIONS} counts as that far: one pause of a machine does not
     * bend the line, while a link that has really changed widens what counts with every transfer.
     */
    private static double bounded(LinkEstimate e, double offBytes, double offMicros) {
        if (e.weight() < MIN_WEIGHT) {
            return offMicros;
        }
        double slope = e.bytesBytes() > 0 ? e.bytesMicros() / e.bytesBytes() : 0;
        double spread = Math.max(0, e.microsMicros() - slope * e.bytesMicros()) / e.weight();
        double most = MOST_DEVIATIONS * Math.sqrt(spread) + MIN_NOISE_MICROS;
        return slope * offBytes + Math.clamp(offMicros - slope * offBytes, -most, most);
    }

    /** Bandwidth in bytes/s, or {@code declared} where the transfers do not tell. */
    public static double bytesPerSecond(LinkEstimate e, double declared) {
        boolean spread = e.weight() >= MIN_WEIGHT && Math.sqrt(e.bytesBytes() / e.weight()) >= MIN_SPREAD_BYTES;
        if (!spread || !(e.bytesMicros() > 0)) {
            return declared;
        }
        double slope = e.bytesMicros() / e.bytesBytes();
        double unexplained = Math.max(0, e.microsMicros() - slope * e.bytesMicros());
        double error = Math.sqrt(unexplained / (e.weight() - 2) / e.bytesBytes());
        return slope > MIN_SIGNIFICANCE * error ? 1e6 / slope : declared;
    }
}

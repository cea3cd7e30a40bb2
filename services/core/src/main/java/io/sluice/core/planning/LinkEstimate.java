package io.sluice.core.planning;

/**
 * Weighted moments of the transfers seen on a link; immutable.
 *
 * @param weight number of transfers, older ones counting less
 * @param meanBytes weighted mean size
 * @param meanMicros weighted mean transfer time
 * @param bytesBytes weighted sum of squared deviations of the size
 * @param bytesMicros weighted sum of products of deviations
 * @param microsMicros weighted sum of squared deviations of the time
 */
public record LinkEstimate(
        double weight,
        double meanBytes,
        double meanMicros,
        double bytesBytes,
        double bytesMicros,
        double microsMicros) {
    /** Nothing seen yet. */
    public static final LinkEstimate NONE = new LinkEstimate(0, 0, 0, 0, 0, 0);
}

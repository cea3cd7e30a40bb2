package io.sluice.launcher.bench.recovery;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * How much longer one way takes than another, from times measured in pairs: the median of their ratios, and the 95 %
 * interval of a block bootstrap (Künsch, Annals of Statistics 1989): neighbouring pairs meet the same moment of the
 * machine, so whole blocks of them are drawn. Immutable.
 *
 * @param ratio median
 * @param low lower end of the interval
 * @param high upper end of the interval
 * @param pairs measured
 */
public record PairedRatio(double ratio, double low, double high, int pairs) {
    private static final int RESAMPLES = 1_000;
    private static final double TAIL = 0.025;

    /**
     * @param with times of the one way, in the order in which they were measured
     * @param without times of the other, pair by pair
     * @param blockPairs neighbouring pairs that are drawn together
     * @param seed of the draws
     * @throws IllegalArgumentException when the pairs do not fill two blocks
     */
    public static PairedRatio of(double[] with, double[] without, int blockPairs, long seed) {
        if (blockPairs < 1 || with.length != without.length || with.length < 2 * blockPairs) {
            throw new IllegalArgumentException("an interval needs pairs for two blocks of " + blockPairs
                    + " at least; there are " + with.length + " times of the one way and " + without.length
                    + " of the other");
        }
        int blocks = with.length / blockPairs;
        double[] ratios = new double[blocks * blockPairs];
        Arrays.setAll(ratios, i -> with[i] / without[i]);
        SplittableRandom random = new SplittableRandom(seed);
        double[] medians = new double[RESAMPLES];
        double[] drawn = new double[ratios.length];
        for (int i = 0; i < RESAMPLES; i++) {
            for (int block = 0; block < blocks; block++) {
                System.arraycopy(ratios, random.nextInt(blocks) * blockPairs, drawn, block * blockPairs, blockPairs);
            }
            medians[i] = median(drawn);
        }
        Arrays.sort(medians);
        int low = (int) (TAIL * RESAMPLES);
        return new PairedRatio(median(ratios), medians[low], medians[RESAMPLES - 1 - low], ratios.length);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

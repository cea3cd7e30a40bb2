package io.sluice.launcher.bench;

import io.sluice.loadgen.LatencySummary;
import java.util.List;

/** Medians of repeated measurements. */
final class Medians {
    private Medians() {}

    static double median(List<Double> values) {
        return LatencySummary.percentile(
                values.stream().mapToDouble(Double::doubleValue).sorted().toArray(), 50);
    }
}

package io.sluice.simulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Durations collected in a run. */
final class Samples {
    private double[] values = new double[1024];
    private int size;

    void add(double seconds) {
        if (size == values.length) {
            values = Arrays.copyOf(values, 2 * size);
        }
        values[size++] = seconds;
    }

    void addAll(Samples other) {
        if (size + other.size > values.length) {
            values = Arrays.copyOf(values, Math.max(2 * values.length, size + other.size));
        }
        System.arraycopy(other.values, 0, values, size, other.size);
        size += other.size;
    }

    double mean() {
        double sum = 0;
        for (int i = 0; i < size; i++) {
            sum += values[i];
        }
        return size == 0 ? 0 : sum / size;
    }

    int size() {
        return size;
    }

    SimulationResult.Latencies summary() {
        double mean = mean();
        double[] sorted = Arrays.copyOf(values, size);
        Arrays.sort(sorted);
        return new SimulationResult.Latencies(
                size,
                mean,
                at(sorted, 0.05),
                at(sorted, 0.25),
                at(sorted, 0.5),
                at(sorted, 0.75),
                at(sorted, 0.95),
                at(sorted, 0.99),
                percentiles(sorted));
    }

    private static List<Double> percentiles(double[] sorted) {
        List<Double> percentiles = new ArrayList<>();
        for (int p = 0; p <= 100 && sorted.length > 0; p++) {
            percentiles.add(sorted[Math.min(sorted.length - 1, (int) ((long) sorted.length * p / 100))]);
        }
        return percentiles;
    }

    private static double at(double[] sorted, double part) {
        return sorted.length == 0 ? 0 : sorted[(int) (sorted.length * part)];
    }
}

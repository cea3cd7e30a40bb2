package io.sluice.clusters;

import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.ModelSpec;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Layer times of a machine that nobody has measured, from its memory bandwidth and arithmetic speed. A layer takes the
 * longer of reading its weights (and, for decode steps, the KV cache of 1000 tokens each) at 80 % of the memory
 * bandwidth, and two operations per weight and token at half the arithmetic speed; plus 50 us. Within a factor of two of
 * what was measured for Helix (ASPLOS'25) on A100, L4 and T4. Several GPUs of a machine count as {@code n^0.9} times the
 * bandwidth and {@code n^0.6} times the arithmetic of one.
 *
 * @param memoryBytesPerSecond memory bandwidth, bytes/s
 * @param tflops dense throughput at the width of the weights, 10^12 operations/s
 */
record Roofline(double memoryBytesPerSecond, double tflops) {
    private static final double MEMORY_EFFICIENCY = 0.8;
    private static final double COMPUTE_EFFICIENCY = 0.5;
    private static final double OVERHEAD_SECONDS = 50e-6;
    private static final double CONTEXT_TOKENS = 1000;
    private static final double LAST_PROMPT_TOKENS = 8192;
    private static final double LAST_DECODES = 1024;

    /** Several such GPUs in one machine. */
    Roofline times(int gpus) {
        return new Roofline(memoryBytesPerSecond * Math.pow(gpus, 0.9), tflops * Math.pow(gpus, 0.6));
    }

    /** Seconds per layer by prompt tokens. */
    Curve prompt(ModelSpec model, double weightBits) {
        return curve(model, weightBits, 0, LAST_PROMPT_TOKENS);
    }

    /** Seconds per layer by decode steps. */
    Curve decode(ModelSpec model, double weightBits) {
        double kvSeconds = CONTEXT_TOKENS * model.kvBytesPerTokenLayer() / (memoryBytesPerSecond * MEMORY_EFFICIENCY);
        return curve(model, weightBits, kvSeconds, LAST_DECODES);
    }

    private Curve curve(ModelSpec model, double weightBits, double memorySecondsPerToken, double last) {
        double weightSeconds = model.layerBytes() / (memoryBytesPerSecond * MEMORY_EFFICIENCY);
        double computeSecondsPerToken = 2 * model.layerBytes() * 8 / weightBits / (tflops * 1e12 * COMPUTE_EFFICIENCY);
        SortedMap<Double, Double> points = new TreeMap<>();
        points.put(0.0, 0.0);
        double knee = weightSeconds / (computeSecondsPerToken - memorySecondsPerToken);
        for (double tokens : new double[] {1, knee, last}) {
            if (tokens >= 1 && tokens <= last) {
                double memory = weightSeconds + tokens * memorySecondsPerToken;
                double compute = tokens * computeSecondsPerToken;
                points.put(tokens, OVERHEAD_SECONDS + Math.max(memory, compute));
            }
        }
        return Curve.of(
                points.keySet().stream().mapToDouble(x -> x).toArray(),
                points.values().stream().mapToDouble(y -> y).toArray());
    }
}

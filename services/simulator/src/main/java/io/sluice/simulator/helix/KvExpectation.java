package io.sluice.simulator.helix;

import io.sluice.simulator.Topology;

/**
 * Helix's estimate of the KV cache: a request is expected to take its prompt and a fixed number of output tokens in every
 * layer it uses, from admission to its end (ASPLOS'25, section 5.3). Not thread-safe.
 */
public final class KvExpectation {
    /** Mean output Helix assumes, tokens. */
    public static final int MEAN_OUTPUT_TOKENS = 240;

    private final Topology topology;
    private final double highWaterMark;
    private final double outputTokens;
    private final long[] free;
    private final double[] total;

    /**
     * @param highWaterMark part of a node's KV cache that may be expected to fill
     * @param outputRatio part of the mean output that is set aside
     */
    public KvExpectation(Topology topology, double highWaterMark, double outputRatio) {
        this.topology = topology;
        this.highWaterMark = highWaterMark;
        this.outputTokens = MEAN_OUTPUT_TOKENS * outputRatio;
        this.free = new long[topology.nodes()];
        this.total = new double[topology.problem().layers()];
        for (int node = 0; node < free.length; node++) {
            free[node] = topology.kvTokenLayers(node);
            for (int layer = topology.layout().first(node);
                    layer < topology.layout().end(node);
                    layer++) {
                total[layer] += topology.kvTokensPerLayer(node);
            }
        }
    }

    /** Whether the node has room, as if the request used all its layers. */
    public boolean fits(int node, int promptTokens) {
        double left = free[node] - expected(promptTokens) * topology.layout().layers(node);
        return left >= (1 - highWaterMark) * topology.kvTokenLayers(node);
    }

    /** Takes ({@code sign} 1) or gives back (-1) what a request needs in so many layers of the node. */
    public void reserve(int node, int promptTokens, int layers, int sign) {
        free[node] -= sign * expected(promptTokens) * layers;
    }

    private long expected(int promptTokens) {
        return (long) (promptTokens + outputTokens);
    }

    /** Expected filling of the fullest layer; every node spreads its cache evenly over its layers. */
    public double bottleneck() {
        double[] left = new double[total.length];
        for (int node = 0; node < free.length; node++) {
            int layers = topology.layout().layers(node);
            for (int layer = topology.layout().first(node);
                    layer < topology.layout().end(node);
                    layer++) {
                left[layer] += (double) free[node] / layers;
            }
        }
        double fullest = 0;
        for (int layer = 0; layer < total.length; layer++) {
            fullest = Math.max(fullest, total[layer] > 0 ? 1 - left[layer] / total[layer] : 1);
        }
        return fullest;
    }
}

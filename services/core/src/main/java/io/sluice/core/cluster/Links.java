package io.sluice.core.cluster;

/**
 * Bandwidth and latency between every two nodes and between the coordinator and every node, both directions apart.
 * Nodes are numbered as in {@link Cluster#nodes()}; {@link #COORDINATOR} is where requests come from and tokens go to.
 * Bandwidth 0 means: no link. Immutable once built; a query is an array access.
 */
public final class Links {
    /** Number of the coordinator (source and sink of the flow graph). */
    public static final int COORDINATOR = -1;

    private final int nodes;
    private final double[] bytesPerSecond;
    private final double[] latencySeconds;

    private Links(int nodes, double[] bytesPerSecond, double[] latencySeconds) {
        this.nodes = nodes;
        this.bytesPerSecond = bytesPerSecond;
        this.latencySeconds = latencySeconds;
    }

    /** Bandwidth, bytes/s; 0: no link. */
    public double bytesPerSecond(int from, int to) {
        return bytesPerSecond[index(from, to)];
    }

    /** One-way latency, seconds. */
    public double latencySeconds(int from, int to) {
        return latencySeconds[index(from, to)];
    }

    public boolean exists(int from, int to) {
        return bytesPerSecond(from, to) > 0;
    }

    /** Number of nodes, the coordinator not counted. */
    public int nodes() {
        return nodes;
    }

    private int index(int from, int to) {
        return (from + 1) * (nodes + 1) + to + 1;
    }

    /** No link exists until it is set. */
    public static Builder builder(int nodes) {
        return new Builder(nodes);
    }

    /** Collects links; not thread-safe. */
    public static final class Builder {
        private final Links links;
        private boolean built;

        private Builder(int nodes) {
            int size = Math.multiplyExact(nodes + 1, nodes + 1);
            this.links = new Links(nodes, new double[size], new double[size]);
        }

        /**
         * Sets one direction.
         *
         * @throws IllegalArgumentException when bandwidth or latency is negative or not a finite number
         */
        public Builder set(int from, int to, double bytesPerSecond, double latencySeconds) {
            if (built) {
                throw new IllegalStateException("links were built already");
            }
            if (from < COORDINATOR || to < COORDINATOR || from >= links.nodes || to >= links.nodes || from == to) {
                throw new IllegalArgumentException("link " + from + " to " + to + ": two different nodes of 0.."
                        + (links.nodes - 1) + " or the coordinator are needed");
            }
            String what = "link " + from + " to " + to;
            int index = links.index(from, to);
            links.bytesPerSecond[index] = Numbers.notNegative(what + ": bandwidth, bytes/s", bytesPerSecond);
            links.latencySeconds[index] = Numbers.notNegative(what + ": latency, s", latencySeconds);
            return this;
        }

        /** Sets both directions. */
        public Builder setBoth(int a, int b, double bytesPerSecond, double latencySeconds) {
            return set(a, b, bytesPerSecond, latencySeconds).set(b, a, bytesPerSecond, latencySeconds);
        }

        public Links build() {
            built = true;
            return links;
        }
    }
}

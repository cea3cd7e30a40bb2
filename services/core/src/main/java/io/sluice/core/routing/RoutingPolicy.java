package io.sluice.core.routing;

import java.util.Locale;

/** How the router splits sessions at every vertex of the worker graph. */
public enum RoutingPolicy {
    /** In proportion to the flows of the newest allocation (Helix). */
    MAX_FLOW,
    /** One after the other over every existing edge, flows ignored: the baseline. */
    ROUND_ROBIN,
    /** By the sessions in flight on workers and edges, each relative to its flow: full and slow ones get less. */
    SLUICE;

    /** Reads {@code max-flow}, {@code round-robin} or {@code sluice}. */
    public static RoutingPolicy parse(String text) {
        for (RoutingPolicy policy : values()) {
            if (policy.toString().equals(text)) {
                return policy;
            }
        }
        throw new IllegalArgumentException("policy '" + text + "' must be max-flow or round-robin or sluice");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

package io.sluice.worker;

import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ReadyLayers;

/** Slow work on layers that must not hold up the compute thread. */
interface LayerLoads {
    /**
     * Loads layers, and what the last stage needs to write text; the outcome comes back to the compute thread. One at
     * a time.
     */
    void load(HeldLayers layers, boolean withTokens);

    /** Frees what nobody uses any more. */
    void free(AutoCloseable part);

    /**
     * How a load ended.
     *
     * @param layers null when it failed
     * @param tokens null when it failed or was not asked for
     * @param failure why it failed, null when it did not
     */
    record Outcome(ReadyLayers layers, TokenStep tokens, String failure) {
        static Outcome failed(String why) {
            return new Outcome(null, null, why);
        }
    }
}

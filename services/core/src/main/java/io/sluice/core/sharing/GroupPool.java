package io.sluice.core.sharing;

import java.util.Objects;

/**
 * The pool of a kernel group: its slices run on so many lanes while there is no latency-critical work and another tenant can
 * use the rest of the device. Immutable.
 */
public record GroupPool(KernelGroup group, int lanes) {
    public GroupPool {
        Objects.requireNonNull(group, "group");
        Shares.positive("lanes of the pool of " + group, lanes);
    }
}

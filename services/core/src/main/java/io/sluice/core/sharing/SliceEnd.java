package io.sluice.core.sharing;

/**
 * What a gate makes of a slice that has ended. Immutable.
 *
 * @param holdNanos how long its tenant is held back for it, ns; 0: not at all
 * @param overrun whether it was longer than its bound allows
 */
public record SliceEnd(long holdNanos, boolean overrun) {}

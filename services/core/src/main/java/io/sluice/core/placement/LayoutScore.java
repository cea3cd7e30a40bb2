package io.sluice.core.placement;

/** A {@link PlacementObjective} prepared for one problem. Keeps arrays between calls: one instance per thread. */
@FunctionalInterface
public interface LayoutScore {
    /** Value of the ranges {@code [first[i], end[i])}; equal ends: the node holds nothing. The arrays are only read. */
    double of(int[] first, int[] end);
}

package io.sluice.core.sharing;

import java.util.function.IntToDoubleFunction;

/**
 * How large a best-effort batch may be so that one unit of it (a layer) fits the slice bound. Sizes (rows, positions) are
 * powers of two, each a kind of its own. What the next one takes is foreseen from the two before it, since most of a layer
 * is reading weights, which all rows share: what the last doubling added, twice. Of the smallest size nothing is known, so
 * the next is tried wherever the smallest fits: it takes at most twice as long. All other tries are within the bound where
 * time rises with the size by a line. A size that seemed too long by an accident of
 * the machine would never be seen again: now and then it is to be tried once more. Stateless.
 */
public final class SliceSizing {
    private SliceSizing() {}

    /**
     * The largest size that is known to fit, or the first one that is not known and should.
     *
     * @param least smallest size; taken whether it fits or not: the gate refuses what does not
     * @param most largest size
     * @param boundNanos longest slice; 0: none may start
     * @param again whether one size that was seen to be too long is to be tried again, if by the ones before it fits
     * @param unitNanos estimate of a unit by size, ns; 0: nothing is known
     */
    public static int fitting(int least, int most, long boundNanos, boolean again, IntToDoubleFunction unitNanos) {
        int size = sizeClass(least);
        double before = 0;
        while (2L * size <= most) {
            double here = unitNanos.applyAsDouble(size);
            double next = unitNanos.applyAsDouble(2 * size);
            if (next == 0 || next > boundNanos) {
                boolean mayFit = here > 0 && foreseen(before, here) <= boundNanos;
                return mayFit && (next == 0 || again) ? 2 * size : size;
            }
            before = here;
            size *= 2;
        }
        return size;
    }

    /** What twice the size takes that takes {@code here}, half of which takes {@code before}; 0: unknown. */
    private static double foreseen(double before, double here) {
        return before == 0 ? here : Math.clamp(here + 2 * (here - before), here, 2 * here);
    }

    /** The size, a power of two, that {@code count} rows or positions count as: not less than they are. */
    public static int sizeClass(int count) {
        if (count < 1 || count > 1 << 30) {
            throw new IllegalArgumentException("a batch of " + count + " has no size: it must be 1 to " + (1 << 30));
        }
        return count == 1 ? 1 : Integer.highestOneBit(count - 1) << 1;
    }
}

package io.sluice.core.sharing;

import java.util.function.IntToDoubleFunction;

/**
 * How large a best-effort batch may be so that one unit of it (a layer) fits the slice bound. Sizes (rows, positions) are
 * powers of two, each a kind of its own, since the next one costs at most twice as much: a size is tried when twice what
 * the one before takes still fits, so that no try is longer than the bound. A size that seemed too long by an accident of
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
     * @param again whether one size that was seen to be too long is to be tried again, if twice the one before fits
     * @param upperUnitNanos upper estimate of a unit by size, ns; 0: nothing is known
     */
    public static int fitting(int least, int most, long boundNanos, boolean again, IntToDoubleFunction upperUnitNanos) {
        int size = sizeClass(least);
        while (2L * size <= most) {
            double here = upperUnitNanos.applyAsDouble(size);
            double next = upperUnitNanos.applyAsDouble(2 * size);
            boolean mayFit = here > 0 && 2 * here <= boundNanos;
            if (next == 0 || next > boundNanos) {
                return mayFit && (next == 0 || again) ? 2 * size : size;
            }
            size *= 2;
        }
        return size;
    }

    /** The size, a power of two, that {@code count} rows or positions count as: not less than they are. */
    public static int sizeClass(int count) {
        if (count < 1 || count > 1 << 30) {
            throw new IllegalArgumentException("a batch of " + count + " has no size: it must be 1 to " + (1 << 30));
        }
        return count == 1 ? 1 : Integer.highestOneBit(count - 1) << 1;
    }
}

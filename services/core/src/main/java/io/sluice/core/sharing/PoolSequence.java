package io.sluice.core.sharing;

import java.util.Arrays;

/**
 * The kernels that one stream runs in order, with what each would take on each pool. The arrays are kept, not copied: do
 * not change them while a programme runs.
 *
 * @param nanos time by kernel and pool, alone on the device
 * @param joules energy by kernel and pool; null: not known, which counts as none
 */
@SuppressWarnings("ArrayRecordComponent") // Thousands of kernels, solved again every second: rows are not boxed.
public record PoolSequence(double[][] nanos, double[][] joules) {
    public PoolSequence {
        if (nanos.length == 0) {
            throw new IllegalArgumentException("a stream has no kernels: leave it out");
        }
        check("time in ns", nanos, nanos.length, nanos[0].length);
        if (joules != null) {
            check("energy in J", joules, nanos.length, nanos[0].length);
        }
    }

    /** Without energy. */
    public PoolSequence(double[][] nanos) {
        this(nanos, null);
    }

    private static void check(String what, double[][] rows, int kernels, int pools) {
        if (rows.length != kernels) {
            throw new IllegalArgumentException(what + " is given for " + rows.length + " of " + kernels + " kernels");
        }
        for (int k = 0; k < kernels; k++) {
            if (rows[k].length != pools) {
                throw new IllegalArgumentException(
                        what + " of kernel " + k + " is given for " + rows[k].length + " of " + pools + " pools");
            }
            for (double x : rows[k]) {
                Shares.notNegative(what + " of kernel " + k, x);
            }
        }
    }

    /** How many kernels. */
    public int kernels() {
        return nanos.length;
    }

    /** How many pools. */
    public int pools() {
        return nanos[0].length;
    }

    @Override
    public String toString() {
        return kernels() + " kernels on " + pools() + " pools, first " + Arrays.toString(nanos[0]);
    }
}

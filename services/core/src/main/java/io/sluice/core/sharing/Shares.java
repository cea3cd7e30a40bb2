package io.sluice.core.sharing;

/** Checks of numbers, each failure one sentence with the value. */
final class Shares {
    private Shares() {}

    static double ratio(String what, double value) {
        if (!(value >= 0) || value > 1) {
            throw new IllegalArgumentException(what + " is " + value + ": it must be a ratio from 0 to 1");
        }
        return value;
    }

    static double positive(String what, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(what + " is " + value + ": it must be positive and finite");
        }
        return value;
    }

    static double notNegative(String what, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(what + " is " + value + ": it must be finite and not negative");
        }
        return value;
    }

    /** Whether a tenant can have this weight: 0.000001 to 1000000, so that sums of shares stay exact enough. */
    static boolean plausibleWeight(double weight) {
        return weight >= 1e-6 && weight <= 1e6;
    }

    static double weight(String what, double value) {
        if (!plausibleWeight(value)) {
            throw new IllegalArgumentException(what + " is " + value + ": it must be from 0.000001 to 1000000");
        }
        return value;
    }

    static long positive(String what, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(what + " is " + value + ": it must be positive");
        }
        return value;
    }

    static long notNegative(String what, long value) {
        if (value < 0) {
            throw new IllegalArgumentException(what + " is " + value + ": it must not be negative");
        }
        return value;
    }

    /** Product of what is not negative, that stays at the end of the range instead of wrapping round. */
    static long times(long a, long b) {
        return Math.multiplyHigh(a, b) != 0 || a * b < 0 ? Long.MAX_VALUE : a * b;
    }

    /** Sum that stays at the ends of the range instead of wrapping round. */
    static long plus(long a, long b) {
        long sum = a + b;
        if (((a ^ sum) & (b ^ sum)) < 0) {
            return a < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
        return sum;
    }
}

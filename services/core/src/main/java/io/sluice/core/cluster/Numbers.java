package io.sluice.core.cluster;

/** Checks of numbers that come from files. */
final class Numbers {
    private Numbers() {}

    static double positive(String what, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(what + ": " + value + " must be positive and finite");
        }
        return value;
    }

    static double notNegative(String what, double value) {
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw new IllegalArgumentException(what + ": " + value + " must be finite and not negative");
        }
        return value;
    }
}

package io.sluice.core.cluster;

import java.util.Arrays;

/**
 * A measured function as straight lines between points: seconds by tokens. Beyond the last point the last line goes on;
 * below the first point the first line does, but never below 0. Immutable and thread-safe; O(log points).
 */
public final class Curve {
    private final double[] x;
    private final double[] y;

    private Curve(double[] x, double[] y) {
        this.x = x;
        this.y = y;
    }

    /**
     * @param x strictly rising
     * @param y seconds, not negative
     */
    public static Curve of(double[] x, double[] y) {
        if (x.length != y.length || x.length < 2) {
            throw new IllegalArgumentException(
                    "a curve needs at least two points, each with x and y; got " + x.length + " and " + y.length);
        }
        for (int i = 0; i < x.length; i++) {
            Numbers.notNegative("curve point " + i + ", x", x[i]);
            Numbers.notNegative("curve point " + i + ", y", y[i]);
            if (i > 0 && !(x[i] > x[i - 1])) {
                throw new IllegalArgumentException("curve: x must rise, but " + x[i] + " follows " + x[i - 1]);
            }
        }
        return new Curve(x.clone(), y.clone());
    }

    /** The line {@code y = fixed + slope * x}. */
    public static Curve line(double fixedSeconds, double secondsPerToken) {
        return of(new double[] {0, 1}, new double[] {fixedSeconds, fixedSeconds + secondsPerToken});
    }

    /** Value at {@code tokens}, seconds. */
    public double at(double tokens) {
        int found = Arrays.binarySearch(x, tokens);
        if (found >= 0) {
            return y[found];
        }
        int right = Math.clamp(-found - 1, 1, x.length - 1);
        double slope = (y[right] - y[right - 1]) / (x[right] - x[right - 1]);
        return Math.max(0, y[right - 1] + slope * (tokens - x[right - 1]));
    }

    /** The measured x, rising; a copy. */
    public double[] xs() {
        return x.clone();
    }

    /** The measured y, seconds, one for every x; a copy. */
    public double[] ys() {
        return y.clone();
    }

    /** The largest measured x. */
    public double lastX() {
        return x[x.length - 1];
    }
}

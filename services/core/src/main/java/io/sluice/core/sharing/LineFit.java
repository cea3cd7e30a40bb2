package io.sluice.core.sharing;

/**
 * The line {@code y = a + b x} learnt point by point: recursive least squares with exponential forgetting (Haykin, Adaptive
 * Filter Theory), both coefficients not negative. For work that takes {@code c + m / s} on s lanes, x is 1/s. The
 * covariance is bounded: points that all have the same x do not make the other direction forget. Immutable.
 *
 * @param a intercept
 * @param b slope
 * @param paa covariance
 * @param pab covariance
 * @param pbb covariance
 * @param points points seen
 */
public record LineFit(double a, double b, double paa, double pab, double pbb, long points) {
    private static final double FIRST_COVARIANCE = 1e6;

    public LineFit {
        for (double x : new double[] {a, b, paa, pab, pbb}) {
            if (!Double.isFinite(x)) {
                throw new IllegalArgumentException("a fitted line has a coefficient of " + x);
            }
        }
        Shares.notNegative("points", points);
    }

    /** Nothing known. */
    public static LineFit unknown() {
        return new LineFit(0, 0, FIRST_COVARIANCE, 0, FIRST_COVARIANCE, 0);
    }

    /** With one more point; the same line when the point is not finite. */
    public LineFit with(double x, double y, double keep) {
        if (!(keep > 0) || keep > 1) {
            throw new IllegalArgumentException("keep is " + keep + ": it must be in (0, 1]");
        }
        double ga = paa + pab * x;
        double gb = pab + pbb * x;
        double spread = keep + ga + gb * x;
        double off = y - a - b * x;
        if (!Double.isFinite(off) || !Double.isFinite(spread) || spread <= 0) {
            return this;
        }
        double ka = ga / spread;
        double kb = gb / spread;
        double na = (paa - ka * ga) / keep;
        double nab = (pab - ka * gb) / keep;
        double nb = (pbb - kb * gb) / keep;
        boolean wound = na > FIRST_COVARIANCE || nb > FIRST_COVARIANCE || !(na > 0) || !(nb > 0);
        return new LineFit(
                Math.max(0, a + ka * off),
                Math.max(0, b + kb * off),
                wound ? paa : na,
                wound ? pab : nab,
                wound ? pbb : nb,
                points + 1);
    }

    /** Value at {@code x}. */
    public double at(double x) {
        return a + b * x;
    }
}

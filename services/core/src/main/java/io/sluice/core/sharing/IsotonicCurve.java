package io.sluice.core.sharing;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A curve that is known to be monotone, learnt from noisy points and forgetting old ones: isotonic regression by
 * pool-adjacent-violators (Ayer et al., Annals of Mathematical Statistics 26, 1955) over fixed knots, linear in between.
 *
 * <p>A point counts at its nearest knot; every further point makes what is there count less, so a knot that is visited
 * follows a drift, and one that is not keeps what it knows at a weight that fades with all points seen. A knot without
 * points takes the value of its known neighbours. Immutable; every list has one entry for each knot.
 *
 * @param rising whether the curve rises; false: it falls
 * @param knots where the curve is learnt, rising
 * @param weights how much is known, in points
 * @param means mean of the points
 * @param squares mean square deviation of the points
 */
public record IsotonicCurve(
        boolean rising, List<Double> knots, List<Double> weights, List<Double> means, List<Double> squares) {
    public IsotonicCurve {
        knots = List.copyOf(knots);
        weights = List.copyOf(weights);
        means = List.copyOf(means);
        squares = List.copyOf(squares);
        int n = knots.size();
        if (n == 0 || weights.size() != n || means.size() != n || squares.size() != n) {
            throw new IllegalArgumentException("a curve of " + n + " knots needs as many weights, means and squares");
        }
        for (int i = 0; i < n; i++) {
            if (!Double.isFinite(knots.get(i)) || (i > 0 && knots.get(i) <= knots.get(i - 1))) {
                throw new IllegalArgumentException("knots " + knots + " must be finite and rise");
            }
            Shares.notNegative("weight of a knot", weights.get(i));
            Shares.notNegative("square deviation at a knot", squares.get(i));
            if (!Double.isFinite(means.get(i))) {
                throw new IllegalArgumentException("mean at knot " + knots.get(i) + " is " + means.get(i));
            }
        }
    }

    /** Nothing known. */
    public static IsotonicCurve unknown(boolean rising, List<Double> knots) {
        List<Double> zeros = Collections.nCopies(knots.size(), 0.0);
        return new IsotonicCurve(rising, knots, zeros, zeros, zeros);
    }

    /** {@code n} knots from {@code least} to {@code most}. */
    public static List<Double> even(double least, double most, int n) {
        List<Double> knots = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            knots.add(least + (most - least) * i / (n - 1));
        }
        return knots;
    }

    /**
     * With one more point; the same curve when the point is not finite.
     *
     * @param keep by how much everything known counts less, 0 to 1, for example 0.98
     */
    public IsotonicCurve with(double x, double y, double keep) {
        Shares.ratio("keep", keep);
        if (!Double.isFinite(x) || !Double.isFinite(y)) {
            return this;
        }
        int at = nearest(x);
        List<Double> newWeights = new ArrayList<>();
        List<Double> newMeans = new ArrayList<>(means);
        List<Double> newSquares = new ArrayList<>(squares);
        for (double weight : weights) {
            newWeights.add(weight * keep);
        }
        double weight = newWeights.get(at) + 1;
        double off = y - means.get(at);
        newWeights.set(at, weight);
        newMeans.set(at, means.get(at) + off / weight);
        newSquares.set(at, (1 - 1 / weight) * (squares.get(at) + off * off / weight));
        return new IsotonicCurve(rising, knots, newWeights, newMeans, newSquares);
    }

    /** The same curve, with what is known from {@code x} on counting less: it has just been contradicted. */
    public IsotonicCurve forgetFrom(double x, double keep) {
        Shares.ratio("keep", keep);
        List<Double> newWeights = new ArrayList<>(weights);
        for (int i = nearest(x); i < newWeights.size(); i++) {
            newWeights.set(i, newWeights.get(i) * keep);
        }
        return new IsotonicCurve(rising, knots, newWeights, means, squares);
    }

    /** The same curve, with what is known at {@code x} counting no more than so many points: it is to be learnt anew. */
    public IsotonicCurve weighing(double x, double most) {
        List<Double> newWeights = new ArrayList<>(weights);
        int at = nearest(x);
        newWeights.set(at, Math.min(newWeights.get(at), Shares.notNegative("weight of a knot", most)));
        return new IsotonicCurve(rising, knots, newWeights, means, squares);
    }

    private int nearest(double x) {
        int best = 0;
        for (int i = 1; i < knots.size(); i++) {
            if (Math.abs(knots.get(i) - x) < Math.abs(knots.get(best) - x)) {
                best = i;
            }
        }
        return best;
    }

    /** Whether nothing is known. */
    public boolean unknown() {
        return weights.stream().allMatch(w -> w == 0);
    }

    /** Fitted value at each knot; NaN everywhere when nothing is known. */
    public double[] fit() {
        int n = knots.size();
        double[] level = new double[n];
        double[] mass = new double[n];
        int[] length = new int[n];
        int blocks = 0;
        for (int i = 0; i < n; i++) {
            if (weights.get(i) == 0) {
                continue;
            }
            level[blocks] = rising ? means.get(i) : -means.get(i);
            mass[blocks] = weights.get(i);
            length[blocks] = 1;
            blocks++;
            while (blocks > 1 && level[blocks - 2] >= level[blocks - 1]) {
                double both = mass[blocks - 2] + mass[blocks - 1];
                level[blocks - 2] =
                        (level[blocks - 2] * mass[blocks - 2] + level[blocks - 1] * mass[blocks - 1]) / both;
                mass[blocks - 2] = both;
                length[blocks - 2] += length[blocks - 1];
                blocks--;
            }
        }
        return spread(level, length, blocks);
    }

    private double[] spread(double[] level, int[] length, int blocks) {
        double[] fitted = new double[knots.size()];
        double before = Double.NaN;
        int block = 0;
        int used = 0;
        for (int i = 0; i < fitted.length; i++) {
            if (weights.get(i) > 0) {
                if (used == length[block]) {
                    block++;
                    used = 0;
                }
                used++;
                before = rising ? level[block] : -level[block];
            }
            fitted[i] = before;
        }
        // Knots before the first known one.
        for (int i = 0; i < fitted.length && blocks > 0 && Double.isNaN(fitted[i]); i++) {
            fitted[i] = rising ? level[0] : -level[0];
        }
        return fitted;
    }

    /** Fitted value at {@code x}, the ends' outside the knots; NaN when nothing is known. */
    public double at(double x) {
        return between(fit(), x);
    }

    private double between(double[] fitted, double x) {
        int last = fitted.length - 1;
        if (x <= knots.getFirst()) {
            return fitted[0];
        }
        if (x >= knots.get(last)) {
            return fitted[last];
        }
        int i = 1;
        while (knots.get(i) < x) {
            i++;
        }
        double part = (x - knots.get(i - 1)) / (knots.get(i) - knots.get(i - 1));
        return fitted[i - 1] + part * (fitted[i] - fitted[i - 1]);
    }

    /** Fitted value at {@code x} and {@code deviations} standard errors of the nearest knot above it. */
    public double upperAt(double x, double deviations) {
        int i = nearest(x);
        double weight = Math.max(1, weights.get(i));
        return at(x) + deviations * Math.sqrt(squares.get(i) / weight);
    }

    /** Steepest rise (or fall, as a positive number) between two knots; 0 when nothing is known. */
    public double steepest() {
        double[] fitted = fit();
        double steepest = 0;
        for (int i = 1; i < fitted.length && !unknown(); i++) {
            steepest = Math.max(steepest, Math.abs(fitted[i] - fitted[i - 1]) / (knots.get(i) - knots.get(i - 1)));
        }
        return steepest;
    }
}

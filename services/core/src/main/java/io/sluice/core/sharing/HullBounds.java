package io.sluice.core.sharing;

import java.util.ArrayList;
import java.util.List;

/**
 * What is known of the hull of all points (lanes A, cost T): lines {@code T + s A >= z} below it, by rising slope s, the
 * first {@code T >= leastCost}, the last {@code A >= leastLanes}. Between two neighbours lies a corner. Not thread-safe.
 */
final class HullBounds {
    private final int deviceLanes;
    private final double leastLanes;
    private final List<Line> lines = new ArrayList<>();
    private int lowest;

    /** @param lanes and cost: a point on the line; NaN where none is known */
    private record Line(double slope, double bound, double lanes, double cost) {
        boolean touches() {
            return !Double.isNaN(lanes);
        }
    }

    HullBounds(int deviceLanes, double leastLanes, double leastCost) {
        this.deviceLanes = deviceLanes;
        this.leastLanes = leastLanes;
        lines.add(new Line(0, leastCost, Double.NaN, Double.NaN));
    }

    /** The least of {@code T + slope A} is at this point. */
    void add(double slope, double lanes, double cost) {
        Line line = new Line(slope, cost + slope * lanes, lanes, cost);
        int at = 0;
        while (at < lines.size() && lines.get(at).slope() < slope) {
            at++;
        }
        if (at < lines.size() && lines.get(at).slope() == slope) {
            lines.set(at, line);
        } else {
            lines.add(at, line);
        }
    }

    /** Objective at the lowest corner: no point is below it. */
    double lowestCorner() {
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < lines.size(); i++) {
            double corner = corner(i);
            if (corner < least) {
                least = corner;
                lowest = i;
            }
        }
        return least;
    }

    /** Objective at the corner between line {@code i} and the next one. */
    private double corner(int i) {
        Line left = lines.get(i);
        double lanes;
        if (i + 1 == lines.size()) {
            lanes = leastLanes;
        } else {
            Line right = lines.get(i + 1);
            lanes = Math.max(leastLanes, (right.bound() - left.bound()) / (right.slope() - left.slope()));
        }
        double cost = left.bound() - left.slope() * lanes;
        // Rounding may put the corner beyond a point that both lines touch.
        if (left.touches() && i + 1 < lines.size() && lines.get(i + 1).touches()) {
            Line right = lines.get(i + 1);
            if (left.lanes() <= right.lanes() * (1 + 1e-12)) {
                return (1 + right.lanes() / deviceLanes) * right.cost();
            }
        }
        return (1 + lanes / deviceLanes) * cost;
    }

    /** A slope whose line cuts the lowest corner off. */
    double slopeForLowestCorner() {
        Line left = lines.get(lowest);
        if (!left.touches()) {
            return left.slope();
        }
        if (lowest + 1 == lines.size()) {
            return left.slope() * 4 + left.bound() / deviceLanes * 1e-3;
        }
        Line right = lines.get(lowest + 1);
        double chord = (right.cost() - left.cost()) / (left.lanes() - right.lanes());
        boolean between = chord > left.slope() && chord < right.slope();
        return between ? chord : left.slope() + (right.slope() - left.slope()) / 2;
    }
}

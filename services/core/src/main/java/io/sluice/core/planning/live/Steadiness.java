package io.sluice.core.planning.live;

/**
 * How often a worker went of late, and whether it is held still for that: flap damping as of routes in networks (RFC
 * 2439). Every departure adds 1 to a penalty that halves in a half-life; above {@value #HOLD} the worker is held, until
 * the penalty falls below {@value #RELEASE}. While held it keeps the layers that it has, or none, and neither its coming
 * nor its going is a reason to place again, unless layers are left without a worker. Immutable.
 *
 * @param penalty at {@code atMillis}
 * @param atMillis of the last departure, planner's clock
 * @param held whether it is held still
 */
public record Steadiness(double penalty, long atMillis, boolean held) {
    static final Steadiness STEADY = new Steadiness(0, 0, false);

    private static final double HOLD = 1.5;
    private static final double RELEASE = 0.75;
    /** So that the wait after the last departure has a bound: some 2.4 half-lives. */
    private static final double MOST = 4;

    private static final double FORGOTTEN = 0.05;

    /** After a departure. */
    Steadiness left(long nowMillis, long halfLifeMillis) {
        double more = Math.min(MOST, at(nowMillis, halfLifeMillis) + 1);
        return new Steadiness(more, nowMillis, held || more > HOLD);
    }

    /** As time passes. */
    Steadiness later(long nowMillis, long halfLifeMillis) {
        return held && at(nowMillis, halfLifeMillis) < RELEASE ? new Steadiness(penalty, atMillis, false) : this;
    }

    boolean forgotten(long nowMillis, long halfLifeMillis) {
        return !held && at(nowMillis, halfLifeMillis) < FORGOTTEN;
    }

    private double at(long nowMillis, long halfLifeMillis) {
        if (halfLifeMillis == 0) {
            return 0;
        }
        return penalty * Math.pow(2, -(double) Math.max(0, nowMillis - atMillis) / halfLifeMillis);
    }
}

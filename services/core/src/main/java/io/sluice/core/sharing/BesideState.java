package io.sluice.core.sharing;

import java.util.List;
import java.util.Objects;

/**
 * What {@link BesidePlanner} carries for one device. Immutable.
 *
 * @param most side lanes that the device has; 0: none
 * @param chosen how many of them best-effort work may use
 * @param sinceNanos since when; {@link Long#MIN_VALUE}: never chosen
 * @param slowdown how many times as long steps take, by lanes, rising
 * @param worth units per second of steps beside which they were done, less what the gaps lost by waiting for batches to come
 *     back, by lanes, rising
 * @param gapRate units per second of slices in the gaps; 0: unknown
 * @param aloneNanos usual time of a step alone; 0: unknown
 * @param restUntilNanos no larger number is tried before
 * @param failures numbers given up in a row
 */
public record BesideState(
        int most,
        int chosen,
        long sinceNanos,
        IsotonicCurve slowdown,
        IsotonicCurve worth,
        double gapRate,
        double aloneNanos,
        long restUntilNanos,
        int failures) {
    /** Of a device without side lanes. */
    public static final BesideState NONE = of(0);

    public BesideState {
        Objects.requireNonNull(slowdown, "slowdown");
        Objects.requireNonNull(worth, "worth");
        Shares.notNegative("side lanes", most);
        if (chosen < 0 || chosen > most) {
            throw new IllegalArgumentException(chosen + " side lanes chosen of " + most);
        }
        Shares.notNegative("units per second in the gaps", gapRate);
        Shares.notNegative("usual step in ns", aloneNanos);
        Shares.notNegative("numbers given up", failures);
    }

    /** Nothing known of a device with so many side lanes. */
    static BesideState of(int most) {
        IsotonicCurve unknown =
                IsotonicCurve.unknown(true, most == 0 ? List.of(0.0) : IsotonicCurve.even(0, most, most + 1));
        return new BesideState(most, 0, Long.MIN_VALUE, unknown, unknown, 0, 0, Long.MIN_VALUE, 0);
    }

    BesideState choose(int lanes, long nowNanos, long newRestUntilNanos, int newFailures) {
        return new BesideState(
                most,
                lanes,
                lanes == chosen ? sinceNanos : nowNanos,
                slowdown,
                worth,
                gapRate,
                aloneNanos,
                newRestUntilNanos,
                newFailures);
    }

    BesideState learnt(IsotonicCurve newSlowdown, IsotonicCurve newWorth, double newGapRate, double newAloneNanos) {
        return new BesideState(
                most, chosen, sinceNanos, newSlowdown, newWorth, newGapRate, newAloneNanos, restUntilNanos, failures);
    }
}

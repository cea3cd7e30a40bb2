package io.sluice.core.sharing;

import java.util.List;
import java.util.Locale;

/**
 * L2 of side lanes: how many parts of a device (cores, pools) best-effort work may use beside latency-critical work, from
 * nothing to all, learnt from what steps and slices did with each number. Both the slowdown of steps and what is done beside them
 * rise with the number, so each is an {@link IsotonicCurve}, which forgets.
 *
 * <p><b>Worth.</b> In one second that steps would take alone, {@code k} lanes make them {@code s} times as long and do {@code r}
 * units a second beside them, while the gaps, where {@code g} units a second are done, lose {@code s - 1} seconds:
 * {@code s r - (s - 1) g}. The number worth most is taken, of those with a slowdown within the objective's slack, and none is where
 * nothing is worth more than the gaps alone.
 *
 * <p><b>Trying.</b> The next number is tried only where the one in use is known, within the slack and worth it. What is known
 * not to be safe any more is left at once; everything else changes after a dwell. A number that is given up is tried again after
 * {@value #REST_SECONDS} s, and after twice as long each further time, up to 32 times as long, with its past forgotten.
 *
 * <p>While a number is tried, the worker's own law takes lanes away with the first step that misses, so trying costs no more
 * misses than the law allows. Stateless and thread-safe.
 */
public final class BesidePlanner {
    /** Rest of a number of lanes that was given up, s. */
    public static final int REST_SECONDS = 60;

    /** Reports with a number of lanes that make it known. */
    static final double KNOWN = 4;

    private static final double KEEP = 0.98;
    private static final double NEWEST = 0.1;
    private static final int MOST_DOUBLINGS = 5;
    private static final double KNOWN_ROUNDING = 0.9;

    private final LatencyObjective objective;
    private final long dwellNanos;
    private final double hysteresis;

    /**
     * What is to hold from now on.
     *
     * @param why in words; empty: nothing has changed
     */
    public record Choice(BesideState state, String why) {}

    /**
     * @param dwellNanos how long a number stays, unless it is not safe
     * @param hysteresis part by which another number must be worth more
     */
    public BesidePlanner(LatencyObjective objective, long dwellNanos, double hysteresis) {
        this.objective = objective;
        this.dwellNanos = Shares.notNegative("dwell in ns", dwellNanos);
        this.hysteresis = Shares.ratio("hysteresis", hysteresis);
    }

    /** A report of a device with {@code most} side lanes, which can be believed. */
    public BesideState learnt(BesideState before, int most, List<PoolSample> pools) {
        BesideState state = before.most() == most ? before : BesideState.of(most);
        IsotonicCurve slowdown = state.slowdown();
        IsotonicCurve worth = state.worth();
        double gapRate = state.gapRate();
        double alone = state.aloneNanos();
        for (PoolSample pool : pools) {
            if (pool.lanes() == 0 && pool.runNanos() > 0) {
                gapRate = smoothed(gapRate, pool.units() / pool.runNanos() * 1e9);
            }
        }
        for (PoolSample pool : pools) {
            if (pool.lanes() > most || pool.batches() == 0 || pool.serviceNanos() <= 0 || pool.aloneNanos() <= 0) {
                continue;
            }
            alone = smoothed(alone, pool.aloneNanos() / pool.batches());
            slowdown = slowdown.with(pool.lanes(), pool.serviceNanos() / pool.aloneNanos(), KEEP);
            if (pool.lanes() > 0) {
                double lost = gapRate * pool.keptNanos() / 1e9;
                worth = worth.with(pool.lanes(), (pool.units() - lost) / pool.serviceNanos() * 1e9, KEEP);
            }
        }
        return most == 0 ? state : state.learnt(slowdown, worth, gapRate, alone);
    }

    private static double smoothed(double known, double now) {
        return known == 0 ? now : known + NEWEST * (now - known);
    }

    /** How many side lanes to use from now on; to be asked now and then. */
    public Choice choose(BesideState state, long nowNanos) {
        int now = state.chosen();
        if (state.most() == 0 || state.aloneNanos() == 0) {
            return new Choice(state, "");
        }
        if (now > 0 && known(state, now) && !safe(state, now)) {
            int best = best(state, now - 1);
            return givenUp(state, best, nowNanos, longer(state, now));
        }
        boolean rested = state.sinceNanos() == Long.MIN_VALUE || nowNanos - state.sinceNanos() >= dwellNanos;
        if (!rested || (now > 0 && !known(state, now))) {
            return new Choice(state, "");
        }
        int best = best(state, nowNanos >= state.restUntilNanos() ? state.most() : now);
        boolean better = value(state, best) > value(state, now) + hysteresis * Math.abs(value(state, now));
        if (best < now && better) {
            return givenUp(state, best, nowNanos, worthNo(state, now));
        }
        if (best > now && better) {
            return new Choice(
                    state.choose(best, nowNanos, state.restUntilNanos(), state.failures()), paysNow(state, best));
        }
        if (now < state.most() && (now == 0 || value(state, now) > 0) && nowNanos >= state.restUntilNanos()) {
            return tried(state, now + 1, nowNanos);
        }
        boolean proven = now > 0 && nowNanos - state.sinceNanos() >= REST_SECONDS * 1_000_000_000L;
        return new Choice(proven ? state.choose(now, nowNanos, state.restUntilNanos(), 0) : state, "");
    }

    private Choice tried(BesideState state, int lanes, long nowNanos) {
        BesideState fresh = state.learnt(
                state.slowdown().forgetFrom(lanes, 0),
                state.worth().forgetFrom(lanes, 0),
                state.gapRate(),
                state.aloneNanos());
        return new Choice(
                fresh.choose(lanes, nowNanos, Long.MIN_VALUE, state.failures()), "trying " + cores(lanes) + " beside");
    }

    private Choice givenUp(BesideState state, int best, long nowNanos, String why) {
        int failures = Math.min(MOST_DOUBLINGS + 1, state.failures() + 1);
        long rest = REST_SECONDS * 1_000_000_000L << (failures - 1);
        return new Choice(
                state.choose(best, nowNanos, Shares.plus(nowNanos, rest), failures),
                why + ": " + (best == 0 ? "gaps only" : cores(best)));
    }

    private String longer(BesideState state, int lanes) {
        return String.format(
                Locale.ROOT,
                "%s beside %s steps %.2f times as long",
                cores(lanes),
                lanes == 1 ? "makes" : "make",
                state.slowdown().at(lanes));
    }

    private String worthNo(BesideState state, int lanes) {
        return String.format(
                Locale.ROOT,
                "%s beside %s worth %.3g units a second where the gaps do %.3g",
                cores(lanes),
                lanes == 1 ? "is" : "are",
                value(state, lanes),
                state.gapRate());
    }

    private String paysNow(BesideState state, int lanes) {
        return String.format(
                Locale.ROOT,
                "%s beside: steps %.2f times as long, worth %.3g units a second",
                cores(lanes),
                state.slowdown().at(lanes),
                value(state, lanes));
    }

    private static String cores(int lanes) {
        return lanes == 1 ? "a core" : lanes + " cores";
    }

    /** The number worth most of those known and safe up to {@code most}; 0 where none is worth anything. */
    private int best(BesideState state, int most) {
        int best = 0;
        for (int lanes = 1; lanes <= most && known(state, lanes) && safe(state, lanes); lanes++) {
            best = value(state, lanes) > value(state, best) ? lanes : best;
        }
        return best;
    }

    /** The number in use must have been seen often enough; others were, and are remembered. */
    private static boolean known(BesideState state, int lanes) {
        double weight = state.slowdown().weights().get(lanes);
        return lanes == state.chosen() ? weight >= KNOWN * KNOWN_ROUNDING : weight > 0;
    }

    private boolean safe(BesideState state, int lanes) {
        double alone = state.aloneNanos();
        return (state.slowdown().at(lanes) - 1) * alone <= objective.slackNanos(alone, 0);
    }

    /** Units that a number of lanes brings in a second that steps would take alone, after what the gaps lose. */
    static double value(BesideState state, int lanes) {
        if (lanes == 0 || state.worth().unknown()) {
            return 0;
        }
        double slowdown = Math.max(1, state.slowdown().at(lanes));
        return slowdown * state.worth().at(lanes) - (slowdown - 1) * state.gapRate();
    }
}

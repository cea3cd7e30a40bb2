package io.sluice.core.planning;

import io.sluice.core.planning.CapacityEstimate.Pending;
import io.sluice.core.planning.CapacityEstimate.Steady;
import java.util.Optional;

/**
 * Turns device telemetry into a worker's capacity: tokens per second of busy time.
 *
 * <p>Tokens per busy second by itself jumps with every prompt, because a prompt token costs a fraction of a decode
 * token, and with the batch, because a batch has a fixed cost: a worker that got more sessions would look faster, and
 * get more still. So the work of an interval is first expressed in the seconds it should have taken by the announced
 * {@link BatchCost} (or, where none was announced, at the announced speeds, {@code prefill/P + decode/D}); the sum of
 * those seconds over the sum of busy seconds is the speed factor, and the capacity is the factor times the announced
 * speed under the model's common {@link TokenMix}.
 *
 * <p>Both sums forget with busy time, so an idle worker keeps what is known of it. They are kept twice. The recent pair
 * ({@link #MEMORY_SECONDS}, or {@link #MEMORY_BATCHES} where batches are long) follows a change at once and shakes with
 * whatever else the machine does; the steady pair remembers {@link #STEADY_SECONDS} and is the estimate. When the recent
 * one is off by more than {@link #CONTRADICTION} in {@value #CONTRADICTIONS} reports in a row, the steady one begins anew
 * from it: a halved speed is within a tenth of its new value after one second of busy time, and a busy moment of a shared
 * machine is not an epoch. Work is gathered until it fills {@link #LEAST_BUSY_SECONDS}: shorter times are too coarse, and a batch
 * longer than the interval brings its tokens only at its end. The announcement counts like {@link #PRIOR_SECONDS} of
 * measurement. Stateless and thread-safe.
 */
public final class CapacityEstimator {
    /** Busy time after which a measurement counts 1/e, seconds. */
    public static final double MEMORY_SECONDS = 0.4;
    /** The same in batches, where that is longer: a batch under way is in the time but not yet in the tokens. */
    public static final double MEMORY_BATCHES = 8;
    /** Busy time after which a measurement counts 1/e in the estimate, seconds. */
    public static final double STEADY_SECONDS = 5;
    /** How far the recent measurement must be off, as a factor. */
    public static final double CONTRADICTION = 1.25;
    /** How often in a row. */
    public static final int CONTRADICTIONS = 2;
    /** Busy time after which tokens count 1/e in the mix, seconds. */
    public static final double MIX_MEMORY_SECONDS = 20;
    /** Weight of the announced speed, seconds of busy time. */
    public static final double PRIOR_SECONDS = 0.2;
    /** Work with less busy time waits for more, seconds. */
    public static final double LEAST_BUSY_SECONDS = 0.02;
    /** A device busy for so long without finishing anything is slow, seconds. */
    public static final double STUCK_SECONDS = 10;

    private static final double LONGEST_MEMORY_SECONDS = 4;
    private static final double LEAST_PLAUSIBLE_SECONDS = 0.005;
    private static final double SLOWEST_FACTOR = 1e-3;
    private static final double FASTEST_FACTOR = 1e3;
    private static final long MAX_INTERVAL_MILLIS = 3_600_000;
    private static final double MAX_TOKENS_PER_SECOND = 1e9;

    private final long leaseMillis;
    private final long futureMillis;

    /**
     * @param leaseMillis reports older than this are stale
     * @param futureMillis how far a worker's clock may be ahead
     */
    public CapacityEstimator(long leaseMillis, long futureMillis) {
        this.leaseMillis = leaseMillis;
        this.futureMillis = futureMillis;
    }

    /** What is known of a worker that has only announced its speeds, tokens/s. */
    public static CapacityEstimate announced(double prefillTokensPerSecond, double decodeTokensPerSecond) {
        return new CapacityEstimate(
                prefillTokensPerSecond,
                decodeTokensPerSecond,
                PRIOR_SECONDS,
                PRIOR_SECONDS,
                0,
                0,
                Pending.NONE,
                new Steady(PRIOR_SECONDS, PRIOR_SECONDS, 0));
    }

    /**
     * Why {@code sample} cannot be used; empty when it can.
     *
     * @param incarnation the worker's announced incarnation
     * @param lastSequence newest sequence used of that incarnation; -1: none
     */
    public Optional<Rejection> judge(DeviceSample sample, long incarnation, long lastSequence, long nowMillis) {
        String who = "telemetry of " + sample.worker() + " (sequence " + sample.sequence() + "): ";
        if (sample.incarnation() < incarnation) {
            return reject(
                    Rejection.Kind.OLD_INCARNATION,
                    who + "incarnation " + sample.incarnation() + " is older than " + incarnation
                            + "; stop the old process");
        }
        if (sample.incarnation() > incarnation) {
            return reject(
                    Rejection.Kind.UNANNOUNCED,
                    who + "incarnation " + sample.incarnation() + " has not announced itself");
        }
        String absurd = absurdity(sample);
        if (absurd != null) {
            return reject(Rejection.Kind.INVALID, who + absurd + "; mend the worker's measurement");
        }
        Optional<Rejection> untimely = judgeTime(who, sample.atMillis(), nowMillis);
        if (untimely.isPresent()) {
            return untimely;
        }
        if (sample.sequence() <= lastSequence) {
            return reject(Rejection.Kind.DUPLICATE, who + "already at sequence " + lastSequence);
        }
        return Optional.empty();
    }

    /** Why a report made at {@code atMillis} is too old or from the future; empty when it is neither. */
    Optional<Rejection> judgeTime(String who, long atMillis, long nowMillis) {
        // Both are compared against a bound, never subtracted: atMillis can be anything.
        if (atMillis > nowMillis + futureMillis) {
            return reject(
                    Rejection.Kind.FUTURE,
                    who + "made at " + atMillis + " ms, the planner's clock says " + nowMillis
                            + " ms; synchronise the clocks");
        }
        if (atMillis < nowMillis - leaseMillis) {
            return reject(
                    Rejection.Kind.STALE,
                    who + "made at " + atMillis + " ms, more than " + leaseMillis + " ms before the planner's "
                            + nowMillis + " ms");
        }
        return Optional.empty();
    }

    private static Optional<Rejection> reject(Rejection.Kind kind, String message) {
        return Optional.of(new Rejection(kind, message));
    }

    private static String absurdity(DeviceSample s) {
        if (s.sequence() < 0) {
            return "the sequence is negative";
        }
        if (s.intervalMillis() < 0 || s.intervalMillis() > MAX_INTERVAL_MILLIS) {
            return "interval of " + s.intervalMillis() + " ms is not between 0 and " + MAX_INTERVAL_MILLIS;
        }
        if (s.busyMicros() < 0 || s.busyMicros() > MAX_INTERVAL_MILLIS * 1_000) {
            return "busy time of " + s.busyMicros() + " us is negative or longer than an hour";
        }
        if (!(s.utilization() >= 0) || s.utilization() > 1.5) {
            return "utilization of " + s.utilization() + " is not a ratio";
        }
        if (s.prefillTokens() < 0 || s.decodeTokens() < 0 || s.batches() < 0) {
            return s.prefillTokens() + " prompt and " + s.decodeTokens() + " decode tokens in " + s.batches()
                    + " batches: negative";
        }
        double tokens = (double) s.prefillTokens() + s.decodeTokens() + s.batches();
        double seconds = Math.max(s.busyMicros() / 1e6, LEAST_PLAUSIBLE_SECONDS);
        if (tokens / seconds > MAX_TOKENS_PER_SECOND) {
            return tokens + " tokens and batches in " + s.busyMicros() + " us of busy time is beyond any device";
        }
        return null;
    }

    /** {@code e} after a sample that {@link #judge} let pass. */
    public CapacityEstimate update(CapacityEstimate e, BatchCost cost, DeviceSample sample) {
        double expected = cost.known() && sample.batches() > 0
                ? cost.seconds(sample.batches(), sample.prefillTokens(), sample.decodeTokens())
                : sample.prefillTokens() / e.prefillTokensPerSecond()
                        + sample.decodeTokens() / e.decodeTokensPerSecond();
        double busy = sample.busyMicros() / 1e6;
        Pending pending = new Pending(
                e.pending().expectedSeconds() + expected,
                e.pending().busySeconds() + busy,
                e.pending().batches() + sample.batches());
        boolean counts = pending.busySeconds() >= LEAST_BUSY_SECONDS
                && (pending.expectedSeconds() > 0 || pending.busySeconds() > STUCK_SECONDS);
        double busySum = e.busySeconds();
        double factor = e.expectedSeconds() / e.busySeconds();
        Steady steady = e.steady();
        if (counts) {
            double keep = Math.exp(-pending.busySeconds() / memorySeconds(pending));
            busySum = e.busySeconds() * keep + pending.busySeconds();
            double expectedSum = e.expectedSeconds() * keep + pending.expectedSeconds();
            factor = Math.clamp(expectedSum / busySum, SLOWEST_FACTOR, FASTEST_FACTOR);
            steady = steady(steady, pending, factor);
        }
        double keepMix = Math.exp(-busy / MIX_MEMORY_SECONDS);
        return new CapacityEstimate(
                e.prefillTokensPerSecond(),
                e.decodeTokensPerSecond(),
                factor * busySum,
                busySum,
                e.prefillTokens() * keepMix + sample.prefillTokens(),
                e.decodeTokens() * keepMix + sample.decodeTokens(),
                counts ? Pending.NONE : pending,
                steady);
    }

    /** @param recent speed factor by the recent measurement, this work included */
    private static Steady steady(Steady s, Pending work, double recent) {
        double memory = Math.max(STEADY_SECONDS, memorySeconds(work));
        double keep = Math.exp(-work.busySeconds() / memory);
        double busySum = s.busySeconds() * keep + work.busySeconds();
        double expectedSum = s.expectedSeconds() * keep + work.expectedSeconds();
        double factor = Math.clamp(expectedSum / busySum, SLOWEST_FACTOR, FASTEST_FACTOR);
        // The recent one remembers a bad moment a while longer: this work must say the same.
        double now = work.expectedSeconds() / work.busySeconds();
        boolean contradicted =
                Math.min(recent, now) > factor * CONTRADICTION || Math.max(recent, now) * CONTRADICTION < factor;
        int contradictions = contradicted ? s.contradictions() + 1 : 0;
        if (contradictions >= CONTRADICTIONS) {
            // The recent one still remembers the time before: it counts little against what comes next.
            double little = work.busySeconds() / 2;
            return new Steady(recent * little, little, 0);
        }
        return new Steady(factor * busySum, busySum, contradictions);
    }

    private static double memorySeconds(Pending work) {
        double batchSeconds = work.busySeconds() / Math.max(1, work.batches());
        return Math.clamp(MEMORY_BATCHES * batchSeconds, MEMORY_SECONDS, LONGEST_MEMORY_SECONDS);
    }
}

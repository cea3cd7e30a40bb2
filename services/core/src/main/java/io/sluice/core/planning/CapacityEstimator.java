package io.sluice.core.planning;

import java.util.Optional;

/**
 * Turns device telemetry into a worker's capacity: tokens per second of busy time.
 *
 * <p>Tokens per busy second by itself jumps with every prompt, because a prompt token costs a fraction of a decode
 * token, and with the batch, because a batch has a fixed cost: a worker that got more sessions would look faster, and get
 * more still. So the work of an interval is first expressed in the seconds it should have taken by the announced
 * {@link BatchCost} (or, where none was announced, at the announced speeds, {@code prefill/P + decode/D}); the sum of those seconds over the sum of busy seconds is the speed factor, and the
 * capacity is the factor times the announced speed under the model's common {@link TokenMix}. Both sums forget with busy
 * time ({@link #MEMORY_SECONDS}), so an idle worker keeps what is known of it, and a halved speed is within a tenth of
 * its new value after one second of busy time. The announcement counts like {@link #PRIOR_SECONDS} of measurement.
 *
 * <p>Stateless and thread-safe.
 */
public final class CapacityEstimator {
    /** Busy time after which a measurement counts 1/e, seconds. */
    public static final double MEMORY_SECONDS = 0.4;
    /** Busy time after which tokens count 1/e in the mix, seconds. */
    public static final double MIX_MEMORY_SECONDS = 20;
    /** Weight of the announced speed, seconds of busy time. */
    public static final double PRIOR_SECONDS = 0.2;
    /** Intervals with less busy time are too coarse to say anything, microseconds. */
    public static final long MIN_BUSY_MICROS = 5_000;

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
                prefillTokensPerSecond, decodeTokensPerSecond, PRIOR_SECONDS, PRIOR_SECONDS, 0, 0);
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
            return reject(Rejection.Kind.OLD_INCARNATION, who + "incarnation " + sample.incarnation()
                    + " is older than " + incarnation + "; stop the old process");
        }
        if (sample.incarnation() > incarnation) {
            return reject(Rejection.Kind.UNANNOUNCED, who + "incarnation " + sample.incarnation()
                    + " has not announced itself");
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
            return reject(Rejection.Kind.FUTURE, who + "made at " + atMillis + " ms, the planner's clock says "
                    + nowMillis + " ms; synchronise the clocks");
        }
        if (atMillis < nowMillis - leaseMillis) {
            return reject(Rejection.Kind.STALE, who + "made at " + atMillis + " ms, more than " + leaseMillis
                    + " ms before the planner's " + nowMillis + " ms");
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
        double seconds = Math.max(s.busyMicros(), MIN_BUSY_MICROS) / 1e6;
        if (tokens / seconds > MAX_TOKENS_PER_SECOND) {
            return tokens + " tokens and batches in " + s.busyMicros() + " us of busy time is beyond any device";
        }
        return null;
    }

    /** {@code estimate} after a sample that {@link #judge} let pass; unchanged when the interval says too little. */
    public CapacityEstimate update(CapacityEstimate estimate, BatchCost cost, DeviceSample sample) {
        double expected = cost.known() && sample.batches() > 0
                ? cost.seconds(sample.batches(), sample.prefillTokens(), sample.decodeTokens())
                : sample.prefillTokens() / estimate.prefillTokensPerSecond()
                        + sample.decodeTokens() / estimate.decodeTokensPerSecond();
        if (sample.busyMicros() < MIN_BUSY_MICROS || !(expected > 0)) {
            return estimate;
        }
        double busy = sample.busyMicros() / 1e6;
        double keep = Math.exp(-busy / MEMORY_SECONDS);
        double busySum = estimate.busySeconds() * keep + busy;
        double expectedSum = estimate.expectedSeconds() * keep + expected;
        double factor = Math.clamp(expectedSum / busySum, SLOWEST_FACTOR, FASTEST_FACTOR);
        double keepMix = Math.exp(-busy / MIX_MEMORY_SECONDS);
        return new CapacityEstimate(
                estimate.prefillTokensPerSecond(),
                estimate.decodeTokensPerSecond(),
                factor * busySum,
                busySum,
                estimate.prefillTokens() * keepMix + sample.prefillTokens(),
                estimate.decodeTokens() * keepMix + sample.decodeTokens());
    }
}

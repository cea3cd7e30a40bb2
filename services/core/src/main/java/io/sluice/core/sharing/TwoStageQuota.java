package io.sluice.core.sharing;

/**
 * One quota from two objectives, because the two ways of sharing cost differently. A request that takes a device over from
 * best-effort work loses a fixed time, and much work is won for it; work beside a request slows the whole request, and
 * little is won where its kernels fill the device. One objective for both either forbids the first for the price of the
 * second or lets the second use up what the first leaves.
 *
 * <p>So the <i>objective</i>, with the {@link ConformalQuota} of its own, throttles the idle time (the quota up to the knee
 * of {@link GateSettings}) and stops all best-effort work at 0: the bound of that law holds for it as it is. A <i>tighter</i>
 * objective with a second state of the same law moves the lanes beside requests (the quota above the knee): work beside a
 * request goes on only while at most the allowed share of requests misses the tighter one, whatever made them miss it. The
 * second state can only lower the quota towards the knee, so it does not weaken the bound. Not thread-safe.
 */
public final class TwoStageQuota {
    private final ConformalQuota law;
    private final double knee;
    private final long objectiveNanos;
    private final long besideNanos;
    private QuotaState idle;
    private QuotaState beside;

    /**
     * @param knee of the gate, in (0, 1)
     * @param objectiveNanos no more than the law's share of requests may take longer
     * @param besideNanos the same for work beside requests; at most the objective
     * @param firstBeside share of the lanes beside requests to begin with, 0 to 1
     */
    public TwoStageQuota(ConformalQuota law, double knee, long objectiveNanos, long besideNanos, double firstBeside) {
        if (!(knee > 0 && knee < 1)) {
            throw new IllegalArgumentException("knee is " + knee + ": two stages need one inside (0, 1)");
        }
        Shares.notNegative("objective in ns", objectiveNanos);
        Shares.notNegative("objective beside requests in ns", besideNanos);
        if (besideNanos > objectiveNanos) {
            throw new IllegalArgumentException("the objective beside requests, " + besideNanos
                    + " ns, is looser than the objective of " + objectiveNanos + " ns: it must be at most that");
        }
        this.law = law;
        this.knee = knee;
        this.objectiveNanos = objectiveNanos;
        this.besideNanos = besideNanos;
        this.idle = QuotaState.startingAt(1);
        this.beside = QuotaState.startingAt(firstBeside);
    }

    /** A request was served for {@code serviceNanos}; the quota from now on. */
    public double observe(long serviceNanos, long nowNanos) {
        idle = law.observe(idle, SloReport.one(serviceNanos > objectiveNanos, Double.NaN), nowNanos);
        beside = law.observe(beside, SloReport.one(serviceNanos > besideNanos, Double.NaN), nowNanos);
        return quota();
    }

    /** The quota now: the idle stage where it throttles, else the knee and what the other stage allows above it. */
    public double quota() {
        double throttled = idle.quota();
        return throttled < knee ? throttled : Math.min(throttled, knee + (1 - knee) * beside.quota());
    }

    /** Requests that missed the objective. */
    public long violations() {
        return idle.violations();
    }

    /** Requests seen. */
    public long requests() {
        return idle.requests();
    }
}

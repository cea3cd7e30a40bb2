package io.sluice.core.sharing;

/**
 * L1: moves the quota by each latency-critical request, {@code p <- min(1, p + eta (delta - v))} with v = 1 for a request
 * that missed its objective; the quota is {@code max(0, p)}. This is the update of adaptive conformal inference (Gibbs
 * and Candes, NeurIPS 2021), a Robbins-Monro step (1951) on the violation rate; it knows nothing of the device, and
 * load, kernels and tenants may drift as they like.
 *
 * <p><b>Bound.</b> Over any T requests that count, whatever happens,
 * <pre>   (1/T) sum v  &lt;=  delta + (1 + R + eta (1 + D)) / (eta T)</pre>
 * provided that best-effort work violates nothing once it has been stopped for D requests (D: requests under way when
 * the quota changes, 0 where every request is reported before the next one starts). R is the sum of rises from outside
 * ({@link #raise}), 0 without them. <i>Proof sketch.</i> Every step has {@code p' <= p + eta (delta - v)}: the upper clip,
 * the guard and the hold only lower p', and a rise adds to R. Summed, {@code eta sum v <= eta delta T + p(1) + R - p(T+1)}.
 * At {@code p <= 0} best-effort work is stopped, so after at most D more violations, each worth at most eta, only
 * {@code v = 0} follows and p rises; and the violation that took p to 0 or below took at most eta: {@code p(T+1) >= -eta
 * (1 + D)}. With {@code p(1) <= 1} the bound follows.
 *
 * <p>So p must be allowed below 0. Clipped at 0 the debt of a violation is forgiven, and a device that violates whenever
 * the quota is positive makes every other request a violation, however small delta is. Violations reported below
 * {@code -eta (1 + D)} cannot be ours and change nothing.
 *
 * <p><b>Guard.</b> {@value #GUARD_VIOLATIONS} violations in {@value #GUARD_WINDOW} requests halve the quota and keep it
 * from rising for a dwell. <b>Freeze.</b> Violations of which best-effort work caused less than {@code freezeBelow} of the
 * waiting change nothing and do not count (nor do the requests of the same report): an overloaded server would otherwise
 * starve best-effort work for nothing.
 *
 * <p>Stateless and thread-safe.
 *
 * @param target delta, the allowed share of violations: 0.01 for a 99th percentile
 * @param step eta, see {@link #stepFor}
 * @param delayRequests D
 * @param dwellNanos how long the guard holds
 * @param freezeBelow caused share below which violations are not ours
 */
public record ConformalQuota(double target, double step, int delayRequests, long dwellNanos, double freezeBelow)
        implements QuotaLaw {
    /** Requests that the guard looks at. */
    public static final int GUARD_WINDOW = 20;
    /** Violations among them that make it act. */
    public static final int GUARD_VIOLATIONS = 2;
    /** Step to begin with. */
    public static final double FIRST_STEP = 0.05;

    /** Seconds without latency-critical requests in which the quota rises by 1, see {@link #idle}. */
    public static final double IDLE_RISE_SECONDS = 10;

    private static final long WINDOW_MASK = (1L << GUARD_WINDOW) - 1;

    public ConformalQuota {
        if (!(target > 0) || target >= 1) {
            throw new IllegalArgumentException("allowed share of violations is " + target + ": it must be in (0, 1)");
        }
        if (!(step > 0) || step > 1) {
            throw new IllegalArgumentException("step is " + step + ": it must be in (0, 1]");
        }
        Shares.notNegative("requests under way", delayRequests);
        Shares.notNegative("dwell in ns", dwellNanos);
        Shares.ratio("freeze threshold", freezeBelow);
    }

    /** Step {@value #FIRST_STEP}, dwell 100 ms, frozen below a caused share of a tenth, no delay. */
    public static ConformalQuota usual(double target) {
        return new ConformalQuota(target, FIRST_STEP, 0, 100_000_000L, 0.1);
    }

    /**
     * A stable step, nine tenths of {@code 1 / (2 G (1 + 2 D))} and at most {@value #FIRST_STEP}.
     *
     * @param slope G, by how much the violation probability rises with the quota; not positive: unknown
     * @param delayRequests D
     */
    public static double stepFor(double slope, int delayRequests) {
        if (!(slope > 0)) {
            return FIRST_STEP;
        }
        return Math.min(FIRST_STEP, 0.9 / (2 * slope * (1 + 2.0 * delayRequests)));
    }

    /** Right side of the bound after T requests and rises R. */
    public double bound(long requests, double raised) {
        return target + (1 + raised + step * (1 + delayRequests)) / (step * requests);
    }

    @Override
    public QuotaState observe(QuotaState state, SloReport report, long nowNanos) {
        if (report.requests() == 0) {
            return state;
        }
        if (report.violations() > 0 && !report.caused(freezeBelow)) {
            return new QuotaState(
                    state.level(),
                    state.recent(),
                    state.holdUntilNanos(),
                    state.requests(),
                    state.violations(),
                    state.frozen() + report.violations(),
                    state.raised());
        }
        double stepped = state.level() + step * (target * report.requests() - report.violations());
        double level = state.heldAt(nowNanos) ? Math.min(state.level(), stepped) : Math.min(1, stepped);
        level = Math.max(level, Math.min(state.level(), floor(report)));
        long recent = report.requests() >= GUARD_WINDOW ? 0 : state.recent() << report.requests();
        recent = (recent | ones(report.violations())) & WINDOW_MASK;
        long hold = state.holdUntilNanos();
        if (Long.bitCount(recent) >= GUARD_VIOLATIONS) {
            level = level > 0 ? level / 2 : level;
            recent = 0;
            hold = Math.max(hold, Shares.plus(nowNanos, dwellNanos));
        }
        return new QuotaState(
                level,
                recent,
                hold,
                state.requests() + report.requests(),
                state.violations() + report.violations(),
                state.frozen(),
                state.raised());
    }

    /** A report of several requests is at the same time their delay. */
    private double floor(SloReport report) {
        return -step * (1.0 + Math.max(delayRequests, report.requests() - 1));
    }

    private static long ones(long violations) {
        return violations >= GUARD_WINDOW ? WINDOW_MASK : (1L << violations) - 1;
    }

    /**
     * Time in which no latency-critical request was there: the quota, or what is owed, rises by a whole quota in {@value
     * #IDLE_RISE_SECONDS} s, for nobody is in the way and nothing else would ever raise it. The rise adds to R of the
     * bound, so a lull of that length lets at most {@code 1 / eta} violations more through. No change during a hold.
     */
    public QuotaState idle(QuotaState state, long idleNanos, long nowNanos) {
        Shares.notNegative("idle time in ns", idleNanos);
        double level = Math.min(1, state.level() + idleNanos / (IDLE_RISE_SECONDS * 1e9));
        if (level <= state.level() || state.heldAt(nowNanos)) {
            return state;
        }
        return new QuotaState(
                level,
                state.recent(),
                state.holdUntilNanos(),
                state.requests(),
                state.violations(),
                state.frozen(),
                state.raised() + level - state.level());
    }

    /** At most {@code ceiling}: L2 expects nothing good above it. */
    public QuotaState cap(QuotaState state, double ceiling) {
        return state.level() <= Shares.ratio("ceiling", ceiling) ? state : state.withLevel(ceiling);
    }

    /**
     * Jumps up to {@code quota}, because L2 expects it to be safe; the jump adds to R of the bound. No change during a
     * hold, with a debt, or where the quota is higher already.
     */
    public QuotaState raise(QuotaState state, double quota, long nowNanos) {
        Shares.ratio("quota", quota);
        if (state.level() < 0 || state.level() >= quota || state.heldAt(nowNanos)) {
            return state;
        }
        return new QuotaState(
                quota,
                state.recent(),
                state.holdUntilNanos(),
                state.requests(),
                state.violations(),
                state.frozen(),
                state.raised() + quota - state.level());
    }
}

package io.sluice.core.sharing;

/**
 * The simple baseline: additive increase, multiplicative decrease (Chiu and Jain, Computer Networks and ISDN Systems 17,
 * 1989). A report whose violations are more than the allowed share multiplies the quota, any other one adds to it. It
 * reacts at once and promises nothing in the long run: the violation rate settles where the increase happens to meet the
 * decrease. Violations that best-effort work did not cause change nothing. Stateless and thread-safe.
 *
 * @param target allowed share of violations in a report
 * @param decrease factor, for example 0.7
 * @param increase addend, for example 0.05
 * @param freezeBelow caused share below which violations are not ours
 */
public record AimdQuota(double target, double decrease, double increase, double freezeBelow) implements QuotaLaw {
    public AimdQuota {
        Shares.ratio("allowed share of violations", target);
        Shares.ratio("decrease", decrease);
        Shares.ratio("increase", increase);
        Shares.ratio("freeze threshold", freezeBelow);
    }

    /** Times 0.7 or plus 0.05; frozen below a caused share of a tenth. */
    public static AimdQuota usual(double target) {
        return new AimdQuota(target, 0.7, 0.05, 0.1);
    }

    @Override
    public QuotaState observe(QuotaState state, SloReport report, long nowNanos) {
        if (report.requests() == 0) {
            return state;
        }
        boolean violated = report.violations() > target * report.requests();
        boolean freeze = violated && !report.caused(freezeBelow);
        double level =
                freeze ? state.level() : violated ? state.level() * decrease : Math.min(1, state.level() + increase);
        return new QuotaState(
                level,
                0,
                state.holdUntilNanos(),
                state.requests() + (freeze ? 0 : report.requests()),
                state.violations() + (freeze ? 0 : report.violations()),
                state.frozen() + (freeze ? report.violations() : 0),
                state.raised());
    }
}

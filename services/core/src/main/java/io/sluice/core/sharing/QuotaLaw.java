package io.sluice.core.sharing;

/** How a quota follows the violations of a latency objective: a pure step from state to state. Thread-safe. */
public sealed interface QuotaLaw permits ConformalQuota, AimdQuota {
    /**
     * The state after a report.
     *
     * @param nowNanos time of the report; holds end by it
     */
    QuotaState observe(QuotaState state, SloReport report, long nowNanos);
}

package io.sluice.core.sharing;

/** What best-effort work may do now. */
public sealed interface GateDecision {
    /** Start this slice now, and report its end with {@link SliceGate#finished}. */
    record Start(RunningSlice slice) implements GateDecision {}

    /**
     * Start nothing.
     *
     * @param until when to ask again, ns; {@link Long#MAX_VALUE}: when something has changed (work, an end, limits)
     */
    record Wait(Reason reason, long until) implements GateDecision {}

    /** Why nothing starts. */
    enum Reason {
        NO_OFFER("no best-effort work is ready"),
        NO_FRESH_LIMITS("there are no limits, or they are out of date"),
        NOT_ALLOWED("the limits allow nothing"),
        CRITICAL_WORK("latency-critical work is there"),
        NOT_IDLE_YET("latency-critical work has only just left"),
        LANES_TAKEN("all allowed lanes are taken"),
        QUOTA_USED("the share of device time is used up"),
        TENANT_HELD_BACK("an overrun holds the tenant back"),
        TOO_LONG("a single unit is longer than the slice bound"),
        LENGTH_UNKNOWN("the length of a unit is not known, and another one is being tried or nothing may be tried now");

        private final String text;

        Reason(String text) {
            this.text = text;
        }

        /** In words. */
        public String text() {
            return text;
        }
    }
}

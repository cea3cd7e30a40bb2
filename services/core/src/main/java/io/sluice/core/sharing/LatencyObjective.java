package io.sluice.core.sharing;

/** What latency-critical work may lose to best-effort work on a device. Immutable. */
public sealed interface LatencyObjective {
    /**
     * What is left for best-effort work, ns; not positive: nothing.
     *
     * @param aloneNanos learnt mean time of a request alone
     * @param tailNanos how far its slow requests are above the mean
     */
    double slackNanos(double aloneNanos, double tailNanos);

    /**
     * Whether a violation is by its definition the work of best-effort tenants: then none of them is put down to overload.
     */
    boolean violationsAreCaused();

    /**
     * A request is to take no longer than so much, whatever makes it long.
     *
     * @param nanos objective, ns
     */
    record Within(double nanos) implements LatencyObjective {
        public Within {
            Shares.positive("latency objective in ns", nanos);
        }

        @Override
        public double slackNanos(double aloneNanos, double tailNanos) {
            return nanos - aloneNanos - tailNanos;
        }

        @Override
        public boolean violationsAreCaused() {
            return false;
        }
    }

    /**
     * Best-effort work is to make a request no longer than this part of what it would take without: waiting that it caused
     * and slowing beside it, over the rest of the response time.
     *
     * @param ratio above 0, for example 0.1
     */
    record Slowdown(double ratio) implements LatencyObjective {
        public Slowdown {
            Shares.positive("allowed slowdown", ratio);
        }

        @Override
        public double slackNanos(double aloneNanos, double tailNanos) {
            return ratio * aloneNanos;
        }

        @Override
        public boolean violationsAreCaused() {
            return true;
        }
    }
}

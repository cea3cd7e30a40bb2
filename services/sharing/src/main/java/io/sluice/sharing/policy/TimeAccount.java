package io.sluice.sharing.policy;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where the time of a policy went: every nanosecond belongs to one reason, from the moment that the reason was entered
 * until the next one is. Reasons are told apart by whether a request was there. Not thread-safe.
 */
public final class TimeAccount {
    private final Map<String, long[]> spent = new TreeMap<>();
    private long[] open;
    private long sinceNanos;

    /** From now on time goes to this reason. */
    public void enter(String reason, long nowNanos) {
        close(nowNanos);
        open = spent.computeIfAbsent(reason, r -> new long[2]);
        open[1]++;
    }

    private void close(long nowNanos) {
        if (open != null) {
            open[0] += nowNanos - sinceNanos;
        }
        sinceNanos = nowNanos;
    }

    /** Nanoseconds under this reason until {@code nowNanos}. */
    public long nanos(String reason, long nowNanos) {
        close(nowNanos);
        long[] found = spent.get(reason);
        return found == null ? 0 : found[0];
    }

    /** One line per reason: part of the time in percent, how often it was entered, its mean length. */
    public String table(long nowNanos) {
        close(nowNanos);
        long sum = spent.values().stream().mapToLong(x -> x[0]).sum();
        StringBuilder text = new StringBuilder();
        spent.forEach((reason, x) -> text.append(String.format(
                Locale.ROOT,
                "%6.2f %%  %8d times  %10.1f us each  %s%n",
                100.0 * x[0] / Math.max(1, sum),
                x[1],
                x[0] / 1e3 / Math.max(1, x[1]),
                reason)));
        return text.toString();
    }
}

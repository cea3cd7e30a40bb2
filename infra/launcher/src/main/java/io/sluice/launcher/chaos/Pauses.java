package io.sluice.launcher.chaos;

import io.sluice.loadgen.RequestOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * How long clients waited for a next token, as they saw it: from the request to the first token and between two tokens.
 * A wait counts for a fault when it overlaps the time from the fault to one second after its end, so one wait may count
 * for several faults. Immutable.
 */
final class Pauses {
    private static final long AFTER_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final List<Wait> waits = new ArrayList<>();

    private record Wait(long fromNanos, long untilNanos) {}

    Pauses(List<RequestOutcome> outcomes) {
        for (RequestOutcome outcome : outcomes) {
            long from = outcome.sentNanos();
            for (long token : outcome.tokenNanos()) {
                waits.add(new Wait(from, token));
                from = token;
            }
        }
    }

    /** Longest wait that a fault can have caused, seconds; 0: nobody waited then. */
    double longestSeconds(FaultRunner.Done fault) {
        return waits.stream()
                        .filter(wait -> wait.untilNanos() - fault.beganNanos() >= 0
                                && wait.fromNanos() - (fault.endedNanos() + AFTER_NANOS) <= 0)
                        .mapToLong(wait -> wait.untilNanos() - wait.fromNanos())
                        .max()
                        .orElse(0)
                / 1e9;
    }

    /** The longest of all, seconds. */
    double longestSeconds() {
        return waits.stream()
                        .mapToLong(wait -> wait.untilNanos() - wait.fromNanos())
                        .max()
                        .orElse(0)
                / 1e9;
    }
}

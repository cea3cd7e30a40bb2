package io.sluice.launcher.chaos;

import java.util.Locale;
import java.util.Objects;

/**
 * One planned fault. Immutable.
 *
 * @param atMs when, milliseconds after the load began
 * @param target worker, or the part that is hit
 * @param durationMs until it is healed, milliseconds
 * @param hard of a part that can also be stopped in order: whether it is killed
 */
record Fault(long atMs, FaultKind kind, String target, long durationMs, boolean hard) {
    Fault {
        Objects.requireNonNull(kind, "kind");
        Objects.requireNonNull(target, "target");
        if (atMs < 0 || durationMs < 0) {
            throw new IllegalArgumentException(
                    "a fault at " + atMs + " ms for " + durationMs + " ms must not be negative");
        }
    }

    @Override
    public String toString() {
        String how =
                switch (kind) {
                    case BROKER, ROUTER, BATCHER -> hard ? " killed" : " stopped";
                    default -> "";
                };
        String time = durationMs == 0 ? "" : String.format(Locale.ROOT, " for %.1f s", durationMs / 1e3);
        return String.format(Locale.ROOT, "%6.1f s  %-9s %s%s%s", atMs / 1e3, kind.word(), target, how, time);
    }
}

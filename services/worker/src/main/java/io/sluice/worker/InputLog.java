package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.recovery.LogRange;
import java.util.List;
import java.util.Objects;

/** Where a stage reads the inputs again that a lost one had; the answer comes to the compute thread. */
@FunctionalInterface
interface InputLog {
    /**
     * Has the inputs read in the background; never blocks. Answered by one {@link Inbound.Rebuilt} or {@link
     * Inbound.LogGone}.
     */
    void read(Order order);

    /**
     * What to read.
     *
     * @param attempt that rebuilds
     * @param enterLayer layer at which the inputs enter
     * @param start the inputs of positions {@code [0, start)} are wanted
     * @param ranges where they are
     */
    record Order(SessionId session, int attempt, int enterLayer, int start, List<LogRange> ranges) {
        public Order {
            Objects.requireNonNull(session, "session");
            ranges = List.copyOf(ranges);
            if (start < 1 || ranges.isEmpty()) {
                throw new IllegalArgumentException("session " + session + " is to be rebuilt up to position " + start
                        + " from " + ranges + ": there must be a position and a range");
            }
        }
    }
}

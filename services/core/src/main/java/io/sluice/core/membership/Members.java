package io.sluice.core.membership;

import io.sluice.core.WorkerId;
import java.util.OptionalLong;

/** Who is there, as decisions about sessions ask. All times are of the observer's clock, milliseconds. */
public interface Members {
    /** Whether sessions may run on the worker; one that was never heard of nor expected counts as alive. */
    boolean isAlive(WorkerId worker);

    /** Newest incarnation heard of; {@link LeaseTable#UNKNOWN}: none. */
    long incarnation(WorkerId worker);

    /** When a draining worker will be gone; empty when it does not drain. 0: no deadline. */
    OptionalLong drainDeadlineMs(WorkerId worker);

    /** Why the worker was lost last, for people. */
    String lossOf(WorkerId worker);

    /** Whether the observer takes itself for cut off, so that silence proves nothing. */
    boolean isCutOff();

    /** Since when the observer has heard its own echo without a break. */
    long connectedSinceMs();
}

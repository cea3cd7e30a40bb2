package io.sluice.core.routing;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.RecoveryCosts;
import io.sluice.core.recovery.StepTrace;
import java.util.List;
import java.util.Set;

/** What a router knows beside one session when it decides where that goes on. */
public interface Rerouting {
    /** Finds another pipeline and moves the session's reservation there; see {@link Dispatcher#reroute}. */
    Route reroute(Set<WorkerId> avoid);

    /** Whether a new session could run this stage now. */
    boolean serves(Stage stage);

    /** One per accepted token, in order. */
    List<StepTrace> steps();

    /** What recomputing costs now. */
    RecoveryCosts costs();
}

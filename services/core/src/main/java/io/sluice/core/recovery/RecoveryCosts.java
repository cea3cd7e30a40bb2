package io.sluice.core.recovery;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;

/** What recomputing costs, as far as it is known; what is not known costs nothing. Pure. */
public interface RecoveryCosts {
    /** Seconds in which the stage computes {@code tokens} positions as a prompt. */
    double computeSeconds(Stage stage, int tokens);

    /** Seconds in which the inputs of {@code tokens} positions come to the worker, from a topic or the stage before. */
    double transferSeconds(WorkerId to, int tokens);

    /** Knows nothing: the log wins wherever it holds what is needed. */
    RecoveryCosts UNKNOWN = new RecoveryCosts() {
        @Override
        public double computeSeconds(Stage stage, int tokens) {
            return 0;
        }

        @Override
        public double transferSeconds(WorkerId to, int tokens) {
            return 0;
        }
    };
}

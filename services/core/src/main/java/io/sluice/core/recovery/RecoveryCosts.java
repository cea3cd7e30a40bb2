package io.sluice.core.recovery;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;

/** What recomputing costs, as far as it is known; what is not known costs nothing. Pure. */
public interface RecoveryCosts {
    /**
     * Seconds in which the stage computes {@code tokens} positions as a prompt. Where the bits are to be those of the
     * first time, what came after the prompt takes longer, in a rebuild as in a replay.
     */
    double computeSeconds(Stage stage, int tokens);

    /** Seconds in which the inputs of {@code tokens} positions come to the worker, from a topic or the stage before. */
    double transferSeconds(WorkerId to, int tokens);

    /**
     * Seconds in which the worker reads log ranges of {@code records} records that hold {@code tokens} positions of the
     * session: records of other sessions between them are read over, so that a long and thin range can cost more than
     * sending everything again.
     */
    default double logSeconds(WorkerId to, long records, int tokens) {
        return transferSeconds(to, (int) Math.min(Integer.MAX_VALUE, Math.max(tokens, records)));
    }

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

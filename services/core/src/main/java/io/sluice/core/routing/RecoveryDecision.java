package io.sluice.core.routing;

import io.sluice.core.recovery.RecoveryPlan;
import java.util.List;

/** What becomes of a session; whoever asked keeps the new state and tells the stages. */
public sealed interface RecoveryDecision {
    /** Nothing. */
    record Unchanged() implements RecoveryDecision {}

    /**
     * It runs on; this is to be remembered.
     *
     * @param durable whether a restart must remember it, too
     */
    record Noted(AttemptNotes notes, boolean durable) implements RecoveryDecision {}

    /** It is interrupted and has nowhere to go now: to be tried again. */
    record Waits(SessionLife life, AttemptNotes notes) implements RecoveryDecision {}

    /**
     * It goes on in another attempt.
     *
     * @param mode how, in one word: restart, rebuild, keep, recompute or replay
     * @param notices to be sent in this order
     */
    record GoesOn(SessionLife life, AttemptNotes notes, RecoveryPlan plan, String mode, List<Notice> notices)
            implements RecoveryDecision {}

    /** It ends with an error. */
    record GivenUp(SessionLife life, Why why, String message) implements RecoveryDecision {}

    /** Why a session is given up. */
    enum Why {
        /** No worker has KV cache for it. */
        NO_CAPACITY("no capacity"),
        /** Stages have reported twice that the session itself cannot be computed. */
        CANNOT_BE_COMPUTED("cannot be computed"),
        /** Too many attempts in a row led to no token. */
        FRUITLESS("no attempt leads to a token");

        private final String words;

        Why(String words) {
            this.words = words;
        }

        /** A few words for people. */
        public String words() {
            return words;
        }
    }
}

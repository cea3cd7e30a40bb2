package io.sluice.core.routing;

import io.sluice.core.Pipeline;

/** What came of the attempt to route a session. */
public sealed interface Route {

    /** A pipeline was chosen, charged and reserved under the allocation of {@code epoch}. */
    record Routed(Pipeline pipeline, long epoch) implements Route {}

    /**
     * No pipeline now.
     *
     * @param message what is missing and what would help, one sentence for people
     */
    record Blocked(Cause cause, String message) implements Route {}

    /** Why no pipeline was found, from the most to the least lasting. */
    enum Cause {
        /** No valid allocation of the model has been seen yet. */
        NO_ALLOCATION,
        /** The newest allocation carries no flow from end to end. */
        NO_FLOW,
        /** Workers on the way are lost, drain, or have not opened their topics yet. */
        NOT_READY,
        /** No pipeline stays within the allowed regions. */
        REGION,
        /** The session is larger than the KV cache of every worker of some stage. */
        KV_TOO_SMALL,
        /** The KV cache is taken by other sessions; waiting helps. */
        KV_BUSY,
        /** As many prompts are being computed as the {@link PromptWindow} lets in; waiting helps. */
        PROMPTS_BUSY;

        /**
         * Whether later requests must wait behind this one. Only a lack that ends with other sessions holds them back:
         * without that a long request would starve, with more of it one misfit would stop everybody.
         */
        public boolean holdsBackOthers() {
            return this == KV_BUSY || this == PROMPTS_BUSY;
        }

        /** Whether the request asks for more than the present allocation could ever give it, however empty it were. */
        public boolean asksTooMuch() {
            return this == REGION || this == KV_TOO_SMALL;
        }
    }
}

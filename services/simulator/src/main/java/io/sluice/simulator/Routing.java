package io.sluice.simulator;

/**
 * Decides when a request starts and over which links it goes. A policy either gives the whole route at admission ({@link
 * Request#route}) or link by link as the prompt moves on ({@link #link}). Decode steps follow the prompt's route.
 */
public interface Routing {
    /** What becomes of a request. */
    enum Decision {
        /** It starts now. */
        START,
        /** It is asked for again, in order of arrival, whenever a prompt or a request has ended. */
        WAIT,
        /** It is dropped. */
        REJECT
    }

    /** Decides on a request; on {@link Decision#START} the policy may have set its route. */
    Decision admit(Request request, double nowSeconds);

    /**
     * The link a prompt takes out of a vertex, asked only when the request has no whole route: at once, and, after -1
     * (wait), again each time a link out of the vertex becomes idle.
     */
    default int link(Work prompt, int vertex, double nowSeconds) {
        throw new IllegalStateException("request " + prompt.request().number() + " has no route");
    }

    /** Tokens of the next message of a prompt of which {@code position} tokens are out; the rest of it by default. */
    default int chunkTokens(Request request, int position) {
        return request.promptTokens() - position;
    }

    /** A work item left the node at the end of {@code link}; it was first put on the link {@code seconds} ago. */
    default void passed(Work work, int link, double seconds) {}

    /** A decode step starts. */
    default void decodeStarted(Request request, double nowSeconds) {}

    /** The whole prompt has reached the coordinator. */
    default void promptFinished(Request request, double nowSeconds) {}

    /** The last token has reached the coordinator; the KV cache is free. */
    default void requestFinished(Request request, double nowSeconds) {}

    /** Part of the bottleneck layer's KV cache that is expected to fill, 0 to 1. */
    double kvExpectation();
}

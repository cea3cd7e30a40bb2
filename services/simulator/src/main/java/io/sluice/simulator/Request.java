package io.sluice.simulator;

import java.util.Arrays;

/** One request's life in a run. Changed by engine and routing; not thread-safe. */
public final class Request {
    private final int number;
    private final int promptTokens;
    private final int outputTokens;
    private int[] links = new int[0];
    private int hops;
    private boolean whole;
    double issuedSeconds;
    double stepIssuedSeconds;
    int promptTokensDone;
    int outputTokensDone;

    Request(int number, int promptTokens, int outputTokens) {
        this.number = number;
        this.promptTokens = promptTokens;
        this.outputTokens = outputTokens;
    }

    /** Counts requests in order of arrival, from 0. */
    public int number() {
        return number;
    }

    public int promptTokens() {
        return promptTokens;
    }

    /** Tokens it will generate; a fair policy does not look before the request has ended. */
    public int outputTokens() {
        return outputTokens;
    }

    /** Tokens generated so far. */
    public int outputTokensDone() {
        return outputTokensDone;
    }

    /** Whether the prompt is still being computed. */
    public boolean inPrompt() {
        return promptTokensDone < promptTokens;
    }

    /** Gives the whole route: link numbers from the coordinator back to it. */
    public void route(int[] route, int length) {
        links = Arrays.copyOf(route, length);
        hops = length;
        whole = true;
    }

    /** Whether the whole route is known. */
    public boolean routed() {
        return whole;
    }

    /** Links known so far; the pipeline has one node less than the whole route has links. */
    public int links() {
        return hops;
    }

    /** Link {@code hop} of the route; link 0 leaves the coordinator. */
    public int link(int hop) {
        if (hop >= hops) {
            throw new IndexOutOfBoundsException("link " + hop + " of a route of " + hops);
        }
        return links[hop];
    }

    void append(int link, boolean last) {
        if (hops == links.length) {
            links = Arrays.copyOf(links, Math.max(8, 2 * hops));
        }
        links[hops++] = link;
        whole = last;
    }
}

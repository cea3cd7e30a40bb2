package io.sluice.simulator;

/**
 * Successive positions of one request on their way through the pipeline: a prompt, a part of it, or one decode step.
 * Changed by the engine; not thread-safe.
 */
public final class Work {
    private final Request request;
    private final boolean prompt;
    private final int position;
    private final int tokens;
    int layer;
    int hop;
    long outboxNumber;
    double sentSeconds;
    double arrivedSeconds;
    double queuedSeconds;
    double computeHereSeconds;
    final DelayParts.Sum delays = new DelayParts.Sum();

    Work(Request request, boolean prompt, int position, int tokens) {
        this.request = request;
        this.prompt = prompt;
        this.position = position;
        this.tokens = tokens;
    }

    public Request request() {
        return request;
    }

    /** Whether it is (part of) a prompt. */
    public boolean prompt() {
        return prompt;
    }

    /** First position, from 0. */
    public int position() {
        return position;
    }

    public int tokens() {
        return tokens;
    }

    /** Tokens the last of its positions attends to. */
    public int contextTokens() {
        return position + tokens;
    }

    /** The next layer to compute. */
    public int layer() {
        return layer;
    }

    /** Index of the node in the request's pipeline, from 0; while on a link, of the node ahead. */
    public int hop() {
        return hop;
    }

    /** Grows with every work item that is put into an outbox: order of a node's messages. */
    public long outboxNumber() {
        return outboxNumber;
    }

    /** Positions {@code [from, from + count)} of this prompt as a work item of its own, with the same past. */
    public Work part(int from, int count) {
        if (!prompt || from < position || count < 1 || from + count > position + tokens) {
            throw new IllegalArgumentException("positions [" + from + ", " + (from + count) + ") of [" + position + ", "
                    + (position + tokens) + ")" + (prompt ? "" : ", a decode step"));
        }
        Work part = new Work(request, true, from, count);
        part.layer = layer;
        part.hop = hop;
        part.sentSeconds = sentSeconds;
        part.arrivedSeconds = arrivedSeconds;
        part.queuedSeconds = queuedSeconds;
        part.outboxNumber = outboxNumber;
        part.computeHereSeconds = computeHereSeconds;
        part.delays.add(delays);
        return part;
    }
}

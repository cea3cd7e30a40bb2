package io.sluice.loadgen;

import io.sluice.records.Completion;
import io.sluice.records.ErrorRecord;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Slo;
import io.sluice.records.Token;
import java.util.ArrayList;
import java.util.List;

/**
 * What a client saw of one request: the sequence of tokens after lower attempts and repeated indices are dropped, when
 * each arrived, and how the request ended. Not thread-safe.
 */
public final class RequestOutcome {
    private final InferenceRequest request;
    private final long sentNanos;
    private final List<Integer> tokenIds = new ArrayList<>();
    private final List<Long> tokenNanos = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private int attempt;
    private int duplicates;
    private int gaps;
    private Completion completion;
    private ErrorRecord error;
    private String unsent;

    /** Starts the observation of a request sent at {@code sentNanos} on the client's monotonic clock. */
    public RequestOutcome(InferenceRequest request, long sentNanos) {
        this.request = request;
        this.sentNanos = sentNanos;
    }

    /**
     * Takes one token record into account.
     *
     * @return true when the token extends the sequence
     */
    public boolean onToken(Token token, long nanos) {
        if (token.getAttempt() < attempt || token.getIndex() < tokenIds.size()) {
            duplicates++;
            return false;
        }
        if (token.getIndex() > tokenIds.size()) {
            gaps++;
            return false;
        }
        attempt = token.getAttempt();
        tokenIds.add(token.getTokenId());
        tokenNanos.add(nanos);
        text.append(token.getText());
        return true;
    }

    public void onCompletion(Completion record) {
        completion = record;
    }

    public void onError(ErrorRecord record) {
        error = record;
    }

    /** The broker did not take the request; nobody else has seen it. */
    void onUnsent(String why) {
        unsent = why;
    }

    /** Whether the broker took the request, as far as this client knows. */
    public boolean sent() {
        return unsent == null;
    }

    public InferenceRequest request() {
        return request;
    }

    public List<Integer> tokenIds() {
        return tokenIds;
    }

    /** When each token arrived, nanoseconds on the client's monotonic clock. */
    public List<Long> tokenNanos() {
        return tokenNanos;
    }

    public String text() {
        return text.toString();
    }

    /** Null until the completion is seen. */
    public Completion completion() {
        return completion;
    }

    /** Null unless the request was refused or failed. */
    public ErrorRecord error() {
        return error;
    }

    /** Why the request ended without a completion, in words; null when it completed or is still open. */
    public String failure() {
        if (error != null) {
            return error.getReason() + ": " + error.getMessage();
        }
        return unsent == null ? null : "not sent: " + unsent;
    }

    public boolean completed() {
        return error == null && completion != null && ended();
    }

    /**
     * Whether nothing more will come: an error, a request that could not be sent, or a completion and every token that it
     * counts, as far as none is missing.
     */
    public boolean ended() {
        return error != null
                || unsent != null
                || (completion != null && (gaps > 0 || tokenIds.size() >= completion.getCompletionTokens()));
    }

    /** Token records dropped because they repeated an index or came from a lower attempt. */
    public int duplicates() {
        return duplicates;
    }

    /** Token records that came before the one before them: never, unless something is broken. */
    public int gaps() {
        return gaps;
    }

    /** When the request was sent, nanoseconds on the client's monotonic clock. */
    public long sentNanos() {
        return sentNanos;
    }

    public int promptTokens() {
        return completion == null ? 0 : completion.getPromptTokens();
    }

    /** Time to first token, milliseconds; 0 when there was none. */
    public double ttftMs() {
        return tokenNanos.isEmpty() ? 0 : (tokenNanos.getFirst() - sentNanos) / 1e6;
    }

    /** Mean time per output token after the first, milliseconds; 0 for fewer than two tokens. */
    public double tpotMs() {
        int n = tokenNanos.size();
        return n < 2 ? 0 : (tokenNanos.getLast() - tokenNanos.getFirst()) / 1e6 / (n - 1);
    }

    /** Whether the request has latency objectives. */
    public boolean hasSlo() {
        Slo slo = request.getSlo();
        return slo != null && (slo.getTtftMs() != null || slo.getTpotMs() != null);
    }

    /** Whether it completed within its latency objectives, as the client saw it; one token meets any for the others. */
    public boolean sloMet() {
        Slo slo = request.getSlo();
        return hasSlo()
                && completed()
                && (slo.getTtftMs() == null || ttftMs() <= slo.getTtftMs())
                && (slo.getTpotMs() == null || tpotMs() <= slo.getTpotMs());
    }

    /** Time from sending to the last token, milliseconds. */
    public double endToEndMs() {
        return tokenNanos.isEmpty() ? 0 : (tokenNanos.getLast() - sentNanos) / 1e6;
    }

    /** Gaps between consecutive tokens, milliseconds. */
    public double[] interTokenMs() {
        double[] gaps = new double[Math.max(0, tokenNanos.size() - 1)];
        for (int i = 0; i < gaps.length; i++) {
            gaps[i] = (tokenNanos.get(i + 1) - tokenNanos.get(i)) / 1e6;
        }
        return gaps;
    }
}

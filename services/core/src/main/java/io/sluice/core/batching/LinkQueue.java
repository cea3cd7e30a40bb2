package io.sluice.core.batching;

import io.sluice.core.SessionId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.PriorityQueue;

/**
 * What waits to be sent over one link, and which record goes next. Decode steps that wait go together in one record, ahead
 * of prompts; a prompt chunk is cut into records that are short on this link, so that a decode step waits behind one of
 * them at most. While prompts wait, at most {@link LinkLimits#decodeRecordsPerPrompt} decode records go in a row. Prompt
 * chunks go by rank, then in order of arrival; what belongs to one session must be added with one rank and keeps its
 * order. Whole prompts as single messages are what makes decode steps wait on slow links in Helix (ASPLOS'25). Adding is
 * O(log chunks), a record costs what it holds. Not thread-safe.
 *
 * @param <T> what the caller sends
 */
public final class LinkQueue<T> {
    private final LinkLimits limits;
    private final ArrayDeque<T> decodes = new ArrayDeque<>();
    private final PriorityQueue<Waiting<T>> prompts = new PriorityQueue<>(
            Comparator.<Waiting<T>>comparingDouble(w -> w.rank).thenComparingLong(w -> w.order));
    private long added;
    private long promptTokens;
    private int decodeRecordsInARow;

    public LinkQueue(LinkLimits limits) {
        this.limits = Objects.requireNonNull(limits, "limits");
    }

    /**
     * One record.
     *
     * @param decodes whether its pieces are decode steps; otherwise it is one piece of one prompt chunk
     */
    public record Outgoing<T>(boolean decodes, List<Piece<T>> pieces) {
        /** Positions in the record. */
        public int tokens() {
            int sum = 0;
            for (Piece<T> piece : pieces) {
                sum += piece.end - piece.from;
            }
            return sum;
        }
    }

    /**
     * Positions {@code [from, end)} of an item.
     *
     * @param last whether the item is complete with this piece
     */
    public record Piece<T>(T item, int from, int end, boolean last) {}

    /** Adds a decode step. */
    public void addDecode(T item) {
        decodes.add(item);
    }

    /**
     * Adds a prompt chunk of {@code tokens} positions.
     *
     * @param rank lower goes first
     */
    public void addPrompt(SessionId session, int tokens, double rank, T item) {
        if (tokens < 1 || Double.isNaN(rank)) {
            throw new IllegalArgumentException("a prompt chunk of session " + session + " with " + tokens
                    + " tokens and rank " + rank + ": it must have at least 1 token and a rank that is a number");
        }
        prompts.add(new Waiting<>(session, tokens, rank, added++, item));
        promptTokens += tokens;
    }

    /** The next record; null when nothing waits. */
    public Outgoing<T> next() {
        boolean promptDue = decodes.isEmpty() || decodeRecordsInARow >= limits.decodeRecordsPerPrompt();
        if (promptDue && !prompts.isEmpty()) {
            decodeRecordsInARow = 0;
            return promptRecord();
        }
        if (decodes.isEmpty()) {
            return null;
        }
        decodeRecordsInARow = prompts.isEmpty() ? 0 : decodeRecordsInARow + 1;
        List<Piece<T>> pieces = new ArrayList<>(Math.min(decodes.size(), limits.decodesPerRecord()));
        while (!decodes.isEmpty() && pieces.size() < limits.decodesPerRecord()) {
            pieces.add(new Piece<>(decodes.poll(), 0, 1, true));
        }
        return new Outgoing<>(true, pieces);
    }

    private Outgoing<T> promptRecord() {
        Waiting<T> head = prompts.peek();
        int end = Math.min(head.tokens, head.sent + limits.promptTokensPerRecord());
        boolean last = end == head.tokens;
        Piece<T> piece = new Piece<>(head.item, head.sent, end, last);
        promptTokens -= end - head.sent;
        head.sent = end;
        if (last) {
            prompts.poll();
        }
        return new Outgoing<>(false, List.of(piece));
    }

    /** What {@link #next} would begin with; null when nothing waits. */
    public T peek() {
        boolean promptDue = decodes.isEmpty() || decodeRecordsInARow >= limits.decodeRecordsPerPrompt();
        if (promptDue && !prompts.isEmpty()) {
            return prompts.peek().item;
        }
        return decodes.peek();
    }

    /** Forgets the prompt chunks of a session that has ended. */
    public void remove(SessionId session) {
        prompts.removeIf(waiting -> {
            boolean gone = waiting.session.equals(session);
            promptTokens -= gone ? waiting.tokens - waiting.sent : 0;
            return gone;
        });
    }

    /** Decode steps waiting. */
    public int decodes() {
        return decodes.size();
    }

    /** Prompt positions waiting. */
    public long promptTokens() {
        return promptTokens;
    }

    /** Items waiting, a chunk that is partly sent included. */
    public int size() {
        return decodes.size() + prompts.size();
    }

    public boolean isEmpty() {
        return decodes.isEmpty() && prompts.isEmpty();
    }

    private static final class Waiting<T> {
        private final SessionId session;
        private final int tokens;
        private final double rank;
        private final long order;
        private final T item;
        private int sent;

        private Waiting(SessionId session, int tokens, double rank, long order, T item) {
            this.session = session;
            this.tokens = tokens;
            this.rank = rank;
            this.order = order;
            this.item = item;
        }
    }
}

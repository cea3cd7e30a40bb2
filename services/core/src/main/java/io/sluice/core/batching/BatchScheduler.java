package io.sluice.core.batching;

import io.sluice.core.SessionId;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/**
 * Forms a worker's next batch from what is ready now; it never leaves a worker idle for more. Decode steps go first
 * because each one holds up a whole session, and a batch is either decodes or prompt chunks, so that no decode's result
 * waits for the prompt chunk of a stranger. While prompt chunks wait, at most {@link
 * BatchLimits#decodeBatchesPerPrefill} decode batches run in a row.
 *
 * <p>A decode batch of few steps costs nearly what one of many does: a pass over the weights. Where prompts pile up, that
 * is, more of them wait than one batch takes, such passes would eat the time of the prompts. There a prompt batch takes up
 * to half of what waits, within {@link BatchLimits#prefillGrowth}, and decode steps are gathered: fewer than {@link
 * BatchLimits#gatheredDecodes} let prompt batches go ahead, of which {@link BatchLimits#prefillBatchesPerDecode} at most
 * while one and the same step waits. Without such a pile no step waits for another one.
 *
 * <p>A session appears at most once in a batch and its chunks keep their order. The idea is chunked
 * prefill (Sarathi-Serve, OSDI'24) on continuous batching (Orca, OSDI'22). Adding is O(1), forming a batch is linear in
 * its size. Not thread-safe.
 *
 * @param <T> what the caller runs
 */
public final class BatchScheduler<T> {
    private BatchLimits limits;
    private final ArrayDeque<Ready<T>> decodes = new ArrayDeque<>();
    private final TreeSet<Ready<T>> prefills = new TreeSet<>(
            Comparator.<Ready<T>>comparingDouble(ready -> ready.rank).thenComparingLong(ready -> ready.order));
    private long added;
    private int decodeBatchesInARow;
    private long prefillTokens;
    private long putBack;
    /** Prompt batches that have gone since the oldest waiting decode step came. */
    private int prefillBatchesAhead;

    public BatchScheduler(BatchLimits limits) {
        this.limits = Objects.requireNonNull(limits, "limits");
    }

    /** Adds a decode step, that is one position after the prompt. */
    public void addDecode(SessionId session, T item) {
        decodes.add(new Ready<>(session, 1, 0, added++, item));
    }

    /** Adds a prompt chunk of {@code tokens} positions; chunks without a rank go first in, first out. */
    public void addPrefill(SessionId session, int tokens, T item) {
        addPrefill(session, tokens, 0, item);
    }

    /**
     * Adds a prompt chunk of {@code tokens} positions.
     *
     * @param rank lower goes first, equal ones in order of arrival; all chunks of a session have the same. A rank that
     *     grows with time, such as a deadline, lets nobody be overtaken for ever
     */
    public void addPrefill(SessionId session, int tokens, double rank, T item) {
        if (tokens < 1) {
            throw new IllegalArgumentException("a prompt chunk of " + tokens + " tokens; it must have at least 1");
        }
        if (Double.isNaN(rank)) {
            throw new IllegalArgumentException("the rank of a prompt chunk of session " + session + " is not a number");
        }
        prefills.add(new Ready<>(session, tokens, rank, added++, item));
        prefillTokens += tokens;
    }

    /** The next batch, empty when nothing is ready. */
    public List<T> next() {
        return next(false);
    }

    /**
     * The next batch, empty when nothing may go.
     *
     * @param holdDecodes leave decode steps where they are; prompt chunks may go meanwhile
     */
    public List<T> next(boolean holdDecodes) {
        return next(holdDecodes, false);
    }

    /**
     * The next batch, empty when nothing may go.
     *
     * @param holdDecodes leave decode steps where they are
     * @param holdPrefills leave prompt chunks where they are, for example because what they lead to is full
     */
    public List<T> next(boolean holdDecodes, boolean holdPrefills) {
        if (prefillsGo(holdDecodes, holdPrefills)) {
            decodeBatchesInARow = holdDecodes ? decodeBatchesInARow : 0;
            prefillBatchesAhead = decodes.isEmpty() ? 0 : prefillBatchesAhead + 1;
            return take(prefills, prefillTokensMax(), true);
        }
        if (holdDecodes) {
            return List.of();
        }
        decodeBatchesInARow = prefills.isEmpty() ? 0 : decodeBatchesInARow + 1;
        List<T> batch = take(decodes, Integer.MAX_VALUE, true);
        prefillBatchesAhead = decodes.isEmpty() ? 0 : prefillBatchesAhead;
        return batch;
    }

    /** What {@link #next(boolean, boolean)} with decodes not held would give now; everything stays where it is. */
    public List<T> peek(boolean holdPrefills) {
        return prefillsGo(false, holdPrefills)
                ? take(prefills, prefillTokensMax(), false)
                : take(decodes, Integer.MAX_VALUE, false);
    }

    private boolean prefillsGo(boolean holdDecodes, boolean holdPrefills) {
        boolean ready = !holdPrefills && !prefills.isEmpty();
        boolean due = holdDecodes
                || decodes.isEmpty()
                || decodeBatchesInARow >= limits.decodeBatchesPerPrefill()
                || gathersDecodes();
        return ready && due;
    }

    private boolean gathersDecodes() {
        return prefillTokens > limits.maxPrefillTokens()
                && decodes.size() < limits.gatheredDecodes()
                && prefillBatchesAhead < limits.prefillBatchesPerDecode();
    }

    private int prefillTokensMax() {
        long most = (long) limits.maxPrefillTokens() * limits.prefillGrowth();
        long tokens = Math.clamp(prefillTokens / 2, limits.maxPrefillTokens(), most);
        return (int) Math.min(tokens, Integer.MAX_VALUE);
    }

    /**
     * Puts back a prompt chunk that was taken and did not run, or what is left of one that ran in part: it goes before all
     * others of the same rank.
     */
    public void putBackPrefill(SessionId session, int tokens, double rank, T item) {
        prefills.add(new Ready<>(session, tokens, rank, --putBack, item));
        prefillTokens += tokens;
    }

    /** From the next batch on, most chunks in a batch; the other bounds stay. */
    public void setMaxChunks(int chunks) {
        if (chunks != limits.maxChunks()) {
            limits = limits.withMaxChunks(chunks);
        }
    }

    /** From the next batch on, most prompt tokens in a batch while few wait; the other bounds stay. */
    public void setMaxPrefillTokens(int tokens) {
        if (tokens != limits.maxPrefillTokens()) {
            limits = limits.withMaxPrefillTokens(tokens);
        }
    }

    /** Forgets everything of a session, for example when it has ended. */
    public void remove(SessionId session) {
        decodes.removeIf(ready -> ready.session.equals(session));
        prefills.removeIf(ready -> {
            boolean of = ready.session.equals(session);
            prefillTokens -= of ? ready.tokens : 0;
            return of;
        });
        prefillBatchesAhead = decodes.isEmpty() ? 0 : prefillBatchesAhead;
    }

    /** Chunks waiting. */
    public int size() {
        return decodes.size() + prefills.size();
    }

    /** Decode steps waiting. */
    public int decodes() {
        return decodes.size();
    }

    public boolean isEmpty() {
        return decodes.isEmpty() && prefills.isEmpty();
    }

    private List<T> take(Collection<Ready<T>> queue, int maxTokens, boolean remove) {
        List<T> batch = new ArrayList<>(Math.min(queue.size(), limits.maxChunks()));
        Set<SessionId> sessions = new HashSet<>();
        long tokens = 0;
        Iterator<Ready<T>> waiting = queue.iterator();
        while (waiting.hasNext() && batch.size() < limits.maxChunks()) {
            Ready<T> ready = waiting.next();
            if (sessions.contains(ready.session)) {
                continue; // the former chunk of this session must be computed first
            }
            if (!batch.isEmpty() && tokens + ready.tokens > maxTokens) {
                break; // strict order: a small chunk does not overtake a big one
            }
            sessions.add(ready.session);
            tokens += ready.tokens;
            batch.add(ready.item);
            if (remove) {
                waiting.remove();
                prefillTokens -= queue == prefills ? ready.tokens : 0;
            }
        }
        return batch;
    }

    private record Ready<T>(SessionId session, int tokens, double rank, long order, T item) {}
}

package io.sluice.worker;

import io.sluice.core.batching.BatchLimits;
import io.sluice.core.batching.BatchScheduler;
import io.sluice.core.sharing.TenantId;
import io.sluice.runtime.PromptChunks;
import java.util.ArrayDeque;
import java.util.List;

/** What one best-effort tenant has to compute here. Mutable; owned by the compute thread. */
final class BestEffortTenant {
    /** Most sessions in a batch of decode steps. */
    static final int ROWS_MAX = 64;
    /** So many batches, one of them tries again a size that once seemed too long. */
    private static final int AGAIN_EVERY = 32;

    final TenantId id;
    /** Share among tenants, as its newest session says. */
    double weight = 1;
    /** The batch under way; null: none. */
    RestingBatch resting;
    /** Whether its batch, or one that is over, is on a side lane. */
    boolean out;

    /** A batch is decode steps or one prompt chunk, by turns: slices leave nothing to be gained by more at once. */
    private final BatchScheduler<Work> waiting = new BatchScheduler<>(new BatchLimits(ROWS_MAX, 1, 1));

    private int begun;
    /** What was in a batch that failed, to be computed piece by piece. */
    private final ArrayDeque<Work> alone = new ArrayDeque<>();

    BestEffortTenant(TenantId id) {
        this.id = id;
    }

    BatchScheduler<Work> waiting() {
        return waiting;
    }

    boolean isEmpty() {
        return !out && resting == null && alone.isEmpty() && waiting.isEmpty();
    }

    /** Whether the next batch is to try again a size that once seemed too long. */
    boolean triesAgain() {
        return begun % AGAIN_EVERY == AGAIN_EVERY - 1;
    }

    /** Steps that are ready, those of the batch under way included. */
    int steps() {
        return waiting.size()
                + alone.size()
                + (resting == null ? 0 : resting.counting().size());
    }

    /** Forgets everything of a session; the others of its batch go on. */
    void forget(StageSession session) {
        waiting.remove(session.id);
        alone.removeIf(work -> work.session() == session);
        if (resting != null && resting.leave(session)) {
            resting = null;
        }
    }

    /**
     * The works that the next batch would be of, all of them decode steps or one of them something longer, of which perhaps
     * only a part is taken.
     */
    List<Work> upcoming(boolean holdPrompts) {
        return alone.isEmpty() ? waiting.peek(holdPrompts) : List.of(alone.peek());
    }

    /**
     * Takes the next batch, of a size that fits a slice; what is left of a longer chunk goes first next time.
     *
     * @param rows most decode steps
     * @param positions most positions of a longer chunk
     */
    List<Work> take(boolean holdPrompts, int rows, int positions) {
        begun++;
        boolean single = !alone.isEmpty();
        waiting.setMaxChunks(rows);
        List<Work> taken = single ? List.of(alone.poll()) : waiting.next(false, holdPrompts);
        waiting.setMaxChunks(ROWS_MAX);
        if (taken.size() != 1) {
            return taken;
        }
        Work work = taken.getFirst();
        int count = work.chunk().count();
        int first = part(count, positions);
        if (first == count) {
            return taken;
        }
        Work rest = work.part(first, count);
        if (single) {
            alone.addFirst(rest);
        } else {
            putBack(rest);
        }
        return List.of(work.part(0, first));
    }

    /** How many positions of a chunk of {@code count} go at once, so that the result has the same bits as all at once. */
    static int part(int count, int positions) {
        return PromptChunks.split(count, Math.max(PromptChunks.MIN_CHUNK, positions))
                .getFirst();
    }

    /** What is in the batch under way is computed in smaller ones. */
    void putBackResting() {
        RestingBatch batch = resting;
        resting = null;
        batch.abandon();
        for (Work work : batch.counting().reversed()) {
            putBack(work);
        }
    }

    /** The batch has failed: each piece of it runs alone, so that only the guilty session fails. */
    void aloneFromNowOn(List<Work> works) {
        works.reversed().forEach(alone::addFirst);
    }

    private void putBack(Work work) {
        if (work.chunk().count() == 1 && !work.isPrompt()) {
            waiting.addDecode(work.session().id, work);
        } else {
            waiting.putBackPrefill(work.session().id, work.chunk().count(), work.session().rank, work);
        }
    }
}

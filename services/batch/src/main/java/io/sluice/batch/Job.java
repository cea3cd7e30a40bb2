package io.sluice.batch;

import io.sluice.core.sharing.TenantId;

/**
 * A job and where its items stand. Of one that is over only the counts are kept. Used by one task.
 */
final class Job {
    /**
     * What does not change.
     *
     * @param order of arrival, from 0
     * @param model of items that name none; may be empty
     * @param items in all
     * @param createdMs when its first part came, milliseconds since the Unix epoch
     */
    record Head(String id, long order, TenantId tenant, double weight, String model, int items, long createdMs) {}

    private final Head head;
    private final byte[] states;
    private JobPhase phase;
    private long changedMs;
    private int present;
    private int waiting;
    private int sent;
    private int done;
    private int failed;
    private int next;

    /** A job of which nothing is there yet. */
    Job(Head head, long nowMs) {
        this(head, JobPhase.COLLECTING, nowMs, 0, 0);
    }

    /**
     * A job from the store; its items come by {@link #set}.
     *
     * @param done items with a result, of one that is over
     * @param failed those among them that failed
     */
    Job(Head head, JobPhase phase, long changedMs, int done, int failed) {
        this.head = head;
        this.phase = phase;
        this.changedMs = changedMs;
        this.done = done;
        this.failed = failed;
        this.states = new byte[phase.isOver() ? 0 : head.items()];
    }

    Head head() {
        return head;
    }

    String id() {
        return head.id();
    }

    JobPhase phase() {
        return phase;
    }

    void phase(JobPhase newPhase, long nowMs) {
        phase = newPhase;
        changedMs = nowMs;
    }

    /** When its phase changed, milliseconds since the Unix epoch. */
    long changedMs() {
        return changedMs;
    }

    /** Where an item stands; of a job that is over nobody knows. */
    ItemState state(int index) {
        return index < states.length ? ItemState.of(states[index]) : ItemState.ABSENT;
    }

    /** An item stands elsewhere now. */
    void set(int index, ItemState state) {
        count(state(index), -1);
        states[index] = state.code();
        count(state, 1);
        if (state == ItemState.WAITING) {
            next = Math.min(next, index);
        }
    }

    private void count(ItemState state, int change) {
        present += state == ItemState.ABSENT ? 0 : change;
        waiting += state == ItemState.WAITING ? change : 0;
        sent += state == ItemState.SENT ? change : 0;
        done += state.isOver() ? change : 0;
        failed += state == ItemState.FAILED ? change : 0;
    }

    /** The first item that waits; there is one. */
    int nextWaiting() {
        while (state(next) != ItemState.WAITING) {
            next++;
        }
        return next;
    }

    boolean isComplete() {
        return present == head.items();
    }

    /** Items whose part has come. */
    int present() {
        return present;
    }

    int waiting() {
        return waiting;
    }

    int sent() {
        return sent;
    }

    /** Items with a result, failed ones included. */
    int done() {
        return done;
    }

    int failed() {
        return failed;
    }
}

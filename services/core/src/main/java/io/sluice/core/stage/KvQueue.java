package io.sluice.core.stage;

import io.sluice.core.routing.KvReservation;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Gives sessions KV cache: first come first served, and never more wait than may. A session whose former attempt left a
 * slot that fits takes that one at once. Not thread-safe.
 */
final class KvQueue<K, S extends SessionAtStage<?, ?, K>> {
    private final StageLimits limits;
    private final KvPool<K> pool;
    private final Consumer<S> admitted;
    private final BiConsumer<S, String> refused;
    private final ArrayDeque<S> waiting = new ArrayDeque<>();

    /**
     * @param admitted told of every session that has a slot from now on
     * @param refused told of every session that will get none, and why; must end it
     */
    KvQueue(StageLimits limits, KvPool<K> pool, Consumer<S> admitted, BiConsumer<S, String> refused) {
        this.limits = limits;
        this.pool = Objects.requireNonNull(pool, "pool");
        this.admitted = admitted;
        this.refused = refused;
    }

    /** Positions that the session has KV cache for from a former attempt, over the same layers; -1: none of use. */
    int computed(S session) {
        return fits(session) ? pool.length(session.inherited) : -1;
    }

    /** Keeps the former attempt's KV cache, but only its first positions. */
    void keep(S session, int positions) {
        session.slot = session.inherited;
        session.inherited = null;
        pool.truncate(session.slot, positions);
        admitted.accept(session);
    }

    /** Gives the session an empty slot, now or as soon as there is room. */
    void admit(S session, long nowNanos) {
        if (fits(session)) {
            keep(session, 0);
            return;
        }
        free(session);
        admitWaiting();
        int kvTokens = KvReservation.roundUp(positions(session));
        long capacityTokens = pool.capacityTokens(session.plan.layers());
        if (kvTokens > capacityTokens) {
            refused.accept(
                    session,
                    "worker " + limits.self() + " has KV cache for " + capacityTokens + " tokens, the session reserves "
                            + kvTokens + "; raise --kv-mib");
            return;
        }
        if (waiting.isEmpty() && tryReserve(session)) {
            return;
        }
        if (waiting.size() >= limits.maxWaitingSessions()) {
            refused.accept(
                    session,
                    "worker " + limits.self()
                            + " has no KV cache left and " + waiting.size()
                            + " sessions wait for it; raise --kv-mib or send fewer requests at once");
            return;
        }
        session.waitingSinceNanos = nowNanos;
        waiting.add(session);
    }

    /** The session needs no KV cache any more. */
    void release(S session) {
        waiting.remove(session);
        free(session);
        admitWaiting();
    }

    /** Passes what a former attempt has on to the next one, which decides what becomes of it. */
    void bequeath(S former, S next) {
        waiting.remove(former);
        next.inherited = former.slot == null ? former.inherited : former.slot;
        former.slot = null;
        former.inherited = null;
    }

    /** A sentence for a session that has waited too long. */
    String tookTooLong(S session) {
        return "worker " + limits.self() + " had no KV cache for " + session.plan.kvTokens() + " tokens within "
                + limits.waitTimeout().toMillis() + " ms; raise --kv-mib or send fewer requests at once";
    }

    private boolean fits(S session) {
        K former = session.inherited;
        return former != null
                && pool.layers(former).equals(session.plan.layers())
                && pool.roomFor(former) >= positions(session);
    }

    private boolean tryReserve(S session) {
        Optional<K> slot;
        try {
            slot = pool.reserve(positions(session), session.plan.layers());
        } catch (IllegalArgumentException e) {
            refused.accept(session, "worker " + limits.self() + ": " + e.getMessage());
            return true;
        }
        if (slot.isEmpty()) {
            return false;
        }
        session.slot = slot.get();
        admitted.accept(session);
        return true;
    }

    private void admitWaiting() {
        while (!waiting.isEmpty()) {
            S head = waiting.peek();
            if (!tryReserve(head)) {
                return;
            }
            waiting.remove(head);
        }
    }

    private void free(S session) {
        if (session.slot != null) {
            pool.release(session.slot);
            session.slot = null;
        }
        if (session.inherited != null) {
            pool.release(session.inherited);
            session.inherited = null;
        }
    }

    /** A reservation is rounded up by whoever makes it, but no slot is longer than the model's context. */
    private int positions(S session) {
        return Math.min(session.plan.kvTokens(), pool.mostPositions());
    }
}

package io.sluice.core.stage;

import io.sluice.core.routing.KvReservation;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Gives sessions KV cache: in each class first come first served, and never more wait than may. A session whose former
 * attempt left a slot that fits takes that one at once. Best-effort sessions come after all others, and hold together no
 * more than their share, so that none of them, however long it rests, keeps latency-critical ones out of the rest. Not
 * thread-safe.
 */
final class KvQueue<K, S extends SessionAtStage<?, ?, K>> {
    private static final double ROUNDING = 1e-9;

    private final StageLimits limits;
    private final KvPool<K> pool;
    private final Consumer<S> admitted;
    private final BiConsumer<S, String> refused;
    private final ArrayDeque<S> waiting = new ArrayDeque<>();
    private final ArrayDeque<S> waitingBestEffort = new ArrayDeque<>();
    /** Part of the KV cache that best-effort sessions hold. */
    private double bestEffortHeld;

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
        boolean bestEffort = session.bestEffort();
        double share = bestEffort ? limits.bestEffortKvShare() : 1;
        long capacityTokens = (long) (share * pool.capacityTokens(session.plan.layers()));
        if (kvTokens > capacityTokens) {
            refused.accept(
                    session,
                    "worker " + limits.self() + " has KV cache for " + capacityTokens + " tokens"
                            + (bestEffort ? " of best-effort work" : "") + ", the session reserves " + kvTokens
                            + "; raise --kv-mib" + (bestEffort ? " or --best-effort-kv-share" : ""));
            return;
        }
        ArrayDeque<S> queue = bestEffort ? waitingBestEffort : waiting;
        if (waiting.isEmpty() && queue.isEmpty() && tryReserve(session)) {
            return;
        }
        if (queue.size() >= limits.maxWaitingSessions()) {
            refused.accept(
                    session,
                    "worker " + limits.self()
                            + " has no KV cache left and " + queue.size()
                            + " sessions wait for it; raise --kv-mib or send fewer requests at once");
            return;
        }
        session.waitingSinceNanos = nowNanos;
        queue.add(session);
    }

    /** The session needs no KV cache any more. */
    void release(S session) {
        leave(session);
        free(session);
        admitWaiting();
    }

    /** Passes what a former attempt has on to the next one, which decides what becomes of it. */
    void bequeath(S former, S next) {
        leave(former);
        next.inherited = former.slot == null ? former.inherited : former.slot;
        next.heldAsBestEffort = former.heldAsBestEffort;
        former.slot = null;
        former.inherited = null;
        former.heldAsBestEffort = 0;
    }

    private void leave(S session) {
        waiting.remove(session);
        waitingBestEffort.remove(session);
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
        double wanted = session.bestEffort() ? part(session) : 0;
        if (wanted > 0 && bestEffortHeld + wanted > limits.bestEffortKvShare() + ROUNDING) {
            return false;
        }
        Optional<K> slot;
        try {
            slot = session.bestEffort()
                    ? pool.reserveBestEffort(positions(session), session.plan.layers())
                    : pool.reserve(positions(session), session.plan.layers());
        } catch (IllegalArgumentException e) {
            refused.accept(session, "worker " + limits.self() + ": " + e.getMessage());
            return true;
        }
        if (slot.isEmpty()) {
            return false;
        }
        session.slot = slot.get();
        session.heldAsBestEffort = wanted;
        bestEffortHeld += wanted;
        admitted.accept(session);
        return true;
    }

    private double part(S session) {
        return (double) KvReservation.roundUp(positions(session)) / pool.capacityTokens(session.plan.layers());
    }

    private void admitWaiting() {
        if (admitAll(waiting)) {
            admitAll(waitingBestEffort);
        }
    }

    /** False when one of them has to wait on. */
    private boolean admitAll(ArrayDeque<S> queue) {
        while (!queue.isEmpty()) {
            S head = queue.peek();
            if (!tryReserve(head)) {
                return false;
            }
            queue.remove(head);
        }
        return true;
    }

    private void free(S session) {
        bestEffortHeld -= session.heldAsBestEffort;
        session.heldAsBestEffort = 0;
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

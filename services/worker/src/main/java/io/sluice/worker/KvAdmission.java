package io.sluice.worker;

import io.sluice.core.routing.KvReservation;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.KvSlot;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Gives sessions KV cache: first come first served, and never more wait than may. A session whose former attempt left a
 * slot that fits takes that one at once. Owned by the compute thread.
 */
final class KvAdmission {
    private final LoopSettings settings;
    private final StageRunner runner;
    private final Consumer<StageSession> admitted;
    private final BiConsumer<StageSession, String> refused;
    private final ArrayDeque<StageSession> waiting = new ArrayDeque<>();

    /**
     * @param admitted told of every session that has a slot from now on
     * @param refused told of every session that will get none, and why; must end it
     */
    KvAdmission(
            LoopSettings settings,
            StageRunner runner,
            Consumer<StageSession> admitted,
            BiConsumer<StageSession, String> refused) {
        this.settings = Objects.requireNonNull(settings, "settings");
        this.runner = Objects.requireNonNull(runner, "runner");
        this.admitted = Objects.requireNonNull(admitted, "admitted");
        this.refused = Objects.requireNonNull(refused, "refused");
    }

    /** Positions that the session has KV cache for from a former attempt, over the same layers; -1: none of use. */
    int computed(StageSession session) {
        return fits(session) ? session.inherited.length() : -1;
    }

    /** Keeps the former attempt's KV cache, but only its first positions. */
    void keep(StageSession session, int positions) {
        session.slot = session.inherited;
        session.inherited = null;
        runner.truncate(session.slot, positions);
        admitted.accept(session);
    }

    /** Gives the session an empty slot, now or as soon as there is room. */
    void admit(StageSession session, long nowNanos) {
        if (fits(session)) {
            keep(session, 0);
            return;
        }
        free(session);
        int kvTokens = KvReservation.roundUp(positions(session));
        long capacityTokens = runner.kvCapacityTokens(session.plan.layers());
        if (kvTokens > capacityTokens) {
            refused.accept(
                    session,
                    "worker " + settings.self() + " has KV cache for " + capacityTokens
                            + " tokens, the session reserves " + kvTokens + "; raise --kv-mib");
            return;
        }
        if (waiting.isEmpty() && tryReserve(session)) {
            return;
        }
        if (waiting.size() >= settings.maxWaitingSessions()) {
            refused.accept(
                    session,
                    "worker " + settings.self()
                            + " has no KV cache left and " + waiting.size()
                            + " sessions wait for it; raise --kv-mib or send fewer requests at once");
            return;
        }
        session.waitingSinceNanos = nowNanos;
        waiting.add(session);
    }

    /** The session needs no KV cache any more. */
    void release(StageSession session) {
        waiting.remove(session);
        free(session);
        admitWaiting();
    }

    /** Passes what a former attempt has on to the next one, which decides what becomes of it. */
    void bequeath(StageSession former, StageSession next) {
        waiting.remove(former);
        next.inherited = former.slot == null ? former.inherited : former.slot;
        former.slot = null;
        former.inherited = null;
    }

    /** A sentence for a session that has waited too long. */
    String tookTooLong(StageSession session) {
        return "worker " + settings.self() + " had no KV cache for " + session.plan.kvTokens() + " tokens within "
                + settings.waitTimeout().toMillis() + " ms; raise --kv-mib or send fewer requests at once";
    }

    private boolean fits(StageSession session) {
        KvSlot former = session.inherited;
        return former != null
                && former.layers().equals(session.plan.layers())
                && former.capacityTokens() >= positions(session);
    }

    private boolean tryReserve(StageSession session) {
        Optional<KvSlot> slot;
        try {
            slot = runner.reserve(positions(session), session.plan.layers());
        } catch (IllegalArgumentException e) {
            refused.accept(session, "worker " + settings.self() + ": " + e.getMessage());
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
            StageSession head = waiting.peek();
            if (!tryReserve(head)) {
                return;
            }
            waiting.remove(head);
        }
    }

    private void free(StageSession session) {
        if (session.slot != null) {
            runner.release(session.slot);
            session.slot = null;
        }
        if (session.inherited != null) {
            runner.release(session.inherited);
            session.inherited = null;
        }
    }

    /** A reservation is rounded up by whoever makes it, but no slot is longer than the model's context. */
    private int positions(StageSession session) {
        return Math.min(session.plan.kvTokens(), runner.model().contextLength());
    }
}

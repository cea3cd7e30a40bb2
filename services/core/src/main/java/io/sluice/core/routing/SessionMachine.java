package io.sluice.core.routing;

import io.sluice.core.recovery.Assignment;
import io.sluice.core.routing.SessionCommand.Assign;
import io.sluice.core.routing.SessionCommand.GiveUp;
import io.sluice.core.routing.SessionCommand.Interrupt;
import io.sluice.core.routing.SessionCommand.Reassign;
import io.sluice.core.routing.SessionCommand.Receive;
import io.sluice.core.routing.SessionCommand.Submit;
import io.sluice.core.routing.SessionCommand.Tick;
import io.sluice.core.routing.SessionEvent.Assigned;
import io.sluice.core.routing.SessionEvent.Duplicate;
import io.sluice.core.routing.SessionEvent.Expired;
import io.sluice.core.routing.SessionEvent.Finished;
import io.sluice.core.routing.SessionEvent.Forgotten;
import io.sluice.core.routing.SessionEvent.GivenUp;
import io.sluice.core.routing.SessionEvent.Interrupted;
import io.sluice.core.routing.SessionEvent.Queued;
import io.sluice.core.routing.SessionEvent.Reassigned;
import io.sluice.core.routing.SessionEvent.Stalled;
import io.sluice.core.routing.SessionEvent.TokenAccepted;
import io.sluice.core.routing.SessionEvent.TokenIgnored;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The life of a session: {@link #decide} turns a command into events and changes nothing, {@link #apply} is the only
 * change. No session, before the first and after the last event, is an empty state. Stateless and thread-safe.
 */
public final class SessionMachine {
    private SessionMachine() {}

    /**
     * @param state empty when the id is not in use
     * @param nowMs milliseconds, of the same clock as all times in the state
     * @throws IllegalStateException when the command makes no sense in this state; that is a bug of the caller
     */
    public static List<SessionEvent> decide(Optional<SessionLife> state, SessionCommand command, long nowMs) {
        return switch (command) {
            case Submit submit ->
                List.of(state.<SessionEvent>map(life -> new Duplicate(life.id(), life.phase()))
                        .orElseGet(() -> new Queued(submit.id(), submit.deadlineMs(), nowMs)));
            case Assign assign -> List.of(assign(state, assign, nowMs));
            case Interrupt interrupt ->
                state.filter(life -> life.phase() == SessionPhase.ACTIVE && life.attempt() == interrupt.attempt())
                        .<List<SessionEvent>>map(life -> List.of(new Interrupted(interrupt.reason(), nowMs)))
                        .orElse(List.of());
            case Reassign reassign -> List.of(reassign(state, reassign, nowMs));
            case Receive token -> receive(state, token, nowMs);
            case GiveUp giveUp ->
                state.filter(life -> !life.phase().isOver())
                        .<List<SessionEvent>>map(life -> List.of(new GivenUp(nowMs)))
                        .orElse(List.of());
            case Tick tick -> state.map(life -> tick(life, tick, nowMs)).orElse(List.of());
        };
    }

    /** The state after an event. */
    public static Optional<SessionLife> apply(Optional<SessionLife> state, SessionEvent event) {
        return switch (event) {
            case Queued e ->
                Optional.of(new SessionLife(e.id(), SessionPhase.WAITING, 0, 0, null, 0, e.atMs(), e.deadlineMs()));
            case Assigned e ->
                state.map(s -> assigned(s, Assignment.fresh(e.attempt(), e.pipeline()), e.epoch(), e.atMs()));
            case Interrupted e -> state.map(s -> s.with(SessionPhase.RECOVERING, s.nextIndex(), e.atMs()));
            case Reassigned e -> state.map(s -> assigned(s, e.assignment(), e.epoch(), e.atMs()));
            case TokenAccepted e -> state.map(s -> s.with(s.phase(), e.index() + 1, e.atMs()));
            case Finished e -> state.map(s -> s.with(SessionPhase.FINISHED, s.nextIndex(), e.atMs()));
            case Stalled e -> state.map(s -> s.with(SessionPhase.FAILED, s.nextIndex(), e.atMs()));
            // One that waits again after a restart has no pipeline to remember.
            case GivenUp e ->
                state.filter(s -> s.phase() != SessionPhase.WAITING)
                        .map(s -> s.with(SessionPhase.FAILED, s.nextIndex(), e.atMs()));
            case Duplicate e -> state;
            case TokenIgnored e -> state;
            case Expired e -> Optional.empty();
            case Forgotten e -> Optional.empty();
        };
    }

    private static SessionEvent assign(Optional<SessionLife> state, Assign assign, long nowMs) {
        SessionLife life = state.filter(s -> s.phase() == SessionPhase.WAITING)
                .orElseThrow(() -> new IllegalStateException("only a waiting session is assigned, this is " + state));
        return new Assigned(Math.max(1, assign.attempt()), assign.pipeline(), assign.epoch(), nowMs);
    }

    private static SessionEvent reassign(Optional<SessionLife> state, Reassign reassign, long nowMs) {
        SessionLife life = state.filter(s -> s.phase() == SessionPhase.RECOVERING)
                .orElseThrow(
                        () -> new IllegalStateException("only an interrupted session is reassigned, this is " + state));
        if (reassign.assignment().attempt() <= life.attempt()) {
            throw new IllegalStateException("attempt " + reassign.assignment().attempt() + " of session " + life.id()
                    + " must be above " + life.attempt());
        }
        return new Reassigned(reassign.assignment(), reassign.epoch(), reassign.reason(), nowMs);
    }

    private static SessionLife assigned(SessionLife s, Assignment assignment, long epoch, long atMs) {
        List<Assignment> all = new ArrayList<>(s.assignments());
        // One that led to no token tells nothing of where inputs lie or who holds KV cache, so a session that is
        // interrupted again and again stays small.
        if (!all.isEmpty() && all.getLast().position() == assignment.position()) {
            all.removeLast();
        }
        all.add(assignment);
        return new SessionLife(
                s.id(),
                SessionPhase.ACTIVE,
                assignment.attempt(),
                epoch,
                assignment.pipeline(),
                s.nextIndex(),
                atMs,
                s.deadlineMs(),
                all);
    }

    private static List<SessionEvent> receive(Optional<SessionLife> state, Receive token, long nowMs) {
        if (state.isEmpty() || !state.get().phase().isRunning() || state.get().attempt() != token.attempt()) {
            return List.of(new TokenIgnored(TokenIgnored.Reason.STALE_ATTEMPT));
        }
        int expected = state.get().nextIndex();
        if (token.index() != expected) {
            return List.of(new TokenIgnored(
                    token.index() < expected ? TokenIgnored.Reason.REPEATED : TokenIgnored.Reason.GAP));
        }
        TokenAccepted accepted = new TokenAccepted(token.index(), nowMs);
        return token.last() ? List.of(accepted, new Finished(nowMs)) : List.of(accepted);
    }

    private static List<SessionEvent> tick(SessionLife life, Tick tick, long nowMs) {
        long age = nowMs - life.changedMs();
        return switch (life.phase()) {
            case WAITING -> nowMs > life.deadlineMs() ? List.of(new Expired(age)) : List.of();
            case ACTIVE, RECOVERING -> age > tick.stallMs() ? List.of(new Stalled(age, nowMs)) : List.of();
            case FINISHED, FAILED -> age > tick.retentionMs() ? List.of(new Forgotten()) : List.of();
        };
    }
}

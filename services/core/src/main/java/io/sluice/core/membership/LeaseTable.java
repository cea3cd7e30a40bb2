package io.sluice.core.membership;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat.State;
import io.sluice.core.membership.MemberEvent.Draining;
import io.sluice.core.membership.MemberEvent.Joined;
import io.sluice.core.membership.MemberEvent.Lost;
import io.sluice.core.membership.MemberEvent.Restarted;
import io.sluice.core.membership.MemberEvent.Serving;
import io.sluice.core.membership.MemberEvent.Zombie;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * Who is alive, as one observer sees it: a worker until its lease has passed by the observer's own clock, counted from
 * when a heartbeat arrived, so that no clock is compared with another one's. A reported end takes effect at once.
 *
 * <p>Silence proves nothing while the observer itself is cut off. It therefore sends heartbeats of its own through the
 * same topic; while its last echo is older than a lease, no lease ends, and once the echo is back every worker gets a
 * whole lease again. For the same reason a worker that is only expected is not missed while no worker at all has been
 * heard of. Not thread-safe.
 */
public final class LeaseTable {
    /** Incarnation of a worker that was not heard of yet. */
    public static final long UNKNOWN = Long.MIN_VALUE;

    private final long echoMs;
    private final Map<WorkerId, Entry> entries = new TreeMap<>();
    private long echoAtMs;
    private boolean cutOff;
    private boolean heardAny;

    private static final class Entry {
        private long incarnation;
        private State state;
        private long leaseMs;
        private long heardMs;
        private long drainDeadlineMs;
        private long zombie = Long.MIN_VALUE;
    }

    /**
     * @param echoMs after this long without an echo of its own the observer takes itself for cut off, milliseconds
     * @param nowMs when it begins to listen
     */
    public LeaseTable(long echoMs, long nowMs) {
        if (echoMs < 1) {
            throw new IllegalArgumentException("echo time-out " + echoMs + " ms must be at least 1");
        }
        this.echoMs = echoMs;
        this.echoAtMs = nowMs;
    }

    /** The observer's own heartbeat has come back. */
    public void echo(long nowMs) {
        if (cutOff || nowMs - echoAtMs > echoMs) {
            entries.values().forEach(entry -> entry.heardMs = Math.max(entry.heardMs, nowMs));
            cutOff = false;
        }
        echoAtMs = nowMs;
    }

    /**
     * A worker that should be there though it was not heard of yet, as after a restart of the observer: it has one lease
     * to be heard of. Does nothing when it is known.
     */
    public void expect(WorkerId worker, long leaseMs, long nowMs) {
        if (!entries.containsKey(worker)) {
            Entry entry = new Entry();
            entry.incarnation = UNKNOWN;
            entry.state = State.ALIVE;
            entry.leaseMs = leaseMs;
            entry.heardMs = nowMs;
            entries.put(worker, entry);
        }
    }

    /** A heartbeat or a report has come. */
    public List<MemberEvent> beat(Beat beat, long nowMs) {
        Objects.requireNonNull(beat, "beat");
        if (!heardAny) {
            heardAny = true;
            entries.values().forEach(entry -> entry.heardMs = Math.max(entry.heardMs, nowMs));
        }
        Entry entry = entries.get(beat.worker());
        if (entry == null) {
            if (beat.state() == State.GONE) {
                entry = new Entry();
                entry.incarnation = beat.incarnation();
                entry.state = State.GONE;
                entry.heardMs = nowMs;
                entries.put(beat.worker(), entry);
                return List.of();
            }
            entry = new Entry();
            entries.put(beat.worker(), entry);
            return takeUp(entry, beat, nowMs, new Joined(beat.worker(), beat.incarnation()));
        }
        if (beat.incarnation() < entry.incarnation) {
            boolean told = entry.zombie == beat.incarnation() || beat.state() == State.GONE;
            entry.zombie = beat.incarnation();
            return told ? List.of() : List.of(new Zombie(beat.worker(), beat.incarnation()));
        }
        if (beat.state() == State.GONE) {
            boolean was = entry.state != State.GONE;
            entry.incarnation = beat.incarnation();
            entry.state = State.GONE;
            String why = beat.reporter() + " reports its end" + (beat.reason().isEmpty() ? "" : ": " + beat.reason());
            return was ? List.of(new Lost(beat.worker(), why, nowMs - entry.heardMs)) : List.of();
        }
        boolean expected = entry.incarnation == UNKNOWN;
        if (beat.incarnation() > entry.incarnation && !expected) {
            return takeUp(entry, beat, nowMs, new Restarted(beat.worker(), beat.incarnation()));
        }
        if (entry.state == State.GONE) {
            // Of the same incarnation: it was cut off or stopped for a while, or its end was a false report.
            return takeUp(entry, beat, nowMs, new Joined(beat.worker(), beat.incarnation()));
        }
        return takeUp(entry, beat, nowMs, expected ? new Joined(beat.worker(), beat.incarnation()) : null);
    }

    private static List<MemberEvent> takeUp(Entry entry, Beat beat, long nowMs, MemberEvent first) {
        List<MemberEvent> events = new ArrayList<>();
        if (first != null) {
            events.add(first);
        }
        boolean wasDraining = first == null && entry.state == State.DRAINING;
        boolean drains = beat.state() == State.DRAINING;
        if (drains && (!wasDraining || entry.drainDeadlineMs != beat.drainDeadlineMs())) {
            events.add(new Draining(beat.worker(), beat.drainDeadlineMs()));
        } else if (!drains && wasDraining) {
            events.add(new Serving(beat.worker()));
        }
        entry.incarnation = beat.incarnation();
        entry.state = beat.state();
        entry.leaseMs = beat.leaseMs();
        entry.heardMs = nowMs;
        entry.drainDeadlineMs = beat.drainDeadlineMs();
        return events;
    }

    /** Time has passed: the workers whose lease has ended. */
    public List<MemberEvent> tick(long nowMs) {
        if (nowMs - echoAtMs > echoMs) {
            cutOff = true;
            return List.of();
        }
        List<MemberEvent> events = new ArrayList<>();
        if (!heardAny) {
            return events;
        }
        entries.forEach((worker, entry) -> {
            long silent = nowMs - entry.heardMs;
            if (entry.state != State.GONE && silent > entry.leaseMs) {
                entry.state = State.GONE;
                events.add(new Lost(
                        worker, "no heartbeat for " + silent + " ms, its lease is " + entry.leaseMs + " ms", silent));
            }
        });
        return events;
    }

    /** Whether sessions may run on the worker; one that was never heard of nor expected counts as alive. */
    public boolean isAlive(WorkerId worker) {
        Entry entry = entries.get(worker);
        return entry == null || entry.state != State.GONE;
    }

    /** Whether new sessions may be sent to the worker. */
    public boolean takesSessions(WorkerId worker) {
        Entry entry = entries.get(worker);
        return entry == null || entry.state == State.ALIVE;
    }

    /** When a draining worker will be gone; empty when it does not drain. 0: no deadline. */
    public OptionalLong drainDeadlineMs(WorkerId worker) {
        Entry entry = entries.get(worker);
        return entry == null || entry.state != State.DRAINING
                ? OptionalLong.empty()
                : OptionalLong.of(entry.drainDeadlineMs);
    }

    /** Newest incarnation heard of; {@link #UNKNOWN}: none. */
    public long incarnation(WorkerId worker) {
        Entry entry = entries.get(worker);
        return entry == null ? UNKNOWN : entry.incarnation;
    }

    /** How many workers are in this state, as far as the observer knows. */
    public int count(State state) {
        return (int)
                entries.values().stream().filter(entry -> entry.state == state).count();
    }

    /** Whether the observer takes itself for cut off, so that no lease ends. */
    public boolean isCutOff() {
        return cutOff;
    }
}

package io.sluice.core.membership;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.MemberEvent.Joined;
import io.sluice.core.membership.MemberEvent.Lost;
import io.sluice.core.membership.MemberEvent.Restarted;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A {@link LeaseTable} with what a router remembers beside it: why workers were lost, since when it hears its own echo,
 * and a version that grows with every change, so that sessions are looked at only when there is a reason. Not
 * thread-safe.
 */
public final class MemberView implements Members {
    /** Reporter in the heartbeats by which routers listen to themselves; they are no workers. */
    public static final String ROUTER = "router";

    private final WorkerId self;
    private final long leaseMs;
    private final long echoMs;
    private final LeaseTable table;
    private final TreeSet<WorkerId> expected = new TreeSet<>();
    private final Map<WorkerId, String> losses = new TreeMap<>();
    private long version;
    private boolean cutOff;
    private long connectedSinceMs;

    /**
     * @param self name under which the observer sends heartbeats to itself
     * @param leaseMs for workers that should be there and were not heard of yet
     * @param echoMs after this long without its own echo the observer takes itself for cut off
     */
    public MemberView(WorkerId self, long leaseMs, long echoMs, long nowMs) {
        this.self = Objects.requireNonNull(self, "self");
        this.leaseMs = leaseMs;
        this.echoMs = echoMs;
        this.table = new LeaseTable(echoMs, nowMs);
        this.connectedSinceMs = nowMs;
    }

    /** The heartbeat that the observer sends to itself, under the name of a router. */
    public Beat echo(long incarnation) {
        return new Beat(self, incarnation, Beat.State.ALIVE, 0, echoMs, ROUTER, "");
    }

    /** A heartbeat was read from the topic. */
    public List<MemberEvent> hear(Beat beat, long nowMs) {
        if (beat.worker().equals(self)) {
            table.echo(nowMs);
            return List.of();
        }
        return beat.reporter().equals(ROUTER) ? List.of() : note(table.beat(beat, nowMs));
    }

    /** A worker that should be there: from the next tick on it has one lease to be heard of. */
    public void expect(WorkerId worker) {
        expected.add(worker);
    }

    /** Time has passed: what ended with it. */
    public List<MemberEvent> tick(long nowMs) {
        expected.forEach(worker -> table.expect(worker, leaseMs, nowMs));
        expected.clear();
        List<MemberEvent> events = note(table.tick(nowMs));
        if (cutOff && !table.isCutOff()) {
            connectedSinceMs = nowMs;
        }
        cutOff = table.isCutOff();
        return events;
    }

    private List<MemberEvent> note(List<MemberEvent> events) {
        for (MemberEvent event : events) {
            version++;
            switch (event) {
                case Joined joined -> losses.remove(joined.worker());
                case Restarted restarted -> losses.put(restarted.worker(), "it has restarted");
                case Lost lost -> losses.put(lost.worker(), lost.reason());
                default -> {}
            }
        }
        return events;
    }

    /** Grows whenever something about a worker has changed. */
    public long version() {
        return version;
    }

    @Override
    public boolean isAlive(WorkerId worker) {
        return table.isAlive(worker);
    }

    /** Whether new sessions may be sent to the worker. */
    public boolean takesSessions(WorkerId worker) {
        return table.takesSessions(worker);
    }

    @Override
    public OptionalLong drainDeadlineMs(WorkerId worker) {
        return table.drainDeadlineMs(worker);
    }

    @Override
    public long incarnation(WorkerId worker) {
        return table.incarnation(worker);
    }

    @Override
    public String lossOf(WorkerId worker) {
        return losses.getOrDefault(worker, "what it held is gone");
    }

    @Override
    public boolean isCutOff() {
        return cutOff;
    }

    @Override
    public long connectedSinceMs() {
        return connectedSinceMs;
    }

    /** How many workers are in this state, as far as the observer knows. */
    public int count(Beat.State state) {
        return table.count(state);
    }
}

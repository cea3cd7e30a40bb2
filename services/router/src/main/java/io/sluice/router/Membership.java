package io.sluice.router;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.membership.MemberEvent;
import io.sluice.core.membership.MemberEvent.Draining;
import io.sluice.core.membership.MemberEvent.Joined;
import io.sluice.core.membership.MemberEvent.Lost;
import io.sluice.core.membership.MemberEvent.Restarted;
import io.sluice.core.membership.MemberEvent.Serving;
import io.sluice.core.membership.MemberEvent.Zombie;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is there, as this router process sees it: what its listener hears, in one lease table that all tasks ask. A task
 * compares {@link #version()} with the one it saw last, and looks at its sessions when it has grown. Thread-safe, never
 * blocks for long. All times are of the router's clock, milliseconds since the Unix epoch.
 */
final class Membership {
    /** Reporter in the heartbeats by which routers listen to themselves; they are no workers. */
    static final String REPORTER = "router";

    private static final Logger LOG = LoggerFactory.getLogger(Membership.class);

    private final WorkerId self;
    private final long leaseMs;
    private final long echoMs;
    private final LeaseTable table;
    private final TreeSet<WorkerId> expected = new TreeSet<>();
    private final Map<WorkerId, String> losses = new TreeMap<>();
    private long version;
    private long zombies;
    private boolean cutOff;
    private long connectedSinceMs;

    /**
     * @param self name under which this router sends heartbeats to itself
     * @param lease for workers that should be there and were not heard of yet
     * @param echo after this long without its own echo the router takes itself for cut off
     */
    Membership(WorkerId self, Duration lease, Duration echo, long nowMs) {
        this.self = Objects.requireNonNull(self, "self");
        this.leaseMs = lease.toMillis();
        this.echoMs = echo.toMillis();
        this.table = new LeaseTable(echoMs, nowMs);
        this.connectedSinceMs = nowMs;
    }

    WorkerId self() {
        return self;
    }

    /** The heartbeat that this router sends to itself. */
    Beat echo(long incarnation) {
        return new Beat(self, incarnation, Beat.State.ALIVE, 0, echoMs, REPORTER, "");
    }

    /** A heartbeat was read from the topic. */
    synchronized void hear(Beat beat, long nowMs) {
        if (beat.worker().equals(self)) {
            table.echo(nowMs);
        } else if (!beat.reporter().equals(REPORTER)) {
            note(table.beat(beat, nowMs));
        }
    }

    /** A worker that should be there: from the next tick on it has one lease to be heard of. */
    synchronized void expect(WorkerId worker) {
        expected.add(worker);
    }

    /** Time has passed. */
    synchronized void tick(long nowMs) {
        expected.forEach(worker -> table.expect(worker, leaseMs, nowMs));
        expected.clear();
        note(table.tick(nowMs));
        if (table.isCutOff() != cutOff) {
            cutOff = table.isCutOff();
            if (cutOff) {
                LOG.warn("router is cut off from the broker: no echo of its own for {} ms, no lease ends", echoMs);
            } else {
                connectedSinceMs = nowMs;
                LOG.info("router hears its echo again, every worker has a whole lease");
            }
        }
    }

    private void note(List<MemberEvent> events) {
        for (MemberEvent event : events) {
            version++;
            switch (event) {
                case Joined joined -> {
                    losses.remove(joined.worker());
                    LOG.info("worker joined worker={} incarnation={}", joined.worker(), joined.incarnation());
                }
                case Restarted restarted -> {
                    losses.put(restarted.worker(), "it has restarted");
                    LOG.warn("worker restarted worker={} incarnation={}", restarted.worker(), restarted.incarnation());
                }
                case Lost lost -> {
                    losses.put(lost.worker(), lost.reason());
                    LOG.warn(
                            "worker lost worker={} silentMs={} reason={}",
                            lost.worker(),
                            lost.silentMs(),
                            lost.reason());
                }
                case Draining draining ->
                    LOG.info("worker drains worker={} deadlineMs={}", draining.worker(), draining.deadlineMs());
                case Serving serving -> LOG.info("worker serves again worker={}", serving.worker());
                case Zombie zombie -> {
                    zombies++;
                    LOG.warn("zombie heard worker={} incarnation={}", zombie.worker(), zombie.incarnation());
                }
            }
        }
    }

    /** Grows whenever something about a worker has changed. */
    synchronized long version() {
        return version;
    }

    synchronized boolean isAlive(WorkerId worker) {
        return table.isAlive(worker);
    }

    synchronized boolean takesSessions(WorkerId worker) {
        return table.takesSessions(worker);
    }

    synchronized OptionalLong drainDeadlineMs(WorkerId worker) {
        return table.drainDeadlineMs(worker);
    }

    /** Newest incarnation heard of; {@link LeaseTable#UNKNOWN}: none. */
    synchronized long incarnation(WorkerId worker) {
        return table.incarnation(worker);
    }

    /** Why the worker was lost last, for people. */
    synchronized String lossOf(WorkerId worker) {
        return losses.getOrDefault(worker, "what it held is gone");
    }

    synchronized boolean isCutOff() {
        return cutOff;
    }

    /** Since when the router has heard its echo without a break. */
    synchronized long connectedSinceMs() {
        return connectedSinceMs;
    }

    synchronized int count(Beat.State state) {
        return table.count(state);
    }

    /** Incarnations that were heard of after a newer one. */
    synchronized long zombies() {
        return zombies;
    }
}

package io.sluice.router;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.membership.MemberEvent;
import io.sluice.core.membership.MemberEvent.Draining;
import io.sluice.core.membership.MemberEvent.Joined;
import io.sluice.core.membership.MemberEvent.Lost;
import io.sluice.core.membership.MemberEvent.Restarted;
import io.sluice.core.membership.MemberEvent.Serving;
import io.sluice.core.membership.MemberEvent.Zombie;
import io.sluice.core.membership.MemberView;
import io.sluice.core.membership.Members;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is there, as this router process sees it: what its listener hears, in one lease table that all tasks ask. A task
 * compares {@link #version()} with the one it saw last, and looks at its sessions when it has grown. Thread-safe, never
 * blocks for long. All times are of the router's clock, milliseconds since the Unix epoch.
 */
final class Membership implements Members {
    private static final Logger LOG = LoggerFactory.getLogger(Membership.class);

    private final WorkerId self;
    private final long echoMs;
    private final MemberView view;
    private long zombies;
    private boolean cutOff;

    /**
     * @param self name under which this router sends heartbeats to itself
     * @param lease for workers that should be there and were not heard of yet
     * @param echo after this long without its own echo the router takes itself for cut off
     */
    Membership(WorkerId self, Duration lease, Duration echo, long nowMs) {
        this.self = Objects.requireNonNull(self, "self");
        this.echoMs = echo.toMillis();
        this.view = new MemberView(self, lease.toMillis(), echoMs, nowMs);
    }

    WorkerId self() {
        return self;
    }

    /** The heartbeat that this router sends to itself. */
    synchronized Beat echo(long incarnation) {
        return view.echo(incarnation);
    }

    /** A heartbeat was read from the topic. */
    synchronized void hear(Beat beat, long nowMs) {
        tell(view.hear(beat, nowMs));
    }

    /** A worker that should be there: from the next tick on it has one lease to be heard of. */
    synchronized void expect(WorkerId worker) {
        view.expect(worker);
    }

    /** Time has passed. */
    synchronized void tick(long nowMs) {
        tell(view.tick(nowMs));
        if (view.isCutOff() != cutOff) {
            cutOff = view.isCutOff();
            if (cutOff) {
                LOG.warn("router is cut off from the broker: no echo of its own for {} ms, no lease ends", echoMs);
            } else {
                LOG.info("router hears its echo again, every worker has a whole lease");
            }
        }
    }

    private void tell(List<MemberEvent> events) {
        for (MemberEvent event : events) {
            switch (event) {
                case Joined joined -> {
                    LOG.info("worker joined worker={} incarnation={}", joined.worker(), joined.incarnation());
                }
                case Restarted restarted -> {
                    LOG.warn("worker restarted worker={} incarnation={}", restarted.worker(), restarted.incarnation());
                }
                case Lost lost -> {
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
        return view.version();
    }

    @Override
    public synchronized boolean isAlive(WorkerId worker) {
        return view.isAlive(worker);
    }

    synchronized boolean takesSessions(WorkerId worker) {
        return view.takesSessions(worker);
    }

    @Override
    public synchronized OptionalLong drainDeadlineMs(WorkerId worker) {
        return view.drainDeadlineMs(worker);
    }

    @Override
    public synchronized long incarnation(WorkerId worker) {
        return view.incarnation(worker);
    }

    @Override
    public synchronized String lossOf(WorkerId worker) {
        return view.lossOf(worker);
    }

    @Override
    public synchronized boolean isCutOff() {
        return view.isCutOff();
    }

    @Override
    public synchronized long connectedSinceMs() {
        return view.connectedSinceMs();
    }

    synchronized int count(Beat.State state) {
        return view.count(state);
    }

    /** Incarnations that were heard of after a newer one. */
    synchronized long zombies() {
        return zombies;
    }
}

package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.records.WorkerState;
import java.util.Objects;

/** Where this worker stands as a member: it serves, drains until a deadline, or has left. Thread-safe. */
final class Standing {
    private final WorkerId self;
    private final long incarnation;
    private final long leaseMs;
    private volatile View view = new View(WorkerState.JOINED, 0, "", false);

    /**
     * One moment.
     *
     * @param deadlineMs of a drain, milliseconds since the Unix epoch by this machine's clock; 0: none
     * @param reason why it drains or has left; empty: it serves
     * @param certain whether a drain can no longer be called off
     */
    record View(WorkerState state, long deadlineMs, String reason, boolean certain) {
        View {
            Objects.requireNonNull(state, "state");
            Objects.requireNonNull(reason, "reason");
        }
    }

    Standing(WorkerId self, long incarnation, long leaseMs) {
        this.self = Objects.requireNonNull(self, "self");
        this.incarnation = incarnation;
        this.leaseMs = leaseMs;
    }

    View view() {
        return view;
    }

    boolean drains() {
        return view.state() == WorkerState.DRAINING;
    }

    /**
     * It drains from now on. A newer deadline replaces the former, but one that is certain is never put off.
     *
     * @param deadlineMs 0: none
     * @param certain whether it cannot be called off, because the machine goes
     * @return whether anything has changed
     */
    synchronized boolean drain(long deadlineMs, String reason, boolean certain) {
        View before = view;
        if (before.state() == WorkerState.LEFT) {
            return false;
        }
        boolean bound =
                before.state() == WorkerState.DRAINING && before.deadlineMs() > 0 && (before.certain() || certain);
        long deadline =
                bound && (deadlineMs == 0 || deadlineMs > before.deadlineMs()) ? before.deadlineMs() : deadlineMs;
        view = new View(WorkerState.DRAINING, deadline, reason, certain || before.certain());
        return !view.equals(before);
    }

    /** A drain is called off. False when there is none, or when it is certain. */
    synchronized boolean serve() {
        if (view.state() != WorkerState.DRAINING || view.certain()) {
            return false;
        }
        view = new View(WorkerState.JOINED, 0, "", false);
        return true;
    }

    /** It is gone; nothing changes after that. */
    synchronized void leave(String reason) {
        if (view.state() != WorkerState.LEFT) {
            view = new View(WorkerState.LEFT, 0, reason, true);
        }
    }

    /** What its heartbeat says now. */
    Beat beat() {
        View now = view;
        Beat.State state =
                switch (now.state()) {
                    case JOINED -> Beat.State.ALIVE;
                    case DRAINING -> Beat.State.DRAINING;
                    case LEFT -> Beat.State.GONE;
                };
        return new Beat(self, incarnation, state, now.deadlineMs(), leaseMs, self.value(), now.reason());
    }
}

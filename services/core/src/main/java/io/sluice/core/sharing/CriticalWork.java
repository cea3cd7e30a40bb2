package io.sluice.core.sharing;

/**
 * The latency-critical work of one device, as its gate hears of it: whether any is there, since when there is none, and from
 * when on the device counts as idle ({@link IdleWait}). Not thread-safe.
 */
final class CriticalWork {
    private final IdleWait idleWait;
    private int waiting;
    private int running;
    private long idleSinceNanos = Long.MIN_VALUE;
    private long thereNanos;

    CriticalWork(IdleWait idleWait) {
        this.idleWait = idleWait;
    }

    /** Whether any waits or runs. */
    boolean there() {
        return waiting + running > 0;
    }

    /** So much time went by. */
    void passed(long nanos) {
        thereNanos += there() ? nanos : 0;
    }

    /** How long there was any, since the gate began. */
    long thereNanos() {
        return thereNanos;
    }

    int waiting() {
        return waiting;
    }

    int running() {
        return running;
    }

    void arrived(long nowNanos) {
        if (!there() && idleSinceNanos != Long.MIN_VALUE) {
            idleWait.ended(nowNanos - idleSinceNanos);
        }
        waiting++;
    }

    void started() {
        requireWaiting("started");
        waiting--;
        running++;
    }

    void finished(long nowNanos) {
        if (running == 0) {
            throw new IllegalStateException("latency-critical work ended that never started: report its start first");
        }
        running--;
        left(nowNanos);
    }

    void withdrawn(long nowNanos) {
        requireWaiting("withdrawn");
        waiting--;
        left(nowNanos);
    }

    private void requireWaiting(String what) {
        if (waiting == 0) {
            throw new IllegalStateException(
                    "latency-critical work " + what + " that never arrived: report its arrival first");
        }
    }

    private void left(long nowNanos) {
        if (!there()) {
            idleSinceNanos = nowNanos;
        }
    }

    /** Whether the device is idle: there is none, and the last has been gone for long enough. */
    boolean idleAt(long nowNanos) {
        return !there() && (idleSinceNanos == Long.MIN_VALUE || nowNanos >= idleFromNanos());
    }

    /** From when on the device is idle if nothing comes. */
    long idleFromNanos() {
        return Shares.plus(idleSinceNanos, idleWait.nanos());
    }
}

package io.sluice.simtest;

/**
 * A consumer of one log: fetches in order, one record per event. While its process is cut off or the log has no leader
 * it tries again; where its position does not exist it starts from the beginning, as the live consumers do.
 */
final class Reader<R> {
    private static final long RETRY_MICROS = 40_000;

    /** Takes records. */
    @FunctionalInterface
    interface Handler<R> {
        void take(long offset, R record);
    }

    private final Actor owner;
    private final Log<R> log;
    private final Handler<R> handler;
    private long position;
    private boolean pending;
    private boolean paused;
    private boolean closed;

    /** Begins at {@code position}; the owner closes it when it dies. */
    Reader(Actor owner, Log<R> log, long position, Handler<R> handler) {
        this.owner = owner;
        this.log = log;
        this.position = position;
        this.handler = handler;
        log.subscribe(this);
        wake();
    }

    long position() {
        return position;
    }

    void close() {
        closed = true;
        log.unsubscribe(this);
    }

    /** Takes nothing for a while. */
    void pause(boolean pause) {
        paused = pause;
        if (!pause) {
            wake();
        }
    }

    /** There may be something to read. */
    void wake() {
        if (pending || paused || closed || log.end() == position) {
            return;
        }
        pending = true;
        long wait = owner.world.delayMicros();
        if (position >= log.start() && position < log.end()) {
            wait += Math.max(0, log.visibleMicros(position) - owner.world.nowMicros());
        }
        owner.after(wait, this::poll);
    }

    private void poll() {
        pending = false;
        if (closed || paused) {
            return;
        }
        if (owner.isCutOff() || !log.isAvailable()) {
            pending = true;
            owner.after(RETRY_MICROS, this::poll);
            return;
        }
        if (position < log.start() || position > log.end()) {
            position = log.start();
        }
        if (position < log.end() && log.visibleMicros(position) <= owner.world.nowMicros()) {
            long offset = position++;
            R record = log.get(offset);
            if (record != null) {
                handler.take(offset, record);
            }
        }
        wake();
    }
}

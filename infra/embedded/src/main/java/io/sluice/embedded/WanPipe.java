package io.sluice.embedded;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One direction of one connection across a {@link WanLine}: {@link #read} takes bytes as they come, up to the line's window,
 * {@link #write} hands them on, in order, when they have arrived. One thread for each. While it is held nothing is handed
 * on.
 */
final class WanPipe {
    private static final int PIECE_BYTES = 16 << 10;

    private final WanLine line;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<Piece> pieces = new ArrayDeque<>();
    private int waiting;
    private boolean held;
    private boolean ended;

    /** @param data null: the end of the stream */
    private record Piece(byte[] data, long arrivalNanos) {}

    WanPipe(WanLine line) {
        this.line = line;
    }

    /** Reads until the end of the stream or of the pipe. */
    void read(InputStream in) throws InterruptedException {
        byte[] buffer = new byte[PIECE_BYTES];
        long last = System.nanoTime();
        boolean more = true;
        while (more && awaitRoom()) {
            int size;
            try {
                size = in.read(buffer);
            } catch (IOException e) {
                size = -1; // the end, in disorder
            }
            more = size >= 0;
            last = line.arrivalNanos(Math.max(0, size), System.nanoTime(), last);
            put(new Piece(more ? java.util.Arrays.copyOf(buffer, size) : null, last));
        }
    }

    /** Writes until the end of the stream has arrived, or of the pipe. */
    void write(OutputStream out) throws IOException, InterruptedException {
        for (Piece piece = take(); piece != null && piece.data != null; piece = take()) {
            out.write(piece.data);
        }
    }

    /** Whether nothing is handed on for now. */
    void hold(boolean value) {
        lock.lock();
        try {
            held = value;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Both sides return; what was on its way is lost. */
    void end() {
        lock.lock();
        try {
            ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** False when it has ended. */
    private boolean awaitRoom() throws InterruptedException {
        int window = line.windowBytes();
        lock.lock();
        try {
            while (!ended && waiting >= window) {
                changed.await();
            }
            return !ended;
        } finally {
            lock.unlock();
        }
    }

    private void put(Piece piece) {
        lock.lock();
        try {
            pieces.add(piece);
            waiting += piece.data == null ? 0 : piece.data.length;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The next piece once it has arrived; null when the pipe has ended. */
    private Piece take() throws InterruptedException {
        lock.lock();
        try {
            while (!ended) {
                Piece next = held ? null : pieces.peek();
                long early = next == null ? 0 : next.arrivalNanos - System.nanoTime();
                if (next == null) {
                    changed.await();
                } else if (early > 0) {
                    changed.awaitNanos(Math.min(early, TimeUnit.SECONDS.toNanos(1)));
                } else {
                    pieces.poll();
                    line.handedOn(-early);
                    waiting -= next.data == null ? 0 : next.data.length;
                    changed.signalAll();
                    return next;
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }
}

package io.sluice.embedded;

import java.util.SplittableRandom;

/**
 * One direction of a site's line: says when bytes that enter it now have arrived at its other end. All connections of the
 * site share the rate, first come first served: a piece occupies the line for its size over the rate, after those before
 * it. Then come the delay of a crossing, the jitter, and the pause of a repetition where one of its packets is lost. The
 * same seed and the same pieces give the same times. Thread-safe.
 */
final class WanLine {
    private static final int QUEUE_BYTES = 256 << 10;
    private static final int UNBOUNDED_WINDOW_BYTES = 16 << 20;

    private WanShape shape;
    private final SplittableRandom random;
    private final long startNanos;
    private long freeNanos;
    private long bytes;
    private long losses;
    private long handedOn;
    private long lateNanos;

    /** @param nowNanos the time of the clock that {@link #arrivalNanos} goes by */
    WanLine(WanShape shape, long seed, long nowNanos) {
        this.shape = shape;
        this.random = new SplittableRandom(seed);
        this.startNanos = nowNanos;
    }

    /**
     * When a piece has arrived, nanoseconds of the same clock.
     *
     * @param size bytes that enter the line
     * @param nowNanos when they do
     * @param notBeforeNanos when the piece before it on the same connection arrives
     */
    synchronized long arrivalNanos(int size, long nowNanos, long notBeforeNanos) {
        long now = nowNanos - startNanos;
        bytes += size;
        freeNanos = Math.max(freeNanos, now);
        if (shape.bitsPerSecond() > 0) {
            freeNanos += Math.round(size / shape.bytesPerSecond() * 1e9);
        }
        long arrival = freeNanos + shape.crossingNanos();
        if (shape.jitterNanos() > 0) {
            arrival += random.nextLong(shape.jitterNanos() + 1);
        }
        if (shape.loss() > 0) {
            int packets = Math.max(1, (size + WanShape.PACKET_BYTES - 1) / WanShape.PACKET_BYTES);
            if (random.nextDouble() < 1 - Math.pow(1 - shape.loss(), packets)) {
                losses++;
                arrival += shape.recoveryNanos();
            }
        }
        return startNanos + Math.max(arrival, notBeforeNanos - startNanos);
    }

    /** What enters from now on crosses a line of another shape; what is on its way arrives as it was to. */
    synchronized void reshape(WanShape other) {
        shape = other;
        handedOn = 0;
        lateNanos = 0;
    }

    /** A piece was handed on so long after it had arrived. */
    synchronized void handedOn(long lateNanos) {
        handedOn++;
        this.lateNanos += lateNanos;
    }

    /** Pieces handed on since the shape is what it is. */
    synchronized long handedOn() {
        return handedOn;
    }

    /** How late these were together, nanoseconds: what the machine adds to the line. */
    synchronized long lateNanos() {
        return lateNanos;
    }

    /** One-way delay, nanoseconds. */
    synchronized long crossingNanos() {
        return shape.crossingNanos();
    }

    /** Bytes that have entered. */
    synchronized long bytes() {
        return bytes;
    }

    /** Pieces of which a packet was lost. */
    synchronized long losses() {
        return losses;
    }

    /**
     * Bytes of one connection that may be on the line or before it: what the line holds, and a router's queue. More is not
     * read from the sender, who then waits, as a full TCP window makes it.
     */
    synchronized int windowBytes() {
        if (shape.bitsPerSecond() == 0) {
            return UNBOUNDED_WINDOW_BYTES;
        }
        double onTheWay = shape.bytesPerSecond() * (shape.crossingNanos() + shape.jitterNanos()) / 1e9;
        return (int) Math.min(UNBOUNDED_WINDOW_BYTES, QUEUE_BYTES + onTheWay);
    }
}

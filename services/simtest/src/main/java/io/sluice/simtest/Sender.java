package io.sluice.simtest;

import java.util.ArrayDeque;

/**
 * A producer's way to one log. Records sent together travel together; when the process dies on the way, a prefix of
 * them arrives. A durable producer keeps order and repeats nothing; a fast one, which waits for the leader only and
 * retries without a sequence number, may do both. What cannot be delivered in time fails.
 */
final class Sender<R> {
    private static final long RETRY_MICROS = 100_000;

    private final Actor owner;
    private final Log<R> log;
    private final boolean ordered;
    private final long timeoutMicros;
    private final ArrayDeque<Sent<R>> queue = new ArrayDeque<>();
    private int life;
    private long lastMicros;
    /** Set when a record was lost with the process: those behind it are lost too. */
    private boolean broken;

    private record Sent<R>(R record, long atMicros, int life, Runnable failed) {}

    Sender(Actor owner, Log<R> log, boolean ordered, long timeoutMicros) {
        this.owner = owner;
        this.log = log;
        this.ordered = ordered;
        this.timeoutMicros = timeoutMicros;
        this.life = owner.life();
    }

    /** Records on their way. */
    int inFlight() {
        return queue.size();
    }

    Log<R> log() {
        return log;
    }

    /** @param failed what the owner does when it cannot be delivered; null: nothing */
    void send(R record, Runnable failed) {
        World world = owner.world;
        if (life != owner.life()) {
            life = owner.life();
            broken = false;
        }
        Sent<R> sent = new Sent<>(record, world.nowMicros(), life, failed);
        long arrives = Math.max(lastMicros, world.nowMicros() + world.delayMicros());
        lastMicros = arrives;
        if (ordered) {
            queue.add(sent);
            world.at(arrives, this::arriveNext);
        } else {
            world.at(arrives, () -> arrive(sent));
        }
    }

    private void arriveNext() {
        Sent<R> head = queue.peek();
        if (isLost(head)) {
            queue.poll();
        } else if (isReachable()) {
            queue.poll();
            log.append(head.record);
        } else if (isLate(head)) {
            queue.poll();
            fail(head);
        } else {
            owner.world.at(retryMicros(), this::arriveNext);
        }
    }

    private void arrive(Sent<R> sent) {
        World world = owner.world;
        if (isLost(sent)) {
            return;
        }
        if (!isReachable()) {
            if (isLate(sent)) {
                fail(sent);
            } else {
                world.at(retryMicros(), () -> arrive(sent));
            }
            return;
        }
        FaultKind fault = world.faults().onRequest();
        if (fault == FaultKind.REORDERED) {
            world.at(retryMicros(), () -> arrive(sent));
            return;
        }
        log.append(sent.record);
        if (fault == FaultKind.DUPLICATED) {
            world.at(retryMicros(), () -> {
                if (isReachable()) {
                    log.append(sent.record);
                }
            });
        }
    }

    private boolean isReachable() {
        return !owner.isCutOff() && log.isAvailable();
    }

    private boolean isLate(Sent<R> sent) {
        return owner.world.nowMicros() - sent.atMicros > timeoutMicros;
    }

    /** Whether it was still in the memory of a process that has died. */
    private boolean isLost(Sent<R> sent) {
        if (sent.life == owner.life()) {
            return false;
        }
        if (sent.life != life || broken || owner.world.network().nextBoolean()) {
            broken = broken || sent.life == life;
            owner.world.faults().count(FaultKind.PARTIAL_WRITE);
            return true;
        }
        return false;
    }

    private void fail(Sent<R> sent) {
        if (sent.failed != null && sent.life == owner.life()) {
            owner.after(0, sent.failed);
        }
    }

    private long retryMicros() {
        return owner.world.nowMicros()
                + RETRY_MICROS / 2
                + owner.world.network().nextLong(RETRY_MICROS);
    }
}

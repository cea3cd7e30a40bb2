package io.sluice.simtest;

import io.sluice.core.WorkerId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the router writes between two commits, as an exactly-once stream thread does: chunks go out at once, because
 * workers read what is not committed; everything else is shown at the commit or never. Both ends of a transaction put a
 * marker, which takes an offset, into every activation topic it wrote to.
 */
final class Transaction {
    private final Actor owner;
    private final World world;
    private final Map<WorkerId, Sender<Wire.Activation>> links = new TreeMap<>();
    private final Map<WorkerId, Boolean> touched = new TreeMap<>();
    private final List<Runnable> atCommit = new ArrayList<>();

    Transaction(Actor owner) {
        this.owner = owner;
        this.world = owner.world;
    }

    void send(WorkerId to, Wire.Chunk chunk, Runnable undelivered) {
        touched.put(to, true);
        links.computeIfAbsent(to, id -> new Sender<>(owner, world.activations(id), true, SimWorker.DELIVERY_MICROS))
                .send(new Wire.Activation("router", List.of(chunk)), undelivered);
    }

    /** Shown when the transaction commits. */
    <R> void write(Log<R> log, R record) {
        atCommit.add(() -> log.append(record));
    }

    /** Whether everything sent has been acknowledged. */
    boolean isFlushed() {
        return links.values().stream().allMatch(link -> link.inFlight() == 0);
    }

    void commit() {
        mark();
        atCommit.forEach(Runnable::run);
        atCommit.clear();
    }

    void abort() {
        mark();
        atCommit.clear();
        links.clear();
    }

    private void mark() {
        touched.keySet().forEach(worker -> world.activations(worker).append(null));
        touched.clear();
    }
}

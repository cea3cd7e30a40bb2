package io.sluice.simtest;

import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.membership.MemberEvent;
import io.sluice.core.membership.MemberView;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.AllocationVerifier;
import io.sluice.core.routing.Dispatcher;
import io.sluice.core.routing.RoutingPolicy;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A router process around the core: it owns some partitions, hears of members and allocations, and writes in
 * transactions. A crash loses what was not committed, though workers may have seen the chunks of it.
 */
final class SimRouter extends Actor {
    static final long SESSION_MS = 25_000;

    private static final long TICK_MICROS = 50_000;
    private static final long CARE_MICROS = 250_000;
    private static final long SLOW_TICK_MICROS = 1_000_000;
    private static final long COMMIT_MICROS = 100_000;
    private static final long TRANSACTION_MICROS = 10_000_000;
    private static final double HIGH_WATER = 0.9;

    private final WorkerId self;
    private final Map<Integer, RouterTask> tasks = new TreeMap<>();
    private final Transaction transaction = new Transaction(this);
    private Dispatcher dispatcher;
    private MemberView members;
    private Reader<Beat> beats;
    private Reader<Allocation> allocations;
    private Sender<Beat> echo;
    private int starts;
    private long seenVersion;
    private boolean committing;
    private long commitSinceMicros;
    private int checks;

    SimRouter(World world, int number, long skew, double drift) {
        super(world, "router" + number, skew, drift);
        self = new WorkerId(name);
    }

    // Life

    void start() {
        born();
        starts++;
        world.judge().routerStarted(name);
        tasks.clear();
        seenVersion = -1;
        committing = false;
        dispatcher = new Dispatcher(World.MODEL, RoutingPolicy.SLUICE, HIGH_WATER);
        members = new MemberView(self, SimWorker.LEASE_MILLIS, SimWorker.LEASE_MILLIS, clockMillis());
        echo = new Sender<>(this, world.beats, true, SimWorker.DELIVERY_MICROS);
        beats = new Reader<>(this, world.beats, world.beats.end(), (offset, b) -> onBeat(b));
        // A global table starts with what there is.
        allocations = new Reader<>(
                this,
                world.allocations,
                Math.max(world.allocations.start(), world.allocations.end() - 1),
                (offset, a) -> onAllocation(a));
        every(TICK_MICROS, this::tick);
        every(CARE_MICROS, this::careTick);
        every(SLOW_TICK_MICROS, this::slowTick);
        every(COMMIT_MICROS, this::commit);
        world.group().joins(this);
    }

    /** The process ends; its transaction is aborted. */
    void kill() {
        died();
        tasks.values().forEach(RouterTask::close);
        beats.close();
        allocations.close();
        transaction.abort();
    }

    /** A task that cannot write starts again from what is committed. */
    private void crash() {
        kill();
        world.at(world.nowMicros() + 200_000, () -> {
            if (!isAlive()) {
                start();
            }
        });
    }

    /** A record that never reached its topic: the transaction cannot commit. */
    void undelivered() {
        if (isAlive()) {
            crash();
        }
    }

    // Partitions

    /** A partition is its own from now on. */
    void take(Partition partition) {
        RouterTask task = new RouterTask(this, partition);
        tasks.put(partition.number, task);
        task.pause(committing);
        share();
        seenVersion = -1;
    }

    /** Gives up the partitions that are another one's; only between two transactions. */
    private void handOver() {
        for (RouterTask task : List.copyOf(tasks.values())) {
            if (world.group().ownerOf(task.partition()) != this) {
                task.close();
                task.release();
                tasks.remove(task.partition().number);
                world.group().released(task.partition());
            }
        }
        share();
    }

    private void share() {
        dispatcher.setShare(
                tasks.isEmpty() ? 1 : (double) tasks.size() / world.partitions().size());
    }

    boolean owns(Partition partition) {
        return tasks.containsKey(partition.number);
    }

    // Transactions

    private void commit() {
        if (committing) {
            return;
        }
        committing = true;
        commitSinceMicros = world.nowMicros();
        tasks.values().forEach(task -> task.pause(true));
        tryCommit();
    }

    private void tryCommit() {
        if (world.nowMicros() - commitSinceMicros > TRANSACTION_MICROS) {
            crash();
            return;
        }
        if (isCutOff() || !transaction.isFlushed()) {
            after(1_000, this::tryCommit);
            return;
        }
        if (!world.group().isMember(this)) {
            // Taken for dead meanwhile: its partitions are others', and the brokers refuse what it has written.
            crash();
            return;
        }
        transaction.commit();
        tasks.values().forEach(RouterTask::committed);
        committing = false;
        handOver();
        tasks.values().forEach(task -> task.pause(false));
    }

    // Members and allocations

    private void onBeat(Beat beat) {
        note(members.hear(beat, clockMillis()));
    }

    private void note(List<MemberEvent> events) {
        events.forEach(event -> world.trace(null, () -> name + ": " + event));
    }

    private void onAllocation(Allocation allocation) {
        if (!AllocationVerifier.verify(allocation).isEmpty()) {
            return;
        }
        accept(allocation);
        if (!committing) {
            tryAgain();
        }
    }

    /** Uses an allocation from now on if it is newer. */
    void accept(Allocation allocation) {
        world.judge().arrived(name, allocation.epoch());
        boolean taken = dispatcher.accept(allocation);
        if (!taken && world.has(Mutation.STALE_EPOCH)) {
            dispatcher = new Dispatcher(World.MODEL, RoutingPolicy.SLUICE, HIGH_WATER);
            dispatcher.accept(allocation);
            tasks.values().forEach(task -> task.running()
                    .forEach(s -> dispatcher.restore(
                            s.life.id(), s.request.serviceClass(), s.life.pipeline(), s.kvTokens())));
            share();
        }
    }

    // Time

    private void tick() {
        echo.send(members.echo(starts), null);
        note(members.tick(clockMillis()));
        if (committing) {
            return;
        }
        if (members.version() != seenVersion) {
            seenVersion = members.version();
            tasks.values().forEach(task -> task.recovery().lookForLosses(clockMillis()));
        }
        tryAgain();
    }

    private void tryAgain() {
        tasks.values().forEach(task -> task.recovery().retry(clockMillis()));
        drain();
    }

    /** Lets in what waits at any of its partitions. */
    void drain() {
        tasks.values().forEach(task -> task.drain(clockMillis()));
    }

    private void careTick() {
        if (!committing) {
            tasks.values().forEach(task -> task.recovery().look(clockMillis()));
        }
    }

    private void slowTick() {
        if (!committing) {
            tasks.values().forEach(task -> task.recovery().endStalled(clockMillis()));
            drain();
        }
    }

    // For its tasks

    Dispatcher dispatcher() {
        return dispatcher;
    }

    MemberView members() {
        return members;
    }

    Transaction transaction() {
        return transaction;
    }

    int waiting() {
        return tasks.values().stream().mapToInt(RouterTask::waiting).sum();
    }

    int runningCount() {
        return tasks.values().stream().mapToInt(task -> task.running().size()).sum();
    }

    @Override
    void check() {
        if (!isAlive() || (++checks & 31) != 0) {
            return;
        }
        Map<WorkerId, Long> expected = new TreeMap<>();
        for (RouterTask task : tasks.values()) {
            for (RouterSession session : task.running()) {
                for (Stage stage : session.life.pipeline().stages()) {
                    expected.merge(stage.worker(), (long) session.kvTokens(), Long::sum);
                }
            }
        }
        if (dispatcher.sessions() != runningCount()) {
            world.judge()
                    .violation(
                            "KV reservations",
                            null,
                            name + " has " + dispatcher.sessions() + " reservations for " + runningCount()
                                    + " sessions that run");
        }
        expected.forEach((worker, sum) -> {
            if (dispatcher.reserved(worker) != sum) {
                world.judge()
                        .violation(
                                "KV reservations",
                                null,
                                name + " has reserved " + dispatcher.reserved(worker) + " tokens on " + worker
                                        + ", its sessions need " + sum);
            }
        });
    }
}

package io.sluice.simtest;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.DeviceSample;
import io.sluice.core.planning.MemberStatus;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Everything there is in one simulation: time, randomness, the event queue, the topics, who lives. All of it comes from
 * one seed, which is split by concern, so that a change of one of them leaves the others as they were.
 */
final class World {
    static final String MODEL = "m";

    /** What the last events of one session were, oldest first. */
    private static final int TRACED = 50;

    private final EventQueue queue = new EventQueue();
    private final SplittableRandom network;
    private final SplittableRandom disk;
    private final SplittableRandom load;
    private final SplittableRandom cluster;
    private final SplittableRandom sharing;
    private final Faults faults;
    private final Judge judge;
    private final Mutation mutation;
    private final String traced;
    private final List<Traced> own = new ArrayList<>();
    private final List<Traced> common = new ArrayList<>();
    private final List<Partition> partitions = new ArrayList<>();
    private final RouterGroup group = new RouterGroup(this);
    private long nowMicros;
    private long steps;
    private long hash;
    private long networkMicros = 250;

    final Log<Wire.Completion> completions = new Log<>(this, "completions", true);
    final Log<Wire.Failure> failures = new Log<>(this, "errors", true);
    final Log<Wire.Session> sessions = new Log<>(this, "sessions", true);
    final Log<Beat> beats = new Log<>(this, "heartbeats", true);
    final Log<MemberStatus> statuses = new Log<>(this, "workers", true);
    final Log<DeviceSample> telemetry = new Log<>(this, "telemetry", true);
    final Log<Allocation> allocations = new Log<>(this, "allocations", true);
    final Log<Wire.Command> commands = new Log<>(this, "commands", true);
    final Log<Wire.Limits> limits = new Log<>(this, "limits", true);
    private final Map<WorkerId, Log<Wire.Activation>> activations = new TreeMap<>();

    /** @param traced session whose events are remembered; null: none, which is faster */
    World(long seed, Mutation mutation, String traced) {
        SplittableRandom root = new SplittableRandom(seed);
        network = root.split();
        disk = root.split();
        load = root.split();
        cluster = root.split();
        this.mutation = mutation;
        this.traced = traced;
        judge = new Judge(this);
        faults = new Faults(this, root.split());
        sharing = root.split();
    }

    EventQueue queue() {
        return queue;
    }

    SplittableRandom network() {
        return network;
    }

    SplittableRandom disk() {
        return disk;
    }

    SplittableRandom load() {
        return load;
    }

    SplittableRandom cluster() {
        return cluster;
    }

    SplittableRandom sharing() {
        return sharing;
    }

    Faults faults() {
        return faults;
    }

    Judge judge() {
        return judge;
    }

    boolean has(Mutation wanted) {
        return mutation == wanted;
    }

    long nowMicros() {
        return nowMicros;
    }

    long steps() {
        return steps;
    }

    /** Of everything that has happened: equal for equal runs. */
    long hash() {
        return hash;
    }

    /** Takes something into the hash. */
    void fold(long value) {
        hash = Arithmetic.mix(hash, value);
    }

    /** Does something of the network or the brokers at a time. */
    void at(long micros, Runnable action) {
        queue.add(micros, null, action);
    }

    /** One way between a process and a broker. */
    long delayMicros() {
        return networkMicros + network.nextLong(networkMicros);
    }

    void networkMicros(long micros) {
        networkMicros = micros;
    }

    /** Makes the partitions of the topics whose key is a session. */
    void partition(int count) {
        for (int i = 0; i < count; i++) {
            partitions.add(new Partition(this, i));
        }
    }

    List<Partition> partitions() {
        return partitions;
    }

    /** Where the records of a session are. */
    Partition partition(SessionId session) {
        return partitions.get(Math.floorMod(session.value().hashCode(), partitions.size()));
    }

    RouterGroup group() {
        return group;
    }

    /** The topic of a worker, which outlives it. */
    Log<Wire.Activation> activations(WorkerId worker) {
        return activations.computeIfAbsent(worker, id -> new Log<>(this, "activations." + id, false));
    }

    /** All logs that there are, in a fixed order. */
    List<Log<?>> logs() {
        List<Log<?>> all = new ArrayList<>();
        for (Partition partition : partitions) {
            all.addAll(List.of(partition.requests, partition.tokens, partition.reports));
        }
        all.addAll(List.of(completions, failures, sessions, beats, statuses, telemetry, allocations, commands, limits));
        all.addAll(activations.values());
        return all;
    }

    List<Log<Wire.Activation>> activationLogs() {
        return List.copyOf(activations.values());
    }

    /** Takes the next event; false when there is none. */
    boolean step() {
        EventQueue.Event event = queue.poll();
        if (event == null) {
            return false;
        }
        nowMicros = event.atMicros();
        if (event.actor() == null) {
            event.action().run();
        } else if (!event.actor().run(event)) {
            return true;
        }
        steps++;
        fold(nowMicros);
        if (event.actor() != null) {
            event.actor().check();
        }
        return true;
    }

    /** Remembers an event of a session, or one that concerns all where it is null, if anybody wants to know. */
    void trace(SessionId session, Supplier<String> what) {
        if (traced == null || (session != null && !traced.equals(session.value()))) {
            return;
        }
        List<Traced> kept = session == null ? common : own;
        if (kept.size() == TRACED) {
            kept.removeFirst();
        }
        kept.add(new Traced(steps, String.format(Locale.ROOT, "%,.3f ms  %s", nowMicros / 1e3, what.get())));
    }

    /** The last events of the session, among those that concern all. */
    List<String> trace() {
        List<Traced> all = new ArrayList<>(own);
        long from = own.isEmpty() ? 0 : own.getFirst().step();
        common.stream().filter(event -> event.step() >= from).forEach(all::add);
        return all.stream()
                .sorted(Comparator.comparingLong(Traced::step))
                .map(Traced::text)
                .toList();
    }

    private record Traced(long step, String text) {}
}

package io.sluice.simtest;

import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.planning.BatchCost;
import io.sluice.core.planning.DeviceSample;
import io.sluice.core.planning.Holding;
import io.sluice.core.planning.MemberStatus;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.sharing.LimitsLease;
import io.sluice.core.sharing.SharingLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A worker: heartbeats, statuses and telemetry, its own topic, a stage; drains, dies and starts again under its name.
 * A start takes a new incarnation and an empty memory.
 */
final class SimWorker extends Actor {
    static final int LEASE_MILLIS = 1_200;

    private static final long BEAT_MICROS = 200_000;
    private static final long SWEEP_MICROS = 500_000;
    private static final long TELEMETRY_MICROS = 1_000_000;
    /** After this long a producer gives a record up. */
    static final long DELIVERY_MICROS = 6_000_000;

    private static final long SLICE_NANOS = 1_000_000;
    private static final long BATCH_MICROS = 1_500;
    private static final long POSITION_MICROS = 250;

    private final WorkerId id;
    private final double slowness;
    private final LayerRange home;
    private LayerRange layers;
    private final int kvCapacity;
    private long incarnation;
    private long sequence;
    private MemberStatus.State state = MemberStatus.State.LEFT;
    private long drainDeadlineMillis;
    private SimStage stage;
    private Reader<Wire.Activation> reader;
    private Reader<Wire.Command> orders;
    private Reader<MemberStatus> names;
    private Reader<Wire.Limits> limits;
    private Sender<Beat> beats;
    private Sender<MemberStatus> statuses;
    private Sender<DeviceSample> telemetry;
    private final List<Sender<Wire.Token>> tokens = new ArrayList<>();
    private final List<Sender<Wire.Report>> reports = new ArrayList<>();
    private final Map<WorkerId, Sender<Wire.Activation>> links = new TreeMap<>();

    /** Work since the last one. */
    record Sample(long busyMicros, int prefillTokens, int decodeTokens, int batches) {}

    SimWorker(World world, WorkerId id, LayerRange layers, int kvCapacity, double slowness, long skew, double drift) {
        super(world, id.value(), skew, drift);
        this.id = id;
        this.home = layers;
        this.layers = layers;
        this.kvCapacity = kvCapacity;
        this.slowness = slowness;
    }

    WorkerId id() {
        return id;
    }

    LayerRange layers() {
        return layers;
    }

    /** Those that it was meant for. */
    LayerRange home() {
        return home;
    }

    int kvCapacity() {
        return kvCapacity;
    }

    long incarnation() {
        return incarnation;
    }

    /** Names this start of it. */
    String instance() {
        return name + "#" + incarnation;
    }

    SimStage stage() {
        return stage;
    }

    boolean drains() {
        return state == MemberStatus.State.DRAINING;
    }

    /** Starts the process. */
    void start(LayerRange serves) {
        born();
        layers = serves;
        incarnation = Math.max(newestIncarnation() + 1, clockMillis());
        sequence = 0;
        state = MemberStatus.State.JOINED;
        drainDeadlineMillis = 0;
        stage = new SimStage(this, layers, kvCapacity);
        Log<Wire.Activation> own = world.activations(id);
        // What was written before belongs to sessions whose KV cache this process does not have.
        reader = new Reader<>(this, own, own.end(), stage::record);
        names = new Reader<>(this, world.statuses, world.statuses.end(), (offset, status) -> compare(status));
        orders = new Reader<>(this, world.commands, world.commands.end(), (offset, order) -> order(order));
        limits = new Reader<>(this, world.limits, world.limits.end(), (offset, published) -> limit(published));
        beats = new Sender<>(this, world.beats, true, DELIVERY_MICROS);
        statuses = new Sender<>(this, world.statuses, true, DELIVERY_MICROS);
        telemetry = new Sender<>(this, world.telemetry, true, DELIVERY_MICROS);
        tokens.clear();
        reports.clear();
        for (Partition partition : world.partitions()) {
            tokens.add(new Sender<>(this, partition.tokens, true, DELIVERY_MICROS));
            reports.add(new Sender<>(this, partition.reports, true, 10 * DELIVERY_MICROS));
        }
        links.clear();
        announce();
        beat();
        every(BEAT_MICROS, this::beat);
        every(SWEEP_MICROS, this::sweep);
        every(TELEMETRY_MICROS, this::measure);
    }

    /** Serves other layers from now on, without a restart; sessions keep those they began with. */
    void move(LayerRange serves) {
        layers = serves;
        stage.serve(serves);
        announce();
    }

    /** The process ends at once. */
    void kill() {
        died();
        reader.close();
        orders.close();
        names.close();
        limits.close();
        state = MemberStatus.State.LEFT;
    }

    /** Of any process of its name that has announced itself. */
    private long newestIncarnation() {
        long newest = incarnation;
        for (long at = world.statuses.start(); at < world.statuses.end(); at++) {
            MemberStatus status = world.statuses.get(at);
            newest = status.worker().equals(id) ? Math.max(newest, status.incarnation()) : newest;
        }
        return newest;
    }

    /** Another process of its name has announced itself: the older one of the two goes, and says nothing. */
    private void compare(MemberStatus status) {
        if (status.worker().equals(id) && status.incarnation() > incarnation) {
            world.trace(null, () -> instance() + " hears of its successor #" + status.incarnation() + " and goes");
            kill();
        } else if (status.worker().equals(id) && status.incarnation() < incarnation) {
            // The topic keeps the last word, which must be this one's.
            announce();
        }
    }

    private void order(Wire.Command order) {
        if (!order.worker().equals(id)) {
            return;
        }
        if (order.drain() && state == MemberStatus.State.JOINED) {
            state = MemberStatus.State.DRAINING;
            drainDeadlineMillis = order.deadlineMillis();
        } else if (!order.drain() && state == MemberStatus.State.DRAINING) {
            state = MemberStatus.State.JOINED;
            drainDeadlineMillis = 0;
        } else {
            return;
        }
        announce();
        beat();
    }

    private void limit(Wire.Limits published) {
        for (Wire.Limit limit : published.limits()) {
            if (limit.worker().equals(id) && limit.incarnation() == incarnation) {
                long nowNanos = world.nowMicros() * 1_000;
                long end = LimitsLease.endNanos(
                        published.atMillis(), published.validUntilMillis(), nowNanos, clockMillis());
                world.judge().limited(this, limit.quota() > 0, published.validUntilMillis() - published.atMillis());
                stage.limit(new SharingLimits(published.epoch(), limit.quota(), SLICE_NANOS, 1, end));
            }
        }
    }

    private void sweep() {
        stage.sweep();
        boolean due = drainDeadlineMillis > 0 && clockMillis() >= drainDeadlineMillis;
        if (drains() && (stage.sessions() == 0 || due)) {
            leave();
        }
    }

    /** Says that it goes, and goes once that is on its way. */
    private void leave() {
        state = MemberStatus.State.LEFT;
        announce();
        beats.send(beat(Beat.State.GONE, "left"), null);
        after(5_000, this::kill);
    }

    private void announce() {
        double decode = 1e6 / (slowness * (BATCH_MICROS + POSITION_MICROS));
        double prefill = 1e6 / (slowness * POSITION_MICROS * 1.2);
        statuses.send(
                new MemberStatus(
                        World.MODEL,
                        id,
                        state,
                        incarnation,
                        new Holding(Optional.of(layers), List.of(layers), 0, 0, 0),
                        "here",
                        kvCapacity,
                        prefill,
                        decode,
                        1e9,
                        new BatchCost(slowness * BATCH_MICROS, slowness * POSITION_MICROS, slowness * POSITION_MICROS),
                        clockMillis()),
                null);
    }

    private void beat() {
        if (state != MemberStatus.State.LEFT) {
            beats.send(beat(drains() ? Beat.State.DRAINING : Beat.State.ALIVE, ""), null);
        }
    }

    private Beat beat(Beat.State says, String reason) {
        return new Beat(id, incarnation, says, drainDeadlineMillis, LEASE_MILLIS, name, reason);
    }

    private void measure() {
        Sample sample = stage.takeSample();
        telemetry.send(
                new DeviceSample(
                        World.MODEL,
                        id,
                        incarnation,
                        sequence++,
                        clockMillis(),
                        TELEMETRY_MICROS / 1_000,
                        Math.min(sample.busyMicros(), TELEMETRY_MICROS),
                        Math.min(1, sample.busyMicros() / (double) TELEMETRY_MICROS),
                        sample.prefillTokens(),
                        sample.decodeTokens(),
                        sample.batches()),
                null);
    }

    // For the stage

    long batchMicros(int positions) {
        return (long) (slowness * (BATCH_MICROS + POSITION_MICROS * positions));
    }

    void send(WorkerId to, List<Wire.Chunk> chunks) {
        links.computeIfAbsent(to, worker -> new Sender<>(this, world.activations(worker), false, DELIVERY_MICROS))
                .send(
                        new Wire.Activation(name, chunks),
                        () -> chunks.forEach(chunk -> stage.undelivered(chunk.session(), chunk.attempt())));
    }

    void token(Wire.Token token) {
        tokens.get(world.partition(token.session()).number)
                .send(token, () -> stage.undelivered(token.session(), token.attempt()));
    }

    void report(SessionId session, int attempt, Trouble trouble) {
        reports.get(world.partition(session).number)
                .send(new Wire.Report(session, attempt, id, incarnation, trouble), null);
    }

    @Override
    void check() {
        if (isAlive()) {
            stage.check();
        }
    }
}

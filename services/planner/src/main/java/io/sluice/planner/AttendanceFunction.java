package io.sluice.planner;

import io.sluice.core.WorkerId;
import io.sluice.core.membership.Beat;
import io.sluice.core.membership.LeaseTable;
import io.sluice.core.membership.MemberEvent;
import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.Presence;
import io.sluice.messaging.HeartbeatCodec;
import io.sluice.records.Heartbeat;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns heartbeats into the few changes that planning is about: a process has come, drains, or is gone. Everything runs
 * under one key, because silence of one worker means something only while another one is heard.
 *
 * <p>Leases count from when a heartbeat arrived here. While nothing at all has arrived for the longest lease, it is this
 * job that is cut off, and no lease ends; telemetry's longer lease is for workers that send no heartbeats. Which model a worker serves is not in
 * its heartbeats but in its status. State: model, incarnation and lease of every worker; the table of leases
 * begins anew after a restart, when every known worker has a whole lease to be heard.
 */
final class AttendanceFunction extends KeyedProcessFunction<String, RawRecord, PlannerInput> {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(AttendanceFunction.class);

    /** The key of all records. */
    static final String KEY = "all";

    private static final long LOOK_MILLIS = 100;

    private final RegistryProvider registries;
    private transient SchemaRegistry registry;
    private transient AvroDeserializer<WorkerStatus> statuses;
    private transient AvroDeserializer<Heartbeat> heartbeats;
    private transient MapState<String, Tuple3<String, Long, Long>> workers;
    private transient ValueState<Long> timers;
    private transient Map<String, Tuple3<String, Long, Long>> known;
    private transient LeaseTable leases;
    /** The longest lease. */
    private transient long cutOffMillis;
    /** Newest incarnation whose heartbeat has come, by worker. */
    private transient Map<String, Long> heard;

    private transient Map<String, Presence> told;

    AttendanceFunction(RegistryProvider registries) {
        this.registries = Objects.requireNonNull(registries, "registries");
    }

    @Override
    public void open(OpenContext context) {
        registry = registries.open();
        statuses = new AvroDeserializer<>(registry, Topics.WORKERS);
        heartbeats = new AvroDeserializer<>(registry, Topics.HEARTBEATS);
        workers = getRuntimeContext()
                .getMapState(new MapStateDescriptor<>(
                        "workers", Types.STRING, Types.TUPLE(Types.STRING, Types.LONG, Types.LONG)));
        timers = getRuntimeContext().getState(new ValueStateDescriptor<>("timer", Types.LONG));
        heard = new HashMap<>();
        told = new HashMap<>();
    }

    @Override
    public void close() {
        if (registry != null) {
            registry.close();
        }
    }

    @Override
    public void processElement(RawRecord raw, Context context, Collector<PlannerInput> out) throws Exception {
        boolean beat = raw.topic.equals(Topics.HEARTBEATS.name());
        if (raw.value == null || !beat && !raw.topic.equals(Topics.WORKERS.name())) {
            return;
        }
        long now = context.timerService().currentProcessingTime();
        begin(now);
        try {
            if (beat) {
                Beat decoded = HeartbeatCodec.decode(heartbeats.deserialize(raw.topic, raw.value));
                beaten(decoded, raw, now, out);
            } else {
                announced(statuses.deserialize(raw.topic, raw.value), raw, out);
            }
        } catch (RecordFormatException | IllegalArgumentException e) {
            // A status that cannot be read is reported where it is planned with; one bad heartbeat says nothing.
            LOG.debug("record passed over topic={} offset={} reason={}", raw.topic, raw.offset, e.getMessage());
        }
        look(context);
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<PlannerInput> out) throws Exception {
        timers.clear();
        long now = context.timerService().currentProcessingTime();
        begin(now);
        for (MemberEvent event : leases.tick(now)) {
            RawRecord none = new RawRecord();
            none.topic = Topics.HEARTBEATS.name();
            none.partition = -1;
            none.offset = -1;
            tell(event.worker().value(), reason(List.of(event)), none, out);
        }
        if (!leases.isCutOff()) {
            look(context);
        }
    }

    /** After a restart everybody who is known has a lease to be heard. */
    private void begin(long now) throws Exception {
        if (leases != null) {
            return;
        }
        known = new HashMap<>();
        long longest = 1;
        for (var entry : workers.entries()) {
            known.put(entry.getKey(), entry.getValue());
            longest = Math.max(longest, entry.getValue().f2);
        }
        begin(longest, now);
    }

    private void begin(long longestLease, long now) {
        cutOffMillis = longestLease;
        leases = new LeaseTable(cutOffMillis, now);
        for (String id : new TreeSet<>(known.keySet())) {
            if (known.get(id).f2 > 0) {
                leases.expect(new WorkerId(id), known.get(id).f2, now);
            }
        }
    }

    private void announced(WorkerStatus status, RawRecord raw, Collector<PlannerInput> out) throws Exception {
        String id = status.getWorker();
        Tuple3<String, Long, Long> before = known.get(id);
        if (before != null && before.f1 > status.getIncarnation()) {
            return;
        }
        if (status.getState() == WorkerState.LEFT) {
            known.remove(id);
            workers.remove(id);
            told.remove(id);
            return;
        }
        long lease = before == null ? 0 : before.f2;
        remember(id, Tuple3.of(status.getModel(), status.getIncarnation(), lease));
        if (before == null || !before.f0.equals(status.getModel())) {
            told.remove(id);
            tell(id, "", raw, out);
        }
    }

    private void beaten(Beat beat, RawRecord raw, long now, Collector<PlannerInput> out) throws Exception {
        if (beat.leaseMs() > cutOffMillis) {
            begin(beat.leaseMs(), now);
        }
        leases.echo(now);
        List<MemberEvent> events = leases.beat(beat, now);
        String id = beat.worker().value();
        heard.merge(id, beat.incarnation(), Math::max);
        Tuple3<String, Long, Long> before = known.get(id);
        if (before != null
                && beat.incarnation() >= before.f1
                && (beat.incarnation() > before.f1 || beat.leaseMs() != before.f2)) {
            remember(id, Tuple3.of(before.f0, beat.incarnation(), beat.leaseMs()));
        }
        tell(id, events.isEmpty() ? beat.reason() : reason(events), raw, out);
    }

    private void remember(String id, Tuple3<String, Long, Long> worker) throws Exception {
        if (!worker.equals(known.put(id, worker))) {
            workers.put(id, worker);
        }
    }

    /** Passes on how a worker stands, if that is news and its model is known. */
    private void tell(String id, String reason, RawRecord raw, Collector<PlannerInput> out) {
        Tuple3<String, Long, Long> worker = known.get(id);
        WorkerId name = new WorkerId(id);
        if (worker == null) {
            return;
        }
        Presence.State state = state(id, name);
        long incarnation = heard.getOrDefault(id, worker.f1);
        Presence before = told.get(id);
        boolean news = before == null
                ? state != Presence.State.UNHEARD
                : before.incarnation() != incarnation || before.state() != state;
        if (news) {
            Presence presence = new Presence(name, incarnation, state, reason);
            told.put(id, presence);
            out.collect(new PlannerInput(
                    new PlannerCommand.Attend(worker.f0, presence), raw.topic, raw.partition, raw.offset));
        }
    }

    private Presence.State state(String id, WorkerId name) {
        if (!leases.isAlive(name)) {
            return Presence.State.GONE;
        }
        if (!heard.containsKey(id)) {
            return Presence.State.UNHEARD;
        }
        return leases.takesSessions(name) ? Presence.State.ALIVE : Presence.State.DRAINING;
    }

    private static String reason(List<MemberEvent> events) {
        return events.stream()
                .filter(MemberEvent.Lost.class::isInstance)
                .map(event -> ((MemberEvent.Lost) event).reason())
                .findFirst()
                .orElse("");
    }

    /** Keeps one timer. */
    private void look(Context context) throws Exception {
        if (timers.value() == null) {
            long next = context.timerService().currentProcessingTime() + LOOK_MILLIS;
            context.timerService().registerProcessingTimeTimer(next);
            timers.update(next);
        }
    }
}

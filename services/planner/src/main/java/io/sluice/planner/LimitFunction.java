package io.sluice.planner;

import io.sluice.core.planning.Rejection;
import io.sluice.core.sharing.LimitPlanner;
import io.sluice.core.sharing.SharingLimits;
import io.sluice.messaging.ErrorPublisher;
import io.sluice.records.ErrorReason;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.Limits;
import io.sluice.records.WorkerState;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.AvroDeserializer;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The planner of limits of each worker as a keyed operator: announcements, reports of shared devices and processing-time
 * ticks go through {@link LimitPlanner}, its state lives in Flink's keyed state, its limits come out.
 *
 * <p>A report that cannot be believed leaves by {@link RecordDecoder#ERRORS}, once per kind, worker and minute; records that
 * cannot be read are reported where they are decoded for the planner of flow. At most one timer per worker is registered,
 * and none of a worker that is silent. The state of a worker that has left is gone.
 */
final class LimitFunction extends KeyedProcessFunction<String, RawRecord, Limits> {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(LimitFunction.class);
    private static final long NANOS = 1_000_000;
    private static final long ERROR_INTERVAL_MILLIS = 60_000;
    /** A bound on memory where senders make up names. */
    private static final int MAX_REPORTED = 10_000;

    private final SharingPolicy sharing;
    private final RegistryProvider registries;

    private transient SchemaRegistry registry;
    private transient AvroDeserializer<WorkerStatus> statuses;
    private transient AvroDeserializer<GpuTelemetry> telemetry;
    private transient ValueState<WorkerLimits> states;
    private transient ValueState<Long> timers;
    private transient LimitFigures figures;
    /** Workers handled since this subtask began; the state of others may be from before the newest limits. */
    private transient Set<String> awake;
    /** When a fault of a worker was last reported. */
    private transient Map<String, Map<Rejection.Kind, Long>> reported;

    LimitFunction(SharingPolicy sharing, RegistryProvider registries) {
        this.sharing = Objects.requireNonNull(sharing, "sharing");
        this.registries = Objects.requireNonNull(registries, "registries");
    }

    /** The worker a record is about; other records have keys, too, but nothing is kept of them. */
    static String key(RawRecord raw) {
        return raw.key == null ? "" : new String(raw.key, StandardCharsets.UTF_8);
    }

    @Override
    public void open(OpenContext context) {
        registry = registries.open();
        statuses = new AvroDeserializer<>(registry, Topics.WORKERS);
        telemetry = new AvroDeserializer<>(registry, Topics.GPU_TELEMETRY);
        states = getRuntimeContext().getState(new ValueStateDescriptor<>("limits", LimitStateSerializer.INSTANCE));
        timers = getRuntimeContext().getState(new ValueStateDescriptor<>("timer", Types.LONG));
        figures = new LimitFigures(getRuntimeContext().getMetricGroup());
        awake = new HashSet<>();
        reported = new HashMap<>();
    }

    @Override
    public void close() {
        if (registry != null) {
            registry.close();
        }
    }

    @Override
    public void processElement(RawRecord raw, Context context, Collector<Limits> out) throws Exception {
        boolean status = raw.topic.equals(Topics.WORKERS.name());
        if (raw.value == null || !status && !raw.topic.equals(Topics.GPU_TELEMETRY.name())) {
            return;
        }
        try {
            if (status) {
                announced(statuses.deserialize(raw.topic, raw.value), context, out);
            } else {
                GpuTelemetry record = telemetry.deserialize(raw.topic, raw.value);
                if (record.getSharing() != null) {
                    reported(record, raw, context, out);
                }
            }
        } catch (RecordFormatException e) {
            LOG.debug("record passed over topic={} offset={} reason={}", raw.topic, raw.offset, e.getMessage());
        }
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Limits> out) throws Exception {
        timers.clear();
        WorkerLimits worker = known(context.getCurrentKey());
        if (worker != null) {
            long now = context.timerService().currentProcessingTime();
            LimitPlanner planner = worker.planner(sharing);
            take(planner.onTimer(worker.state(), now * NANOS), worker, planner, now, context, out);
        }
    }

    private void announced(WorkerStatus status, Context context, Collector<Limits> out) throws IOException {
        String id = context.getCurrentKey();
        WorkerLimits before = known(id);
        if (!status.getWorker().equals(id)
                || before != null && status.getIncarnation() < before.state().incarnation()) {
            return;
        }
        if (status.getState() != WorkerState.LEFT) {
            try {
                states.update(WorkerLimits.announced(before, status, sharing));
            } catch (IllegalArgumentException e) {
                LOG.debug("status passed over worker={} reason={}", id, e.getMessage());
            }
        } else if (before != null) {
            LimitPlanner planner = before.planner(sharing);
            long now = context.timerService().currentProcessingTime();
            take(planner.left(before.state(), now * NANOS), before, planner, now, context, out);
            forget(id, context.timerService());
        }
    }

    private void reported(GpuTelemetry record, RawRecord raw, Context context, Collector<Limits> out)
            throws IOException {
        String id = context.getCurrentKey();
        WorkerLimits worker = known(id);
        try {
            if (!record.getWorker().equals(id)) {
                throw new IllegalArgumentException("sharing report of worker "
                        + PlannerCodec.name(record.getWorker(), "worker") + " has the key " + id + "; mend the sender");
            }
            if (worker == null) {
                figures.refused(Rejection.Kind.UNANNOUNCED);
                return;
            }
            long now = context.timerService().currentProcessingTime();
            LimitPlanner planner = worker.planner(sharing);
            LimitPlanner.Step step = planner.onSample(worker.state(), LimitCodec.decode(record), now * NANOS);
            take(step, worker, planner, now, context, out);
            step.rejection().ifPresent(rejection -> {
                figures.refused(id);
                refuse(rejection, id, raw, context);
            });
        } catch (IllegalArgumentException e) {
            refuse(new Rejection(Rejection.Kind.INVALID, e.getMessage()), id, raw, context);
        }
    }

    /** The state of a worker; what was restored publishes anew. */
    private WorkerLimits known(String id) throws IOException {
        WorkerLimits worker = states.value();
        return worker != null && awake.add(id)
                ? worker.with(worker.planner(sharing).restored(worker.state()))
                : worker;
    }

    private void take(
            LimitPlanner.Step step,
            WorkerLimits before,
            LimitPlanner planner,
            long nowMillis,
            Context context,
            Collector<Limits> out)
            throws IOException {
        String id = context.getCurrentKey();
        states.update(before.with(step.state()));
        figures.show(id, step.state());
        step.limits().ifPresent(limits -> {
            figures.published(id);
            SharingLimits last = before.state().published();
            boolean turned = limits.none() != last.none() || !limits.groups().equals(last.groups());
            if (turned) {
                LOG.info("limits worker={} quota={} reason={}", id, limits.quota(), step.reason());
            } else {
                LOG.debug("limits worker={} quota={} reason={}", id, limits.quota(), step.reason());
            }
            out.collect(LimitCodec.encode(id, step.state().incarnation(), limits, nowMillis, step.reason()));
        });
        long next = planner.nextTimerNanos(step.state(), nowMillis * NANOS);
        if (next != Long.MAX_VALUE && timers.value() == null) {
            long at = Math.ceilDiv(next, NANOS);
            context.timerService().registerProcessingTimeTimer(at);
            timers.update(at);
        }
    }

    private void forget(String id, TimerService service) throws IOException {
        Long timer = timers.value();
        if (timer != null) {
            service.deleteProcessingTimeTimer(timer);
        }
        timers.clear();
        states.clear();
        awake.remove(id);
        reported.remove(id);
    }

    private void refuse(Rejection rejection, String id, RawRecord raw, Context context) {
        figures.refused(rejection.kind());
        LOG.debug("sharing report refused worker={} kind={} message={}", id, rejection.kind(), rejection.message());
        if (!rejection.kind().isFault()) {
            return;
        }
        long now = context.timerService().currentProcessingTime();
        if (reported.size() >= MAX_REPORTED) {
            reported.clear();
        }
        Map<Rejection.Kind, Long> times = reported.computeIfAbsent(id, key -> new EnumMap<>(Rejection.Kind.class));
        Long last = times.get(rejection.kind());
        if (last != null && now - last < ERROR_INTERVAL_MILLIS) {
            return;
        }
        times.put(rejection.kind(), now);
        LOG.warn("sharing report refused worker={} kind={} message={}", id, rejection.kind(), rejection.message());
        context.output(
                RecordDecoder.ERRORS,
                ErrorPublisher.deadLetter(
                        raw.toConsumerRecord(),
                        ErrorReason.INVALID_TELEMETRY,
                        "worker " + id + ": " + rejection.message(),
                        RecordDecoder.SERVICE,
                        now));
    }
}

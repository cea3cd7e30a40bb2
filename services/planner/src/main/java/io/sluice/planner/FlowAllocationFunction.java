package io.sluice.planner;

import io.sluice.core.LayerRange;
import io.sluice.core.planning.FlowPlanner;
import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PlannerEvent;
import io.sluice.core.planning.PlannerPolicy;
import io.sluice.core.planning.PlannerState;
import io.sluice.messaging.AllocationCodec;
import io.sluice.messaging.ErrorPublisher;
import io.sluice.records.Allocation;
import io.sluice.records.ErrorReason;
import io.sluice.solver.OrToolsMaxFlow;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The planner of each model as a keyed operator: commands and processing-time ticks go through {@link FlowPlanner}, its
 * state lives in Flink's keyed state, its allocations come out, its refusals leave by {@link RecordDecoder#ERRORS}. At
 * most one timer per model is registered, and none while nothing lives.
 */
public final class FlowAllocationFunction extends KeyedProcessFunction<String, PlannerInput, Allocation> {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(FlowAllocationFunction.class);

    private final long leaseMillis;
    private final long futureMillis;
    private final double threshold;
    private final long minIntervalMillis;
    private final long tickMillis;
    private final long settleMillis;
    private final HashMap<String, Long> epochFloors;

    private transient FlowPlanner planner;
    private transient ValueState<PlannerState> states;
    private transient ValueState<Long> timers;
    private transient Map<String, Figures> figures;

    /** @param epochFloors epochs to go on from where a model has no state yet */
    public FlowAllocationFunction(PlannerPolicy policy, Map<String, Long> epochFloors) {
        // Records of the core are not serializable; their numbers are.
        this.leaseMillis = policy.leaseMillis();
        this.futureMillis = policy.futureMillis();
        this.threshold = policy.threshold();
        this.minIntervalMillis = policy.minIntervalMillis();
        this.tickMillis = policy.tickMillis();
        this.settleMillis = policy.settleMillis();
        this.epochFloors = new HashMap<>(epochFloors);
    }

    /** What the metrics of one model show. */
    private static final class Figures {
        private volatile long epoch;
        private volatile double maxFlow;
        private volatile long solveMicros;
        private volatile int workers;
        private org.apache.flink.metrics.Counter refused;
    }

    @Override
    public void open(OpenContext context) {
        OrToolsMaxFlow.load();
        PlannerPolicy policy =
                new PlannerPolicy(leaseMillis, futureMillis, threshold, minIntervalMillis, tickMillis, settleMillis);
        planner = new FlowPlanner(new OrToolsMaxFlow(), policy);
        states = getRuntimeContext().getState(new ValueStateDescriptor<>("planner", PlannerStateSerializer.INSTANCE));
        timers = getRuntimeContext().getState(new ValueStateDescriptor<>("timer", Types.LONG));
        figures = new HashMap<>();
    }

    @Override
    public void processElement(PlannerInput input, Context context, Collector<Allocation> out) throws Exception {
        handle(input.command(), input, context, out);
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Allocation> out) throws Exception {
        timers.clear();
        handle(new PlannerCommand.Tick(context.getCurrentKey()), null, context, out);
    }

    private void handle(PlannerCommand command, PlannerInput origin, Context context, Collector<Allocation> out)
            throws Exception {
        String model = context.getCurrentKey();
        PlannerState state = states.value();
        if (state == null) {
            state = new PlannerState(model, epochFloors.getOrDefault(model, 0L));
        }
        long now = context.timerService().currentProcessingTime();
        long start = System.nanoTime();
        for (PlannerEvent event : planner.decide(state, command, now)) {
            long micros = (System.nanoTime() - start) / 1_000;
            state.apply(event);
            react(event, state, micros, origin, context, out);
        }
        states.update(state);
        schedule(planner.nextTick(state, now), context.timerService());
    }

    private void react(
            PlannerEvent event,
            PlannerState state,
            long micros,
            PlannerInput origin,
            Context context,
            Collector<Allocation> out) {
        switch (event) {
            case PlannerEvent.Published e -> publish(e, micros, out);
            case PlannerEvent.Refused e -> refuse(e, state, origin, context);
            case PlannerEvent.Unsound e -> {
                if (e.report()) {
                    String message = "epoch " + e.epoch() + " of " + state.model() + " is not published: "
                            + e.violations() + "; this is a bug, please report it with the telemetry";
                    LOG.error("allocation refused message={}", message);
                    context.output(RecordDecoder.ERRORS, error(null, ErrorReason.INVALID_ALLOCATION, message, context));
                }
            }
            case PlannerEvent.Announced e ->
                LOG.info(
                        "worker announced model={} worker={} state={} incarnation={} layers={}",
                        e.status().model(),
                        e.status().worker(),
                        e.status().state(),
                        e.status().incarnation(),
                        e.status().served().map(LayerRange::toString).orElse("spare"));
            case PlannerEvent.Attended e ->
                LOG.info(
                        "worker presence model={} worker={} incarnation={} state={} reason={}",
                        state.model(),
                        e.presence().worker(),
                        e.presence().incarnation(),
                        e.presence().state(),
                        e.presence().reason());
            case PlannerEvent.Placed e ->
                LOG.info(
                        "placement adopted model={} epoch={} stages={}",
                        e.plan().model(),
                        e.plan().epoch(),
                        e.plan().stages());
            case PlannerEvent.DeviceMeasured e -> {}
            case PlannerEvent.LinkMeasured e -> {}
            case PlannerEvent.Examined e -> {}
        }
    }

    private void publish(PlannerEvent.Published e, long micros, Collector<Allocation> out) {
        io.sluice.core.planning.Allocation a = e.allocation();
        LOG.info(
                "allocation published model={} epoch={} maxFlow={} workers={} bottleneck={} reason={} solveMicros={}",
                a.model(),
                a.epoch(),
                a.maxFlow(),
                a.workers().size(),
                a.bottleneck(),
                e.reason(),
                micros);
        Figures f = figures(a.model());
        f.epoch = a.epoch();
        f.maxFlow = a.maxFlow();
        f.workers = a.workers().size();
        f.solveMicros = micros;
        out.collect(AllocationCodec.encode(a, e.reason(), micros, e.atMillis()));
    }

    private void refuse(PlannerEvent.Refused e, PlannerState state, PlannerInput origin, Context context) {
        figures(state.model()).refused.inc();
        LOG.debug(
                "report refused source={} kind={} message={}",
                e.source(),
                e.rejection().kind(),
                e.rejection().message());
        if (e.report()) {
            LOG.warn(
                    "report refused source={} kind={} message={}",
                    e.source(),
                    e.rejection().kind(),
                    e.rejection().message());
            context.output(
                    RecordDecoder.ERRORS,
                    error(origin, ErrorReason.INVALID_TELEMETRY, e.rejection().message(), context));
        }
    }

    private static io.sluice.records.ErrorRecord error(
            PlannerInput origin, ErrorReason reason, String message, Context context) {
        long now = context.timerService().currentProcessingTime();
        ConsumerRecord<byte[], byte[]> record = origin == null
                ? new ConsumerRecord<>("none", -1, -1, null, null)
                : new ConsumerRecord<>(origin.topic(), origin.partition(), origin.offset(), null, null);
        return ErrorPublisher.deadLetter(record, reason, message, RecordDecoder.SERVICE, now);
    }

    /** Keeps one timer, the earliest wanted. */
    private void schedule(OptionalLong wanted, TimerService service) throws IOException {
        Long registered = timers.value();
        if (wanted.isEmpty()) {
            if (registered != null) {
                service.deleteProcessingTimeTimer(registered);
                timers.clear();
            }
            return;
        }
        if (registered == null || wanted.getAsLong() < registered) {
            if (registered != null) {
                service.deleteProcessingTimeTimer(registered);
            }
            service.registerProcessingTimeTimer(wanted.getAsLong());
            timers.update(wanted.getAsLong());
        }
    }

    private Figures figures(String model) {
        return figures.computeIfAbsent(model, name -> {
            Figures f = new Figures();
            MetricGroup group =
                    getRuntimeContext().getMetricGroup().addGroup("sluice").addGroup("model", name);
            group.gauge("allocation_epoch", () -> f.epoch);
            group.gauge("allocation_max_flow_tokens_per_second", () -> f.maxFlow);
            group.gauge("allocation_workers", () -> f.workers);
            group.gauge("allocation_solve_micros", () -> f.solveMicros);
            f.refused = group.counter("telemetry_refused");
            return f;
        });
    }
}

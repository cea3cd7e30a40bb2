package io.sluice.planner;

import io.sluice.core.planning.FlowPlanner;
import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PlannerPolicy;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.live.PlacementCommand;
import io.sluice.core.planning.live.PlacementEvent;
import io.sluice.core.planning.live.PlacementPlanner;
import io.sluice.core.planning.live.PlacementPolicy;
import io.sluice.core.planning.live.PlacementSearch;
import io.sluice.core.planning.live.PlacementState;
import io.sluice.core.planning.live.PlacementTask;
import io.sluice.messaging.PlacementCodec;
import io.sluice.records.Placement;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
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
 * The placement planner of each model as a keyed operator: commands and processing-time ticks go through
 * {@link PlacementPlanner}, its state lives in Flink's keyed state, its placements come out.
 *
 * <p>Searches run on a thread of the subtask's own, one at a time, and ticks look for their results: nothing waits for
 * them. A search that a restart has taken away is asked for again. At most one timer per model is registered, and none
 * while nothing lives.
 */
final class PlacementFunction extends KeyedProcessFunction<String, PlannerInput, Placement> {
    private static final long serialVersionUID = 1L;
    private static final Logger LOG = LoggerFactory.getLogger(PlacementFunction.class);

    private final byte[] policies;
    private final SearchProvider provider;

    private transient PlacementPlanner planner;
    private transient PlacementSearch search;
    private transient ExecutorService searcher;
    private transient Map<String, Running> running;
    private transient ValueState<PlacementState> states;
    private transient ValueState<Long> timers;
    private transient Map<String, PlacementFigures> figures;

    private record Running(long id, Future<PlacementTask.Result> result) {}

    PlacementFunction(PlacementPolicy policy, PlannerPolicy members, SearchProvider provider) {
        // Records of the core are not serializable; their numbers are.
        this.policies = PolicyBytes.of(policy, members);
        this.provider = provider;
    }

    @Override
    public void open(OpenContext context) {
        FlowPlanner flows = new FlowPlanner(
                network -> {
                    throw new IllegalStateException("the placement planner solves no flow");
                },
                PolicyBytes.members(policies));
        planner = new PlacementPlanner(PolicyBytes.placement(policies), flows);
        search = provider.open();
        searcher = Executors.newSingleThreadExecutor(work -> {
            Thread thread = new Thread(work, "placement-search");
            thread.setDaemon(true);
            thread.setPriority(Thread.MIN_PRIORITY);
            return thread;
        });
        running = new HashMap<>();
        states = getRuntimeContext()
                .getState(new ValueStateDescriptor<>("placement", PlacementStateSerializer.INSTANCE));
        timers = getRuntimeContext().getState(new ValueStateDescriptor<>("timer", Types.LONG));
        figures = new HashMap<>();
    }

    @Override
    public void close() {
        if (searcher != null) {
            searcher.shutdownNow();
        }
    }

    @Override
    public void processElement(PlannerInput input, Context context, Collector<Placement> out) throws Exception {
        handle(new PlacementCommand.Observe(input.command()), context, out);
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Placement> out) throws Exception {
        timers.clear();
        String model = context.getCurrentKey();
        Running search = running.get(model);
        if (search != null && search.result().isDone()) {
            running.remove(model);
            handle(new PlacementCommand.Finished(search.result().get()), context, out);
        }
        handle(new PlacementCommand.Observe(new PlannerCommand.Tick(model)), context, out);
    }

    private void handle(PlacementCommand command, Context context, Collector<Placement> out) throws Exception {
        String model = context.getCurrentKey();
        PlacementState state = states.value();
        if (state == null) {
            state = new PlacementState(model);
        }
        long now = context.timerService().currentProcessingTime();
        apply(command, state, now, out);
        if (state.search().isPresent() && !running.containsKey(model)) {
            // Asked for before a restart.
            apply(new PlacementCommand.Lost(state.search().get().id()), state, now, out);
        }
        states.update(state);
        schedule(planner.nextTick(state, now), context.timerService());
    }

    private void apply(PlacementCommand command, PlacementState state, long now, Collector<Placement> out) {
        for (PlacementEvent event : planner.decide(state, command, now)) {
            state.apply(event);
            react(event, state, out);
        }
    }

    private void react(PlacementEvent event, PlacementState state, Collector<Placement> out) {
        String model = state.model();
        switch (event) {
            case PlacementEvent.Observed e -> {}
            case PlacementEvent.Watched e -> {}
            case PlacementEvent.Adopted e -> {
                figures(model).placed(e.placement());
                LOG.info(
                        "placement seen model={} epoch={} method={} steps={}",
                        model,
                        e.placement().plan().epoch(),
                        e.placement().method(),
                        e.placement().transition().steps().size());
            }
            case PlacementEvent.Triggered e ->
                LOG.info(
                        "placement trigger model={} reason={}",
                        model,
                        e.trigger().reason());
            case PlacementEvent.SearchRequested e -> start(model, e);
            case PlacementEvent.Declined e -> {
                figures(model).searched(e.searchSeconds());
                LOG.info(
                        "placement {} kept: {} model={} searchSeconds={}",
                        state.placement().map(p -> p.plan().epoch()).orElse(0L),
                        e.reason(),
                        model,
                        e.searchSeconds());
            }
            case PlacementEvent.Outdated e ->
                LOG.info("placement search repeated model={} reason={}", model, e.reason());
            case PlacementEvent.Begun e -> {
                figures(model).searched(e.searchSeconds());
                figures(model).begun(e.gain());
                LOG.info(
                        "placement {}: {} model={} gain={} searchSeconds={}",
                        e.first().plan().epoch(),
                        e.first().reason(),
                        model,
                        e.gain(),
                        e.searchSeconds());
                publish(e.first(), e.atMillis(), out);
            }
            case PlacementEvent.Stepped e -> publish(e.placement(), e.atMillis(), out);
            case PlacementEvent.Held e ->
                LOG.info("transition step waits model={} epoch={} reason={}", model, e.epoch(), e.reason());
            case PlacementEvent.Arrived e -> {
                figures(model).arrived(e.tookMillis());
                LOG.info("placement carried out model={} epoch={} tookMillis={}", model, e.epoch(), e.tookMillis());
            }
            case PlacementEvent.Abandoned e -> {
                LOG.warn("transition abandoned model={} reason={}", model, e.reason());
                e.placement().ifPresent(placement -> publish(placement, e.atMillis(), out));
            }
        }
    }

    private void start(String model, PlacementEvent.SearchRequested e) {
        LOG.info(
                "placement search model={} id={} workers={} reason={}",
                model,
                e.task().id(),
                e.task().cluster().problem().nodes(),
                e.trigger().reason());
        PlacementTask task = e.task();
        running.put(model, new Running(task.id(), searcher.submit(() -> task.run(search, System::nanoTime))));
    }

    private void publish(PublishedPlacement placement, long atMillis, Collector<Placement> out) {
        figures(placement.plan().model()).placed(placement);
        LOG.info(
                "placement published model={} epoch={} stages={} stepsToCome={} floor={}",
                placement.plan().model(),
                placement.plan().epoch(),
                placement.plan().stages(),
                placement.transition().steps().size(),
                placement.transition().floorTokensPerSecond());
        out.collect(PlacementCodec.encode(placement, atMillis));
    }

    /** Keeps one timer, the earliest wanted. */
    private void schedule(OptionalLong wanted, TimerService service) throws IOException {
        Long registered = timers.value();
        if (wanted.isEmpty()) {
            if (registered != null) {
                service.deleteProcessingTimeTimer(registered);
                timers.clear();
            }
        } else if (registered == null) {
            service.registerProcessingTimeTimer(wanted.getAsLong());
            timers.update(wanted.getAsLong());
        }
    }

    private PlacementFigures figures(String model) {
        return figures.computeIfAbsent(
                model,
                name -> new PlacementFigures(
                        getRuntimeContext().getMetricGroup().addGroup("sluice").addGroup("model", name)));
    }
}

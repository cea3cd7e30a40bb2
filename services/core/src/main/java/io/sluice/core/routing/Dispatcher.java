package io.sluice.core.routing;

import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.Allocation.WorkerFlow;
import io.sluice.core.routing.Route.Blocked;
import io.sluice.core.routing.Route.Cause;
import io.sluice.core.routing.Route.Routed;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Routes the sessions of one model: newest allocation, interleaved weighted round robin and KV budget together. Each
 * service class has a round robin of its own and sees only its own sessions in flight, so that best-effort sessions, which
 * may stand still, change neither the split nor the load by which latency-critical ones are routed. Not thread-safe.
 */
public final class Dispatcher {
    private final String model;
    private final RoutingPolicy policy;
    private final KvBudget budget;
    private final Map<ServiceClass, InFlight> inFlight = new EnumMap<>(ServiceClass.class);
    private final Map<ServiceClass, PipelineChooser> choosers = new EnumMap<>(ServiceClass.class);
    private final Map<SessionId, Running> sessions = new HashMap<>();
    private Allocation allocation;

    private record Running(ServiceClass serviceClass, Pipeline pipeline) {}

    /** A dispatcher with the usual share of best-effort sessions. */
    public Dispatcher(String model, RoutingPolicy policy, double highWater) {
        this(model, policy, highWater, KvBudget.BEST_EFFORT_SHARE);
    }

    /**
     * @param highWater as in {@link KvBudget}
     * @param bestEffortShare as in {@link KvBudget}
     */
    public Dispatcher(String model, RoutingPolicy policy, double highWater, double bestEffortShare) {
        this.model = model;
        this.policy = policy;
        this.budget = new KvBudget(highWater, bestEffortShare);
        for (ServiceClass serviceClass : ServiceClass.values()) {
            inFlight.put(serviceClass, new InFlight());
        }
    }

    /**
     * Uses a verified allocation from now on; sessions in flight keep their pipelines.
     *
     * @return false when its epoch is not above the one in use; then nothing changes
     */
    public boolean accept(Allocation newer) {
        if (!newer.model().equals(model)) {
            throw new IllegalArgumentException(
                    "allocation of " + newer.model() + " was given to the dispatcher of " + model);
        }
        if (allocation != null && newer.epoch() <= allocation.epoch()) {
            return false;
        }
        allocation = newer;
        for (ServiceClass serviceClass : ServiceClass.values()) {
            choosers.compute(
                    serviceClass,
                    (key, old) ->
                            old == null ? new PipelineChooser(newer, policy, inFlight.get(key)) : old.successor(newer));
        }
        Map<WorkerId, Long> capacities = new TreeMap<>();
        newer.workers().forEach(worker -> capacities.put(worker.worker(), worker.kvCapacityTokens()));
        budget.setCapacities(capacities);
        return true;
    }

    public Optional<Allocation> allocation() {
        return Optional.ofNullable(allocation);
    }

    /** Whether a new session could run this stage, as far as the newest allocation says and who is ready. */
    public boolean serves(Stage stage, Predicate<WorkerId> ready) {
        return ready.test(stage.worker())
                && allocation().stream()
                        .flatMap(newest -> newest.workers().stream())
                        .anyMatch(flow -> flow.worker().equals(stage.worker())
                                && flow.layers().first() <= stage.layers().first()
                                && flow.layers().end() >= stage.layers().end());
    }

    /** See {@link KvBudget#setShare}. */
    public void setShare(double share) {
        budget.setShare(share);
    }

    /** As the other one, for a latency-critical session. */
    public Route route(SessionId session, long work, int kvTokens, Set<String> regions, Predicate<WorkerId> ready) {
        return route(session, ServiceClass.LATENCY_CRITICAL, work, kvTokens, regions, ready);
    }

    /**
     * Chooses a pipeline and reserves {@code kvTokens} on each of its stages.
     *
     * @param work tokens the session is expected to bring
     * @param regions regions whose workers may be used; empty: all
     * @param ready workers that can take chunks now
     */
    public Route route(
            SessionId session,
            ServiceClass serviceClass,
            long work,
            int kvTokens,
            Set<String> regions,
            Predicate<WorkerId> ready) {
        if (allocation == null) {
            return new Blocked(
                    Cause.NO_ALLOCATION,
                    "no allocation of model " + model + " has arrived; start workers and the planner");
        }
        Predicate<WorkerFlow> usable = worker -> ready.test(worker.worker());
        Predicate<WorkerFlow> allowed = usable.and(worker -> regions.isEmpty() || regions.contains(worker.region()));
        Predicate<WorkerFlow> free = allowed.and(worker -> budget.fits(worker.worker(), serviceClass, kvTokens));
        Optional<Pipeline> pipeline = choosers.get(serviceClass).choose(work, free);
        if (pipeline.isEmpty()) {
            return explain(serviceClass, kvTokens, regions, usable, allowed);
        }
        restore(session, serviceClass, pipeline.get(), kvTokens);
        return new Routed(pipeline.get(), allocation.epoch());
    }

    /**
     * Finds a pipeline for a session that runs and must leave some workers: the same one with only their layers on
     * others, else one of new workers throughout. Its reservation moves along, as large as it has grown; while there is
     * none, it keeps what it has, and its class.
     *
     * @param pipeline that it runs on
     * @param leastKvTokens to reserve where it holds less
     * @param avoid workers that the new pipeline must not use; may be empty, then the pipeline stays as it is
     */
    public Route reroute(
            SessionId session,
            Pipeline pipeline,
            long work,
            int leastKvTokens,
            Set<String> regions,
            Set<WorkerId> avoid,
            Predicate<WorkerId> ready) {
        if (allocation == null) {
            return new Blocked(
                    Cause.NO_ALLOCATION,
                    "no allocation of model " + model + " has arrived; start workers and the planner");
        }
        Running held = sessions.get(session);
        ServiceClass serviceClass = held == null ? ServiceClass.LATENCY_CRITICAL : held.serviceClass;
        int kvTokens = Math.toIntExact(Math.max(leastKvTokens, free(session)));
        Predicate<WorkerFlow> usable = worker -> !avoid.contains(worker.worker()) && ready.test(worker.worker());
        Predicate<WorkerFlow> allowed = usable.and(worker -> regions.isEmpty() || regions.contains(worker.region()));
        Predicate<WorkerFlow> free = allowed.and(worker -> budget.fits(worker.worker(), serviceClass, kvTokens));
        InFlight others = inFlight.get(serviceClass);
        Optional<Pipeline> found = StageReplacement.replace(
                        allocation,
                        pipeline,
                        avoid,
                        free,
                        worker -> others.worker(worker.worker().value()) / Math.max(1e-9, worker.capacity()))
                .or(() -> choosers.get(serviceClass).choose(work, free));
        // What it holds on healthy workers stays its own until there is something better.
        restore(session, serviceClass, found.orElse(pipeline), kvTokens);
        return found.<Route>map(next -> new Routed(next, allocation.epoch()))
                .orElseGet(() -> explain(serviceClass, kvTokens, regions, usable, allowed));
    }

    /** As the other one, for a latency-critical session. */
    public void restore(SessionId session, Pipeline pipeline, int kvTokens) {
        restore(session, ServiceClass.LATENCY_CRITICAL, pipeline, kvTokens);
    }

    /** Counts a session that runs already, after a restart. */
    public void restore(SessionId session, ServiceClass serviceClass, Pipeline pipeline, int kvTokens) {
        budget.reserve(session, serviceClass, pipeline, kvTokens);
        inFlight.get(serviceClass).add(pipeline, kvTokens);
        sessions.put(session, new Running(serviceClass, pipeline));
    }

    /**
     * The session holds {@code kvTokens} on every stage: raises its reservation where less was forecast. Harmless when it
     * has none.
     */
    public void grow(SessionId session, int kvTokens) {
        long more = budget.grow(session, kvTokens);
        if (more > 0) {
            Running running = sessions.get(session);
            inFlight.get(running.serviceClass).add(running.pipeline, more);
        }
    }

    /** Frees the session's reservation; harmless when it holds none. */
    public void release(SessionId session) {
        free(session);
    }

    /** Tokens per stage that the session held. */
    private long free(SessionId session) {
        long tokens = budget.release(session);
        Running running = sessions.remove(session);
        if (running != null) {
            inFlight.get(running.serviceClass).remove(running.pipeline, tokens);
        }
        return tokens;
    }

    /** Tokens reserved on the worker. */
    public long reserved(WorkerId worker) {
        return budget.reserved(worker);
    }

    /** See {@link KvBudget#fullest}. */
    public double kvHeld() {
        return budget.fullest();
    }

    /** Sessions that hold a reservation. */
    public int sessions() {
        return budget.sessions();
    }

    private Blocked explain(
            ServiceClass serviceClass,
            int kvTokens,
            Set<String> regions,
            Predicate<WorkerFlow> usable,
            Predicate<WorkerFlow> allowed) {
        PipelineChooser chooser = choosers.get(serviceClass);
        boolean bestEffort = serviceClass == ServiceClass.BEST_EFFORT;
        String newest = "allocation epoch " + allocation.epoch() + " of model " + model;
        if (!chooser.canChoose(worker -> true)) {
            return new Blocked(
                    Cause.NO_FLOW,
                    newest + " carries no flow from the first to the last layer; add workers for the layers that"
                            + " nobody holds");
        }
        if (!chooser.canChoose(usable)) {
            return new Blocked(
                    Cause.NOT_READY,
                    newest + " has no pipeline of workers that take sessions: the others are lost, or drain, or"
                            + " their activation topics do not exist yet");
        }
        if (!chooser.canChoose(allowed)) {
            return new Blocked(
                    Cause.REGION,
                    newest + " has no pipeline within the allowed regions " + new TreeSet<>(regions)
                            + "; allow more regions or add workers there");
        }
        if (!chooser.canChoose(allowed.and(worker -> budget.fitsEmpty(worker.worker(), serviceClass, kvTokens)))) {
            return new Blocked(
                    Cause.KV_TOO_SMALL,
                    "the session needs " + kvTokens + " tokens of KV cache on every stage and " + newest
                            + " has no pipeline of workers that large"
                            + (bestEffort ? " in the part that best-effort sessions may hold" : "")
                            + "; lower max_tokens, shorten the prompt or raise --kv-mib"
                            + (bestEffort ? " or --best-effort-kv-share" : ""));
        }
        return new Blocked(
                Cause.KV_BUSY,
                "the " + kvTokens + " tokens of KV cache the session needs on every stage are taken by "
                        + budget.sessions() + " sessions"
                        + (bestEffort ? ", or best-effort ones hold as much as they may" : "")
                        + "; send less load or add workers");
    }
}

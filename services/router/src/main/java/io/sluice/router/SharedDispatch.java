package io.sluice.router;

import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation;
import io.sluice.core.recovery.RecoveryCosts;
import io.sluice.core.routing.AllocationCosts;
import io.sluice.core.routing.Dispatcher;
import io.sluice.core.routing.Route;
import io.sluice.core.routing.Route.Blocked;
import io.sluice.core.routing.Route.Cause;
import io.sluice.core.routing.Route.Routed;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.routing.SessionPhase;
import io.sluice.core.slo.SessionBudgets;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the tasks of one router process decide together: one weighted round robin, one KV budget and one bound of the
 * queue (and, under the policy {@code sluice}, one window of prompts), instead of a small one per partition that would each round on its own and waste what another one lacks. With
 * several router processes each uses the part of the KV budget that its partitions are of all.
 *
 * <p>Nothing here is durable: a task that starts puts its sessions back from its store. Thread-safe; the tasks of one
 * stream thread never contend.
 */
final class SharedDispatch {
    private static final Logger LOG = LoggerFactory.getLogger(SharedDispatch.class);

    /** A request may overtake one that waits for KV cache in another partition by at most this. */
    private static final long OVERTAKE_MS = Duration.ofMillis(250).toMillis();

    private final RouterConfig config;
    private final int partitions;
    private final Predicate<WorkerId> topicExists;
    private final Predicate<WorkerId> ready;
    private final Membership members;
    private final Budgets budgets = new Budgets();
    private final Map<String, Dispatcher> dispatchers = new TreeMap<>();
    /** By model; empty under every policy but {@code sluice}. */
    private final Map<String, PromptGate> prompts = new TreeMap<>();

    private final Set<Integer> owned = new TreeSet<>();
    private final Map<SessionId, Holder> holders = new HashMap<>();
    private final Map<Integer, Map<ServiceClass, Integer>> waiting = new TreeMap<>();
    private final Map<Line, Map<Integer, Long>> heldBackSince = new HashMap<>();

    private record Holder(int partition, String model) {}

    /**
     * @param partitions of the requests topic
     * @param topicExists whether a worker's topic exists
     */
    SharedDispatch(RouterConfig config, int partitions, Predicate<WorkerId> topicExists, Membership members) {
        this.config = config;
        this.partitions = partitions;
        this.topicExists = topicExists;
        this.members = members;
        this.ready = worker -> topicExists.test(worker) && members.takesSessions(worker);
    }

    /** Who is there. */
    Membership members() {
        return members;
    }

    /** What divides objectives among stages, and learns of links. */
    Budgets budgets() {
        return budgets;
    }

    /** What a session brings to the stages of the pipeline that it has. */
    SessionBudgets budgets(RoutedRequest request, SessionLife life, long nowMs) {
        return budgets.of(request, life.pipeline(), life.nextIndex() > 0, costs(request.model()), nowMs);
    }

    /** Whether chunks for the worker go anywhere, though it may not be there itself. */
    boolean hasTopic(WorkerId worker) {
        return topicExists.test(worker);
    }

    /** A task begins to own a partition; nothing is left of what an earlier task held for it. */
    synchronized void join(int partition) {
        leave(partition);
        owned.add(partition);
        share();
    }

    /** A task gives its partition up. */
    synchronized void leave(int partition) {
        for (SessionId session : new HashSet<>(holders.keySet())) {
            if (holders.get(session).partition == partition) {
                release(session);
            }
        }
        waiting.remove(partition);
        heldBackSince.values().forEach(since -> since.remove(partition));
        owned.remove(partition);
        share();
    }

    /** Uses a verified allocation from now on; false when its epoch is not above the one in use. */
    synchronized boolean accept(Allocation allocation) {
        // Looks the new workers' topics up before the first request needs them.
        for (var flow : allocation.workers()) {
            boolean known = topicExists.test(flow.worker());
            members.expect(flow.worker());
            LOG.debug("model={} worker={} topic_known={}", allocation.model(), flow.worker(), known);
        }
        return dispatcher(allocation.model()).accept(allocation);
    }

    synchronized Optional<Allocation> allocation(String model) {
        return dispatcher(model).allocation();
    }

    /**
     * Chooses a pipeline and reserves its KV cache.
     *
     * @param sinceMs since when the request waits
     */
    synchronized Route route(int partition, RoutedRequest request, long sinceMs, long nowMs) {
        if (overtakes(partition, request, sinceMs)) {
            return behindOlder();
        }
        // A best-effort prompt may stand still at its workers: it tells nothing of prompts, nor do others wait for it.
        Optional<PromptGate> gate = request.isBestEffort() ? Optional.empty() : gate(request.model());
        if (gate.isPresent() && !gate.get().admits(request.promptIds().length)) {
            return new Blocked(
                    Cause.PROMPTS_BUSY,
                    gate.get().prompts() + " prompts are being computed, as many as --policy " + config.policy()
                            + " lets in at once; send less load, add workers or choose another --policy");
        }
        Route route = dispatcher(request.model())
                .route(
                        request.id(),
                        request.serviceClass(),
                        request.work(),
                        request.kvTokens(),
                        request.regionSet(),
                        ready);
        if (route instanceof Routed) {
            holders.put(request.id(), new Holder(partition, request.model()));
            gate.ifPresent(g -> g.started(request.id(), request.promptIds().length, nowMs));
        }
        return route;
    }

    /** Whether a request would overtake others: older ones of its line by too much, or any that go before its line. */
    private boolean overtakes(int partition, RoutedRequest request, long sinceMs) {
        Line line = Line.of(request);
        boolean older = heldBackSince.getOrDefault(line, Map.of()).entrySet().stream()
                .anyMatch(other -> other.getKey() != partition && other.getValue() + OVERTAKE_MS < sinceMs);
        return older
                || line.before() != null
                        && heldBackSince.getOrDefault(line.before(), Map.of()).keySet().stream()
                                .anyMatch(other -> other != partition);
    }

    /** Why a request waits that must not overtake those that wait already. */
    Blocked behindOlder() {
        String what = windowsPrompts() ? "the KV cache or for prompts before them" : "the KV cache";
        return new Blocked(Cause.KV_BUSY, "older requests wait for " + what + "; send less load or add workers");
    }

    /**
     * A session has its first token.
     *
     * @return whether one more prompt may be computed now
     */
    synchronized boolean firstToken(SessionId session, long nowMs) {
        Holder holder = holders.get(session);
        return holder != null
                && gate(holder.model)
                        .map(gate -> gate.firstToken(
                                session, nowMs, dispatcher(holder.model).kvHeld()))
                        .orElse(false);
    }

    /** A session is interrupted; if it has no token yet, what follows is a recovery, and those are not held back. */
    synchronized void promptOver(SessionId session) {
        Holder holder = holders.get(session);
        if (holder != null) {
            gate(holder.model).ifPresent(gate -> gate.over(session));
        }
    }

    /** Whether prompts may be held back because others are being computed. */
    boolean windowsPrompts() {
        return config.policy() == RoutingPolicy.SLUICE;
    }

    /** Prompts of the model that are being computed; 0 where nobody counts them. */
    synchronized int prompts(String model) {
        return gate(model).map(PromptGate::prompts).orElse(0);
    }

    /** Prompts of usual length that may be computed at once; 0: no limit. */
    synchronized double promptLimit(String model) {
        return gate(model).map(PromptGate::limit).orElse(0.0);
    }

    private Optional<PromptGate> gate(String model) {
        return windowsPrompts()
                ? Optional.of(prompts.computeIfAbsent(model, name -> new PromptGate()))
                : Optional.empty();
    }

    /**
     * Chooses another pipeline for a session that runs, and moves its reservation there; see {@link Dispatcher#reroute}.
     *
     * @param avoid workers that it must leave
     */
    synchronized Route reroute(RoutedRequest request, Pipeline pipeline, Set<WorkerId> avoid) {
        return dispatcher(request.model())
                .reroute(request.id(), pipeline, request.work(), request.kvTokens(), request.regionSet(), avoid, ready);
    }

    /** Whether a new session could run this stage, as far as the newest allocation and the heartbeats say. */
    synchronized boolean serves(String model, Stage stage) {
        return dispatcher(model).serves(stage, ready);
    }

    /** What recomputing costs under the newest allocation. */
    synchronized RecoveryCosts costs(String model) {
        return dispatcher(model)
                .allocation()
                .<RecoveryCosts>map(AllocationCosts::new)
                .orElse(RecoveryCosts.UNKNOWN);
    }

    /** Counts a running session after a restart. */
    synchronized void restore(int partition, RoutedRequest request, SessionLife life) {
        life.pipeline().stages().forEach(stage -> members.expect(stage.worker()));
        dispatcher(request.model()).restore(request.id(), request.serviceClass(), life.pipeline(), request.kvTokens());
        holders.put(request.id(), new Holder(partition, request.model()));
        if (!request.isBestEffort() && life.nextIndex() == 0 && life.phase() == SessionPhase.ACTIVE) {
            gate(request.model()).ifPresent(gate -> gate.restored(request.id(), request.promptIds().length));
        }
    }

    /** Frees what a session holds. */
    synchronized void release(SessionId session) {
        Holder holder = holders.remove(session);
        if (holder != null) {
            dispatcher(holder.model).release(session);
            gate(holder.model).ifPresent(gate -> gate.over(session));
        }
    }

    /** Whether one more request of this class may wait in this process. */
    synchronized boolean mayWait(ServiceClass serviceClass) {
        return queued(serviceClass) < Math.max(1, config.queueLimit() * owned.size() / partitions);
    }

    /**
     * Tells the other tasks what waits here.
     *
     * @param counts requests that wait
     * @param oldestMs per line, since when the oldest request waits that other requests must not overtake
     */
    synchronized void waiting(int partition, Map<ServiceClass, Integer> counts, Map<Line, Long> oldestMs) {
        waiting.put(partition, Map.copyOf(counts));
        heldBackSince.values().forEach(since -> since.remove(partition));
        oldestMs.forEach((line, since) ->
                heldBackSince.computeIfAbsent(line, key -> new TreeMap<>()).put(partition, since));
    }

    /** Requests that wait in this process. */
    synchronized int queued() {
        int queued = 0;
        for (ServiceClass serviceClass : ServiceClass.values()) {
            queued += queued(serviceClass);
        }
        return queued;
    }

    /** Requests of a class that wait in this process. */
    synchronized int queued(ServiceClass serviceClass) {
        return waiting.values().stream()
                .mapToInt(counts -> counts.getOrDefault(serviceClass, 0))
                .sum();
    }

    /** Sessions that run through this process. */
    synchronized int active() {
        return holders.size();
    }

    /** Epoch in use, empty before the first allocation. */
    synchronized OptionalLong epoch(String model) {
        return dispatcher(model).allocation().stream()
                .mapToLong(Allocation::epoch)
                .findFirst();
    }

    /** KV tokens reserved on a worker by sessions of a model. */
    synchronized long reserved(String model, WorkerId worker) {
        return dispatcher(model).reserved(worker);
    }

    private Dispatcher dispatcher(String model) {
        return dispatchers.computeIfAbsent(model, name -> {
            Dispatcher created = new Dispatcher(name, config.policy(), config.highWater(), config.bestEffortShare());
            created.setShare(currentShare());
            return created;
        });
    }

    private void share() {
        dispatchers.values().forEach(dispatcher -> dispatcher.setShare(currentShare()));
    }

    private double currentShare() {
        return owned.isEmpty() ? 1 : Math.min(1, (double) owned.size() / partitions);
    }
}

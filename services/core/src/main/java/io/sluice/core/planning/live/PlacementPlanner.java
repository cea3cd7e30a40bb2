package io.sluice.core.planning.live;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.FlowPlanner;
import io.sluice.core.planning.Holding;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.PlannerCommand;
import io.sluice.core.planning.PlannerState.Member;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.Transition;
import io.sluice.core.planning.Transition.Step;
import io.sluice.core.planning.transition.TransitionPlan;
import io.sluice.core.planning.transition.TransitionPlanner;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/**
 * Decides when a model is placed again and leads the workers there: {@code decide(state, command, now)} returns events,
 * {@link PlacementState#apply} takes them in. Nothing here changes state, reads a clock or searches: a search is asked
 * for by an event and answered by a command.
 *
 * <p>A transition is a sequence of placements. The next one is published when every live worker has announced that it
 * carried the former out, and when those that are to load have room. It is driven to its end; when a worker that it
 * counts on goes, or does not do its part in time, or the next step would break the floor by what workers are measured
 * to do by now ({@link StepGate}), what is served is published as it is and the search begins anew from there.
 * Thread-safe.
 */
public final class PlacementPlanner {
    private final PlacementPolicy policy;
    private final FlowPlanner flows;
    private final Triggers triggers;
    private final Worth worth;

    /** @param flows knows who lives; its solver is never asked */
    public PlacementPlanner(PlacementPolicy policy, FlowPlanner flows) {
        this.policy = policy;
        this.flows = flows;
        this.triggers = new Triggers(policy, flows);
        this.worth = new Worth(policy);
    }

    /** The consequences of {@code command}, to be applied in order. */
    public List<PlacementEvent> decide(PlacementState state, PlacementCommand command, long nowMillis) {
        return switch (command) {
            case PlacementCommand.Observe c -> observe(state, c.command(), nowMillis);
            case PlacementCommand.Finished c -> finished(state, c.result(), nowMillis);
            case PlacementCommand.Lost c -> lost(state, c.id());
        };
    }

    private List<PlacementEvent> observe(PlacementState state, PlannerCommand command, long nowMillis) {
        return switch (command) {
            case PlannerCommand.Tick tick -> tick(state, nowMillis);
            case PlannerCommand.Place place -> {
                long known = state.placement().map(p -> p.plan().epoch()).orElse(0L);
                // Older ones, and what this planner published itself, come back from the topic.
                yield place.plan().epoch() > known
                        ? List.of(new PlacementEvent.Adopted(place.placement(), nowMillis))
                        : List.of();
            }
            default ->
                flows.decide(state.seen(), command, nowMillis).stream()
                        .map(event -> (PlacementEvent) new PlacementEvent.Observed(event))
                        .toList();
        };
    }

    private List<PlacementEvent> tick(PlacementState state, long nowMillis) {
        if (state.placement().isEmpty()) {
            return List.of();
        }
        List<Member> live = live(state, nowMillis);
        List<PlacementEvent> events = new ArrayList<>(triggers.look(state, live, nowMillis));
        if (state.moving()) {
            move(state, live, nowMillis).ifPresent(events::add);
            return events;
        }
        boolean wait = state.trigger().isEmpty()
                || state.search().isPresent()
                || nowMillis < state.trigger().get().lastMillis() + policy.settleMillis()
                || !(state.trigger().get().loss()
                        || Triggers.uncovered(state, live)
                        || nowMillis >= state.decidedMillis() + policy.minIntervalMillis());
        if (!wait) {
            LiveCluster cluster = cluster(state, live, nowMillis);
            if (!known(state.watch().searched(), cluster, nowMillis)) {
                PlacementTask task = new PlacementTask(
                        state.searches() + 1, cluster, policy.objective(), policy.floorShare(), policy.searchSeconds());
                events.add(
                        new PlacementEvent.SearchRequested(task, state.trigger().get(), nowMillis));
            }
        }
        return events;
    }

    /** Whether the answer is known: the same was searched a short while ago. */
    private boolean known(Searched last, LiveCluster cluster, long nowMillis) {
        return nowMillis >= last.atMillis()
                && nowMillis < last.atMillis() + policy.repeatMillis()
                && last.like(Searched.of(cluster, nowMillis), policy.driftThreshold());
    }

    private List<Member> live(PlacementState state, long nowMillis) {
        return state.seen().members().values().stream()
                .filter(m -> flows.isLive(m, nowMillis))
                .toList();
    }

    private LiveCluster cluster(PlacementState state, List<Member> live, long nowMillis) {
        Set<WorkerId> fixed = new TreeSet<>(state.stalledUntil().keySet());
        fixed.removeIf(worker -> !stalled(state, worker, nowMillis));
        if (!Triggers.uncovered(state, live)) {
            live.stream()
                    .map(m -> m.status().worker())
                    .filter(state.watch()::held)
                    .forEach(fixed::add);
        }
        PlacementPlan plan = state.placement().orElseThrow().plan();
        return LiveCluster.of(state.seen(), plan, live, fixed, flows.mix(state.seen(), nowMillis));
    }

    private static boolean stalled(PlacementState state, WorkerId worker, long nowMillis) {
        return nowMillis < state.stalledUntil().getOrDefault(worker, Long.MIN_VALUE);
    }

    /** Leads a placement that is not yet carried out on. */
    private Optional<PlacementEvent> move(PlacementState state, List<Member> live, long nowMillis) {
        PublishedPlacement placement = state.placement().orElseThrow();
        Set<WorkerId> gone = missing(state, live);
        if (placement.transition().underWay() && !gone.isEmpty()) {
            return Optional.of(
                    abandon(state, live, names(gone) + " left during the transition", Optional.empty(), nowMillis));
        }
        Optional<Member> late = live.stream()
                .filter(m -> !stalled(state, m.status().worker(), nowMillis))
                .filter(m -> !carriedOut(m.status().holding(), m.status().worker(), placement.plan()))
                .findFirst();
        Optional<Member> full = late.isPresent() ? Optional.empty() : withoutRoom(live, placement);
        if (late.isEmpty() && full.isEmpty()) {
            return placement.transition().underWay()
                    ? step(state, live, nowMillis)
                    : Optional.of(new PlacementEvent.Arrived(
                            placement.plan().epoch(), nowMillis - state.begunMillis(), nowMillis));
        }
        // A worker whose old sessions have not ended yet is waited for: none of them is killed.
        if (late.isPresent() && nowMillis - state.placedMillis() > policy.stallMillis()) {
            WorkerId worker = late.get().status().worker();
            String reason = "worker " + worker + " did not carry out placement "
                    + placement.plan().epoch() + " within " + policy.stallMillis() / 1_000 + " s; its log says why";
            return Optional.of(abandon(state, live, reason, Optional.of(worker), nowMillis));
        }
        return Optional.empty();
    }

    /** Publishes the next step, unless the floor would be broken by it. */
    private Optional<PlacementEvent> step(PlacementState state, List<Member> live, long nowMillis) {
        PublishedPlacement placement = state.placement().orElseThrow();
        LiveCluster cluster =
                LiveCluster.of(state.seen(), placement.plan(), live, Set.of(), flows.mix(state.seen(), nowMillis));
        long waited = state.heldMillis() == 0 ? 0 : nowMillis - state.heldMillis();
        Optional<StepGate.Obstacle> obstacle =
                StepGate.obstacle(cluster, live, placement, phase(placement.transition()), waited);
        if (obstacle.isEmpty()) {
            return Optional.of(new PlacementEvent.Stepped(next(placement), nowMillis));
        }
        String sentence = obstacle.get().sentence();
        if (state.heldMillis() == 0) {
            return Optional.of(new PlacementEvent.Held(placement.plan().epoch(), sentence, nowMillis));
        }
        return waited < obstacle.get().waitMillis()
                ? Optional.empty()
                : Optional.of(abandon(state, live, sentence, Optional.empty(), nowMillis));
    }

    /** Workers that the placement or its coming steps name and that the last look still saw alive. */
    private static Set<WorkerId> missing(PlacementState state, List<Member> live) {
        PublishedPlacement placement = state.placement().orElseThrow();
        Set<WorkerId> named = new TreeSet<>();
        placement.plan().stages().forEach(stage -> named.add(stage.worker()));
        placement.transition().target().forEach(stage -> named.add(stage.worker()));
        live.forEach(m -> named.remove(m.status().worker()));
        return named;
    }

    private static String names(Set<WorkerId> workers) {
        return String.join(
                ", ", workers.stream().map(worker -> "worker " + worker).toList());
    }

    private static boolean carriedOut(Holding holding, WorkerId worker, PlacementPlan plan) {
        // A worker that follows no placements is waited for by nobody.
        return holding.pinned()
                || holding.placementEpoch() >= plan.epoch()
                        && holding.served().equals(plan.stageOf(worker).map(Stage::layers));
    }

    /** A worker that is to load next and whose memory is still taken by layers of sessions under way. */
    private static Optional<Member> withoutRoom(List<Member> live, PublishedPlacement placement) {
        List<Step> steps = phase(placement.transition());
        return live.stream()
                .filter(m -> steps.stream()
                        .anyMatch(step -> step.worker().equals(m.status().worker())
                                && step.layers().isPresent()
                                && !fits(m.status().holding(), step.layers().get())))
                .findFirst();
    }

    private static boolean fits(Holding holding, LayerRange wanted) {
        return holding.pinned() || holding.missing(wanted) == 0 || holding.layersWith(wanted) <= holding.maxLayers();
    }

    private static List<Step> phase(Transition transition) {
        int first = transition.steps().stream().mapToInt(Step::phase).min().orElse(0);
        return transition.steps().stream().filter(s -> s.phase() == first).toList();
    }

    /** The placement after the next phase. */
    private static PublishedPlacement next(PublishedPlacement placement) {
        Transition transition = placement.transition();
        List<Step> done = phase(transition);
        List<Stage> stages = new ArrayList<>();
        for (Stage stage : placement.plan().stages()) {
            if (done.stream().noneMatch(step -> step.worker().equals(stage.worker()))) {
                stages.add(stage);
            }
        }
        done.forEach(step -> step.layers().ifPresent(range -> stages.add(new Stage(step.worker(), range))));
        List<Step> rest =
                transition.steps().stream().filter(s -> !done.contains(s)).toList();
        return new PublishedPlacement(
                after(placement.plan(), stages),
                new Transition(transition.target(), rest, transition.floorTokensPerSecond()),
                placement.method(),
                placement.reason());
    }

    private static PlacementPlan after(PlacementPlan plan, List<Stage> stages) {
        return new PlacementPlan(
                plan.model(), plan.epoch() + 1, plan.layerCount(), plan.hiddenSize(), plan.activationBytes(), stages);
    }

    private PlacementEvent abandon(
            PlacementState state, List<Member> live, String reason, Optional<WorkerId> stalled, long nowMillis) {
        PublishedPlacement placement = state.placement().orElseThrow();
        List<Stage> served = new ArrayList<>();
        live.forEach(m -> m.status()
                .served()
                .filter(range -> range.end() <= placement.plan().layerCount())
                .ifPresent(range -> served.add(new Stage(m.status().worker(), range))));
        Optional<PublishedPlacement> present = served.isEmpty()
                ? Optional.empty()
                : Optional.of(
                        new PublishedPlacement(after(placement.plan(), served), Transition.NONE, "as served", reason));
        Trigger again =
                missing(state, live).isEmpty() ? Trigger.of(reason, nowMillis) : Trigger.ofLoss(reason, nowMillis);
        return new PlacementEvent.Abandoned(present, reason, stalled, again, nowMillis);
    }

    private List<PlacementEvent> lost(PlacementState state, long id) {
        return state.search().filter(s -> s.id() == id).stream()
                .map(s -> (PlacementEvent) new PlacementEvent.Outdated(id, "the search was lost", s.trigger()))
                .toList();
    }

    private List<PlacementEvent> finished(PlacementState state, PlacementTask.Result result, long nowMillis) {
        long id = result.task().id();
        if (state.search().map(PlacementState.Search::id).orElse(0L) != id) {
            return List.of();
        }
        Trigger trigger = state.search().orElseThrow().trigger();
        LiveCluster asked = result.task().cluster();
        LiveCluster now = cluster(state, live(state, nowMillis), nowMillis);
        if (state.moving() || !now.fingerprint().equals(asked.fingerprint())) {
            return List.of(new PlacementEvent.Outdated(id, "workers changed during the search", trigger));
        }
        if (result.transition().isEmpty()) {
            String reason = trigger.reason() + ": no placement was found: " + result.explanation();
            return List.of(new PlacementEvent.Declined(id, reason, result.seconds(), nowMillis));
        }
        TransitionPlan plan = result.transition().get();
        Optional<String> tooSlow = tooSlow(now, plan);
        if (tooSlow.isPresent()) {
            return List.of(new PlacementEvent.Outdated(id, tooSlow.get(), trigger));
        }
        Score score = result.score().orElseThrow();
        Worth.Verdict verdict = worth.judge(asked, plan, score);
        if (!verdict.worthIt()) {
            String reason = trigger.reason() + ": " + verdict.sentence();
            return List.of(new PlacementEvent.Declined(id, reason, result.seconds(), nowMillis));
        }
        String reason = String.format(
                Locale.ROOT,
                "%s: %s; %d %s, %snever below %.1f%s",
                trigger.reason(),
                verdict.sentence(),
                plan.phases().size(),
                plan.phases().size() == 1 ? "phase" : "phases",
                score.objective() == LiveObjective.FLOW ? "" : "flow ",
                plan.floor(),
                plan.loweredBecause().map(why -> " (" + why + ")").orElse(""));
        return List.of(new PlacementEvent.Begun(
                id,
                next(beginning(state, asked, plan, result, reason)),
                score.gain(),
                plan.loweredBecause(),
                result.seconds(),
                nowMillis));
    }

    /** Why the first phase would break the floor by the speeds known now; empty: it would not. */
    private static Optional<String> tooSlow(LiveCluster now, TransitionPlan plan) {
        if (plan.phases().isEmpty()) {
            return Optional.empty();
        }
        double least = TransitionPlanner.leastFlow(
                now.problem(), plan.start(), plan.phases().getFirst().after(), now.maxLayers());
        return least >= plan.floor() * (1 - 1e-9)
                ? Optional.empty()
                : Optional.of(String.format(
                        Locale.ROOT,
                        "speeds changed during the search: the first step would pass %.1f tokens/s, the floor is %.1f",
                        least,
                        plan.floor()));
    }

    /** What is served now, with all steps to come; the first of them is then published. */
    private static PublishedPlacement beginning(
            PlacementState state,
            LiveCluster cluster,
            TransitionPlan plan,
            PlacementTask.Result result,
            String reason) {
        PlacementPlan known = state.placement().orElseThrow().plan();
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < plan.phases().size(); i++) {
            TransitionPlan.Phase phase = plan.phases().get(i);
            for (int node : phase.nodes()) {
                Optional<LayerRange> range = phase.after().holds(node)
                        ? Optional.of(new LayerRange(
                                phase.after().first(node), phase.after().end(node)))
                        : Optional.empty();
                steps.add(new Step(
                        i + 1, cluster.problem().cluster().nodes().get(node).id(), range, phase.flow()));
            }
        }
        List<Stage> stages = plan.start().stages(cluster.problem());
        List<Stage> target = plan.target().stages(cluster.problem());
        return new PublishedPlacement(
                new PlacementPlan(
                        known.model(),
                        known.epoch(),
                        known.layerCount(),
                        known.hiddenSize(),
                        known.activationBytes(),
                        stages),
                new Transition(target, steps, plan.floor()),
                result.explanation(),
                reason);
    }

    /** When the planner wants its next {@link PlannerCommand.Tick}, ms; empty: not before the next report. */
    public OptionalLong nextTick(PlacementState state, long nowMillis) {
        boolean anyLive = state.seen().members().values().stream().anyMatch(m -> flows.isLive(m, nowMillis));
        boolean waiting = state.search().isPresent() || !state.watch().members().isEmpty();
        return state.placement().isPresent() && (anyLive || waiting)
                ? OptionalLong.of(nowMillis + policy.tickMillis())
                : OptionalLong.empty();
    }
}

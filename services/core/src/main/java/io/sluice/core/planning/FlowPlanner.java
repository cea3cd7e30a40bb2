package io.sluice.core.planning;

import io.sluice.core.WorkerId;
import io.sluice.core.planning.PlannerState.LinkId;
import io.sluice.core.planning.PlannerState.Member;
import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Decides what the planner of a model does with a command: {@code decide(state, command, now)} returns events, and
 * {@link PlannerState#apply} takes them in. Nothing here changes state, reads a clock or throws on absurd input.
 *
 * <p>Reports only update estimates; allocations come from ticks, at the times {@link #nextTick} asks for. A worker is
 * in the graph while it is joined, its heartbeats do not say that it drains or is gone (where none has come: its
 * telemetry was heard within the lease), and it serves layers of the model: those that it announces, not those that the
 * placement gives it, so that allocations follow a transition step by step. Layers that
 * nobody serves lead to an allocation with max flow 0 that names them, once per change. As thread-safe as the
 * solver.
 */
public final class FlowPlanner {
    /** Tokens of each kind that the even mix counts for at the start. */
    private static final double PRIOR_MIX_TOKENS = 256;
    /** Fewer tokens say nothing of the demand. */
    private static final double LEAST_MIX_TOKENS = 512;

    private final PlannerPolicy policy;
    private final FlowSolver solver;
    private final CapacityEstimator capacities;
    private final Hysteresis hysteresis;

    public FlowPlanner(MaxFlowSolver solver, PlannerPolicy policy) {
        this.policy = policy;
        this.solver = new FlowSolver(solver);
        this.capacities = new CapacityEstimator(policy.leaseMillis(), policy.futureMillis());
        this.hysteresis = new Hysteresis(policy.threshold());
    }

    /** The consequences of {@code command}, to be applied in order. */
    public List<PlannerEvent> decide(PlannerState state, PlannerCommand command, long nowMillis) {
        return switch (command) {
            case PlannerCommand.Announce c -> announce(state, c.status(), nowMillis);
            case PlannerCommand.Attend c -> attend(state, c.presence());
            case PlannerCommand.Place c -> place(state, c.plan());
            case PlannerCommand.MeasureDevice c -> measure(state, c.sample(), nowMillis);
            case PlannerCommand.MeasureLink c -> measure(state, c.sample(), nowMillis);
            case PlannerCommand.Tick c -> tick(state, nowMillis);
        };
    }

    private List<PlannerEvent> announce(PlannerState state, MemberStatus status, long nowMillis) {
        Member known = state.members().get(status.worker());
        if (known != null && status.incarnation() < known.status().incarnation()) {
            return refuse(
                    state,
                    status.worker().value(),
                    new Rejection(
                            Rejection.Kind.OLD_INCARNATION,
                            "status of " + status.worker() + ": incarnation " + status.incarnation() + " is older than "
                                    + known.status().incarnation() + "; stop the old process"));
        }
        // The topic is compacted: what is read may be from a worker that died long ago.
        return List.of(new PlannerEvent.Announced(status, Math.min(nowMillis, status.atMillis())));
    }

    private static List<PlannerEvent> attend(PlannerState state, Presence presence) {
        Presence known = state.presences().get(presence.worker());
        boolean news = known == null
                || presence.incarnation() > known.incarnation()
                || presence.incarnation() == known.incarnation() && presence.state() != known.state();
        return news ? List.of(new PlannerEvent.Attended(presence)) : List.of();
    }

    private List<PlannerEvent> place(PlannerState state, PlacementPlan plan) {
        long known = state.placement().map(PlacementPlan::epoch).orElse(0L);
        if (plan.epoch() <= known) {
            return refuse(
                    state,
                    plan.model(),
                    new Rejection(
                            Rejection.Kind.DUPLICATE,
                            "placement " + plan.epoch() + " of " + plan.model() + " is not newer than " + known));
        }
        return List.of(new PlannerEvent.Placed(plan));
    }

    private List<PlannerEvent> measure(PlannerState state, DeviceSample sample, long nowMillis) {
        Member member = state.members().get(sample.worker());
        if (member == null) {
            return refuse(
                    state,
                    sample.worker().value(),
                    new Rejection(
                            Rejection.Kind.UNANNOUNCED,
                            "telemetry of " + sample.worker() + ": it has not announced itself"));
        }
        Optional<Rejection> rejection =
                capacities.judge(sample, member.status().incarnation(), member.lastSequence(), nowMillis);
        if (rejection.isPresent()) {
            return refuse(state, sample.worker().value(), rejection.get());
        }
        CapacityEstimate estimate =
                capacities.update(member.capacity(), member.status().cost(), sample);
        long seen = Math.max(member.seenMillis(), Math.min(nowMillis, sample.atMillis()));
        return List.of(new PlannerEvent.DeviceMeasured(sample, estimate, seen));
    }

    private List<PlannerEvent> measure(PlannerState state, LinkSample sample, long nowMillis) {
        String link = sample.from() + ">" + sample.to();
        Optional<Rejection> rejection = LinkEstimator.judge(sample)
                .or(() -> capacities.judgeTime("link " + link + ": ", sample.atMillis(), nowMillis))
                .or(() -> unannounced(state, sample.from()))
                .or(() -> unannounced(state, sample.to()));
        if (rejection.isPresent()) {
            return refuse(state, link, rejection.get());
        }
        LinkEstimate known = state.links().getOrDefault(new LinkId(sample.from(), sample.to()), LinkEstimate.NONE);
        return List.of(new PlannerEvent.LinkMeasured(sample.from(), sample.to(), LinkEstimator.update(known, sample)));
    }

    private static Optional<Rejection> unannounced(PlannerState state, String end) {
        boolean known = end.equals(Allocation.SOURCE)
                || state.members().keySet().stream().anyMatch(w -> w.value().equals(end));
        return known
                ? Optional.empty()
                : Optional.of(new Rejection(Rejection.Kind.UNANNOUNCED, "link end " + end + " is not announced"));
    }

    private static List<PlannerEvent> refuse(PlannerState state, String source, Rejection rejection) {
        boolean repeated = state.members().values().stream()
                .anyMatch(m -> m.status().worker().value().equals(source) && m.lastFault() == rejection.kind());
        return List.of(
                new PlannerEvent.Refused(source, rejection, rejection.kind().isFault() && !repeated));
    }

    private List<PlannerEvent> tick(PlannerState state, long nowMillis) {
        Optional<PlacementPlan> placement = state.placement();
        if (placement.isEmpty() || mustWait(state, nowMillis)) {
            return List.of();
        }
        List<Vertex> live = live(state, placement.get(), nowMillis);
        Optional<Allocation> published = state.published();
        if (published.isEmpty() && live.isEmpty()) {
            return List.of(new PlannerEvent.Examined(false));
        }
        WorkerGraph graph = WorkerGraph.build(
                placement.get(),
                live,
                (from, to, declared) -> LinkEstimator.bytesPerSecond(
                        state.links().getOrDefault(new LinkId(from, to), LinkEstimate.NONE), declared));
        if (published.isPresent() && !hysteresis.worthSolving(published.get(), graph)) {
            return List.of(new PlannerEvent.Examined(false));
        }
        Allocation candidate = solver.solve(graph, state.epoch() + 1);
        Optional<String> reason = published.isEmpty()
                ? Optional.of("first allocation of this planner")
                : hysteresis.reasonToPublish(published.get(), candidate);
        if (reason.isEmpty()) {
            return List.of(new PlannerEvent.Examined(true));
        }
        List<String> violations = AllocationVerifier.verify(candidate);
        if (!violations.isEmpty()) {
            return List.of(
                    new PlannerEvent.Examined(true),
                    new PlannerEvent.Unsound(candidate.epoch(), violations, !state.unsound()));
        }
        return List.of(new PlannerEvent.Published(candidate, reason.get(), nowMillis));
    }

    private boolean mustWait(PlannerState state, long nowMillis) {
        return state.published().isPresent()
                // Requests would be sent to a worker that is gone: no time to lose.
                && !showsAnyLost(state, nowMillis)
                && nowMillis < state.publishedMillis() + policy.minIntervalMillis()
                // A clock that was set back must not silence the planner.
                && nowMillis >= state.publishedMillis();
    }

    /** Whether what was published sends tokens to a worker that is not there any more. */
    private boolean showsAnyLost(PlannerState state, long nowMillis) {
        return state.published().stream().flatMap(a -> a.workers().stream()).anyMatch(w -> {
            Member m = state.members().get(w.worker());
            return m == null || !isLive(m, nowMillis);
        });
    }

    private List<Vertex> live(PlannerState state, PlacementPlan plan, long nowMillis) {
        TokenMix mix = mix(state, nowMillis);
        List<Vertex> live = new ArrayList<>();
        for (Member m : state.members().values()) {
            MemberStatus s = m.status();
            // What a worker announces is what it serves; the placement says what it shall serve once it has loaded it.
            if (isLive(m, nowMillis)
                    && s.served().isPresent()
                    && s.served().get().end() <= plan.layerCount()) {
                live.add(new Vertex(
                        s.worker(),
                        s.served().get(),
                        s.region(),
                        m.capacity().tokensPerSecond(mix),
                        s.kvCapacityTokens(),
                        s.linkBytesPerSecond()));
            }
        }
        return live;
    }

    /**
     * Whether a member joined, stays, and is heard of. Where it sends heartbeats, these alone say so, by the clock of who
     * hears them; the time in telemetry is the worker's own, and one whose clock is wrong by a lease would be in the
     * graph and out of it again and again. Telemetry's lease is for workers of which no heartbeat has come.
     */
    public boolean isLive(Member m, long nowMillis) {
        return m.status().state() == MemberStatus.State.JOINED
                && m.presence() != Presence.State.DRAINING
                && m.presence() != Presence.State.GONE
                && (m.presence() == Presence.State.ALIVE || nowMillis - m.seenMillis() <= policy.leaseMillis());
    }

    /** Tokens that passed the live members recently, with an even prior. */
    public TokenMix mix(PlannerState state, long nowMillis) {
        double prefill = PRIOR_MIX_TOKENS;
        double decode = PRIOR_MIX_TOKENS;
        for (Member m : state.members().values()) {
            if (isLive(m, nowMillis)) {
                prefill += m.capacity().prefillTokens();
                decode += m.capacity().decodeTokens();
            }
        }
        return new TokenMix(prefill, decode);
    }

    /** The same without the prior; empty while fewer than {@value #LEAST_MIX_TOKENS} tokens have passed. */
    public Optional<TokenMix> measuredMix(PlannerState state, long nowMillis) {
        TokenMix mix = mix(state, nowMillis);
        double prefill = mix.prefillTokens() - PRIOR_MIX_TOKENS;
        double decode = mix.decodeTokens() - PRIOR_MIX_TOKENS;
        return prefill + decode < LEAST_MIX_TOKENS ? Optional.empty() : Optional.of(new TokenMix(prefill, decode));
    }

    /** Members that joined and are heard of, in order of their ids. */
    public List<WorkerId> liveMembers(PlannerState state, long nowMillis) {
        return state.members().values().stream()
                .filter(m -> isLive(m, nowMillis))
                .map(m -> m.status().worker())
                .toList();
    }

    /** When the planner wants its next {@link PlannerCommand.Tick}, ms; empty: not before the next report. */
    public OptionalLong nextTick(PlannerState state, long nowMillis) {
        boolean anyLive = state.members().values().stream().anyMatch(m -> isLive(m, nowMillis));
        boolean showsFlow = state.published().map(a -> !a.workers().isEmpty()).orElse(false);
        if (state.placement().isEmpty() || !(anyLive || showsFlow || state.unsettled())) {
            return OptionalLong.empty();
        }
        long wanted = nowMillis + (state.unsettled() ? policy.settleMillis() : policy.tickMillis());
        long allowed = mustWait(state, nowMillis) ? state.publishedMillis() + policy.minIntervalMillis() : wanted;
        return OptionalLong.of(Math.max(wanted, allowed));
    }
}

package io.sluice.core.planning.live;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.FlowPlanner;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.PlannerState.Member;
import io.sluice.core.planning.PublishedPlacement;
import io.sluice.core.planning.TokenMix;
import io.sluice.core.planning.live.Watch.Seen;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Notices what may be worth placing again, by comparing with the last look and the last decision. Thread-safe. */
final class Triggers {
    /** Share of prompts that is assumed before anything was measured. */
    private static final double EVEN_SHARE = 0.5;

    private final PlacementPolicy policy;
    private final FlowPlanner flows;

    Triggers(PlacementPolicy policy, FlowPlanner flows) {
        this.policy = policy;
        this.flows = flows;
    }

    /** What happened since the last look. */
    List<PlacementEvent> look(PlacementState state, List<Member> live, long nowMillis) {
        Watch before = state.watch();
        List<String> reasons = new ArrayList<>();
        NavigableMap<WorkerId, Seen> members = new TreeMap<>();
        PublishedPlacement placement = state.placement().orElseThrow();
        boolean hole = uncovered(state, live);
        for (Member m : live) {
            WorkerId id = m.status().worker();
            Seen was = before.members().get(id);
            members.put(id, drift(id, m, was, reasons, nowMillis));
            if (was == null && !m.status().holding().pinned() && !named(placement, id) && (hole || !before.held(id))) {
                reasons.add((m.status().served().isEmpty() ? "spare " : "worker ") + id + " joined");
            }
        }
        int others = reasons.size();
        NavigableMap<WorkerId, Steadiness> steadiness = new TreeMap<>(before.steadiness());
        before.members().forEach((id, was) -> {
            if (!members.containsKey(id)) {
                Steadiness known = steadiness.getOrDefault(id, Steadiness.STEADY);
                steadiness.put(id, known.left(nowMillis, policy.steadyMillis()));
                // One that comes and goes is waited for while the others serve every layer.
                boolean counts = was.served().isPresent() || named(placement, id);
                if (counts && (hole || !steadiness.get(id).held())) {
                    reasons.add("worker " + id + " left");
                }
            }
        });
        boolean loss = reasons.size() > others;
        release(before, steadiness, members.keySet(), reasons, nowMillis);
        Demand demand = before.demand()
                .seen(flows.measuredMix(state.seen(), nowMillis), policy.driftThreshold() / 2, nowMillis);
        double share = shift(before.promptShare(), demand, reasons);
        long uncovered = uncoveredSince(state, live, before, reasons, nowMillis);
        List<PlacementEvent> events = new ArrayList<>();
        events.add(new PlacementEvent.Watched(
                new Watch(members, share, uncovered, demand, before.searched(), steadiness)));
        if (!reasons.isEmpty()) {
            String all = String.join(", ", reasons);
            events.add(
                    new PlacementEvent.Triggered(loss ? Trigger.ofLoss(all, nowMillis) : Trigger.of(all, nowMillis)));
        }
        return events;
    }

    /** Lets those go that were held still for long enough; what they have become since is news. */
    private void release(
            Watch before,
            NavigableMap<WorkerId, Steadiness> steadiness,
            Set<WorkerId> present,
            List<String> reasons,
            long nowMillis) {
        steadiness.replaceAll((id, s) -> s.later(nowMillis, policy.steadyMillis()));
        steadiness.forEach((id, s) -> {
            if (before.held(id) && !s.held()) {
                reasons.add("worker " + id + (present.contains(id) ? " has stayed" : " stayed away"));
            }
        });
        steadiness.values().removeIf(s -> s.forgotten(nowMillis, policy.steadyMillis()));
    }

    private static boolean named(PublishedPlacement placement, WorkerId worker) {
        return placement.plan().stageOf(worker).isPresent()
                || placement.transition().target().stream()
                        .anyMatch(s -> s.worker().equals(worker));
    }

    private Seen drift(WorkerId id, Member m, Seen was, List<String> reasons, long nowMillis) {
        Optional<LayerRange> served = m.status().served();
        // Prompts and decode steps in even parts, so that a change of demand is not taken for one of speed.
        double speed = LiveCluster.layerTokensPerSecond(m, TokenMix.EVEN);
        if (was == null || was.layerSpeed() <= 0 || !was.served().equals(served)) {
            return new Seen(served, speed, 0);
        }
        double base = was.layerSpeed();
        if (Math.abs(speed - base) <= policy.driftThreshold() * Math.max(speed, base)) {
            return new Seen(served, base, 0);
        }
        long since = was.driftedMillis() == 0 ? nowMillis : was.driftedMillis();
        if (nowMillis - since < policy.driftMillis()) {
            return new Seen(served, base, since);
        }
        reasons.add(String.format(
                Locale.ROOT,
                "worker %s became %s (%.1f to %.1f tokens/s a layer)",
                id,
                speed < base ? "slower" : "faster",
                base,
                speed));
        return new Seen(served, speed, 0);
    }

    /**
     * The share of prompts that the present placement is taken to be made for. One made before anything was measured was
     * made for an even mix; what is then seen first counts only once it has stayed, like any other change.
     */
    private double shift(double decided, Demand demand, List<String> reasons) {
        long enough = Math.max(policy.stableMixMillis(), policy.driftMillis());
        if (demand.promptShare() < 0 || demand.stableMillis() < enough) {
            return decided;
        }
        double base = decided < 0 ? EVEN_SHARE : decided;
        double share = demand.promptShare();
        if (Math.abs(share - base) <= policy.driftThreshold()) {
            return decided < 0 ? share : decided;
        }
        reasons.add(
                decided < 0
                        ? String.format(Locale.ROOT, "demand became known (prompts are %.0f %% of tokens)", 100 * share)
                        : String.format(
                                Locale.ROOT,
                                "demand changed (prompts were %.0f %% of tokens, are %.0f %%)",
                                100 * base,
                                100 * share));
        return share;
    }

    /** Since when layers are uncovered; 0: none are; negative: reported, once per decision. */
    private long uncoveredSince(
            PlacementState state, List<Member> live, Watch before, List<String> reasons, long nowMillis) {
        if (!uncovered(state, live)) {
            return 0;
        }
        if (before.uncoveredMillis() < 0 || live.isEmpty() || state.moving()) {
            return before.uncoveredMillis();
        }
        long since = before.uncoveredMillis() == 0 ? nowMillis : before.uncoveredMillis();
        if (nowMillis - since < policy.uncoveredMillis()) {
            return since;
        }
        reasons.add("layers without a worker");
        return -1;
    }

    /** Whether some layer is served by no live worker. */
    static boolean uncovered(PlacementState state, List<Member> live) {
        PlacementPlan plan = state.placement().orElseThrow().plan();
        boolean[] covered = new boolean[plan.layerCount()];
        for (Member m : live) {
            m.status().served().filter(r -> r.end() <= covered.length).ifPresent(range -> {
                for (int layer = range.first(); layer < range.end(); layer++) {
                    covered[layer] = true;
                }
            });
        }
        for (boolean layer : covered) {
            if (!layer) {
                return true;
            }
        }
        return false;
    }
}

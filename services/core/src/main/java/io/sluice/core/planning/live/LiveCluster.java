package io.sluice.core.planning.live;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.LayerProfile.Held;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.cluster.Node;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.BatchCost;
import io.sluice.core.planning.LinkEstimate;
import io.sluice.core.planning.LinkEstimator;
import io.sluice.core.planning.MemberStatus;
import io.sluice.core.planning.PlacementPlan;
import io.sluice.core.planning.PlannerState;
import io.sluice.core.planning.PlannerState.LinkId;
import io.sluice.core.planning.PlannerState.Member;
import io.sluice.core.planning.TokenMix;
import io.sluice.core.planning.WorkerGraph;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The live workers of a model as a placement problem, a machine type each: one layer's speed is the estimated capacity
 * times the layers it was measured with, k layers are k times slower, links are as measured. Workers that cannot or shall
 * not change are pinned to what they serve. Immutable; nodes in order of worker ids.
 *
 * @param current what is served now
 * @param maxLayers layers that fit, per node; for a pinned one those it serves
 * @param fingerprint equal while the same workers serve the same layers
 * @param unpredictable why serving cannot be predicted; empty: it can
 */
public record LiveCluster(
        PlacementProblem problem, Layout current, int[] maxLayers, String fingerprint, Optional<String> unpredictable) {
    private static final int LARGEST_BATCH = 1 << 12;
    /**
     * Prompt and generated tokens of a request, since no telemetry tells how many requests the tokens belong to: about
     * the mean of the Azure trace of conversations. How they divide is measured; before that, evenly.
     */
    private static final double WORKLOAD_TOKENS = 1_000;

    private static final String UNNAMED_REGION = "local";

    /**
     * @param live members that count
     * @param fixed of these, those that keep what they have
     * @param mix tokens that pass
     */
    static LiveCluster of(
            PlannerState state, PlacementPlan plan, List<Member> live, Set<WorkerId> fixed, TokenMix mix) {
        List<Member> usable = live.stream()
                .filter(m -> m.status()
                        .served()
                        .map(r -> r.end() <= plan.layerCount())
                        .orElse(true))
                .filter(m -> m.status().served().isPresent() || mayChange(m, fixed))
                .toList();
        int nodes = usable.size();
        int[] first = new int[nodes];
        int[] end = new int[nodes];
        int[] fit = new int[nodes];
        List<MachineType> types = new ArrayList<>();
        List<Node> members = new ArrayList<>();
        Map<String, LayerProfile> profiles = new TreeMap<>();
        Map<WorkerId, LayerRange> pinned = new TreeMap<>();
        StringBuilder fingerprint = new StringBuilder();
        for (int i = 0; i < nodes; i++) {
            MemberStatus s = usable.get(i).status();
            String id = s.worker().value();
            boolean changes = mayChange(usable.get(i), fixed);
            first[i] = s.served().map(LayerRange::first).orElse(0);
            end[i] = s.served().map(LayerRange::end).orElse(0);
            fit[i] = Math.min(
                    plan.layerCount(),
                    changes ? Math.max(s.holding().maxLayers(), end[i] - first[i]) : end[i] - first[i]);
            double link = s.linkBytesPerSecond();
            types.add(new MachineType(id, 1, link, link, link, 0, 0, 0));
            members.add(new Node(s.worker(), id, s.region().isBlank() ? UNNAMED_REGION : s.region()));
            profiles.put(id, profile(usable.get(i), fit[i], mix));
            if (!changes) {
                pinned.put(s.worker(), s.served().orElseThrow());
            }
            fingerprint.append(id).append(':').append(first[i]).append('-').append(end[i]);
            fingerprint.append('/').append(fit[i]).append(changes ? ' ' : '!');
        }
        double all = mix.prefillTokens() + mix.decodeTokens();
        PlacementProblem problem = new PlacementProblem(
                new Cluster("live", types, members, links(state, usable), Float.MAX_VALUE, Float.MAX_VALUE),
                new ModelProfile(spec(plan), profiles),
                new Workload(
                        Math.max(1, WORKLOAD_TOKENS * mix.prefillTokens() / all),
                        Math.max(1, WORKLOAD_TOKENS * mix.decodeTokens() / all)),
                new PlacementConstraints(true, Set.of(), Set.of(), pinned, 0, 1, 0));
        return new LiveCluster(problem, Layout.of(first, end), fit, fingerprint.toString(), unpredictable(usable));
    }

    private static Optional<String> unpredictable(List<Member> members) {
        for (Member m : members) {
            String missing = m.status().kvCapacityTokens() == 0
                    ? "KV cache"
                    : m.status().cost().known() ? "" : "cost of a batch";
            if (!missing.isEmpty()) {
                return Optional.of("worker " + m.status().worker() + " announces no " + missing);
            }
        }
        return Optional.empty();
    }

    private static boolean mayChange(Member m, Set<WorkerId> fixed) {
        return !m.status().holding().pinned() && !fixed.contains(m.status().worker());
    }

    /** Sizes of weights and cache are not announced: how many layers fit is. */
    private static ModelSpec spec(PlacementPlan plan) {
        return new ModelSpec(
                plan.model(),
                plan.layerCount(),
                plan.hiddenSize(),
                plan.activationBytes(),
                WorkerGraph.TOKEN_ID_BYTES,
                1,
                1);
    }

    /** Tokens/s of one layer. */
    static double layerTokensPerSecond(Member m, TokenMix mix) {
        return m.capacity().tokensPerSecond(mix) * m.status().layersMeasured();
    }

    private static LayerProfile profile(Member m, int fit, TokenMix mix) {
        MemberStatus s = m.status();
        double speed = layerTokensPerSecond(m, mix);
        long kvTokens = s.kvCapacityTokens() * s.layersMeasured();
        List<Held> held = new ArrayList<>();
        for (int k = 1; k <= fit; k++) {
            held.add(new Held(k, speed / k, kvTokens / k, LARGEST_BATCH, LARGEST_BATCH, LARGEST_BATCH, Long.MAX_VALUE));
        }
        double slowdown = 1 / (m.capacity().speedFactor() * s.layersMeasured());
        BatchCost cost = s.cost();
        return cost.known()
                ? new LayerProfile(
                        line(cost.perBatchMicros(), cost.perPrefillTokenMicros(), slowdown / 1e6),
                        line(cost.perBatchMicros(), cost.perDecodeTokenMicros(), slowdown / 1e6),
                        held)
                : new LayerProfile(
                        line(0, 1 / s.prefillTokensPerSecond(), slowdown),
                        line(0, 1 / s.decodeTokensPerSecond(), slowdown),
                        held);
    }

    private static Curve line(double fixed, double perToken, double scale) {
        double longest = (fixed + LARGEST_BATCH * perToken) * scale;
        return Curve.of(new double[] {0, LARGEST_BATCH}, new double[] {fixed * scale, longest});
    }

    private static Links links(PlannerState state, List<Member> members) {
        Links.Builder links = Links.builder(members.size());
        for (int i = 0; i < members.size(); i++) {
            MemberStatus to = members.get(i).status();
            double own = to.linkBytesPerSecond();
            links.set(
                    Links.COORDINATOR,
                    i,
                    measured(state, Allocation.SOURCE, to.worker().value(), own),
                    0);
            links.set(i, Links.COORDINATOR, measured(state, to.worker().value(), Allocation.SINK, own), 0);
            for (int j = 0; j < members.size(); j++) {
                MemberStatus from = members.get(j).status();
                if (i != j) {
                    double declared = Math.min(from.linkBytesPerSecond(), own);
                    double bytes =
                            measured(state, from.worker().value(), to.worker().value(), declared);
                    links.set(j, i, bytes, 0);
                }
            }
        }
        return links.build();
    }

    private static double measured(PlannerState state, String from, String to, double declared) {
        return LinkEstimator.bytesPerSecond(
                state.links().getOrDefault(new LinkId(from, to), LinkEstimate.NONE), declared);
    }

    /** Number of a worker among the nodes; -1: it is not there. */
    public int indexOf(WorkerId worker) {
        return problem.cluster().indexById().getOrDefault(worker, -1);
    }
}

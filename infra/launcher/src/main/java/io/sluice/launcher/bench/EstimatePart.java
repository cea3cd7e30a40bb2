package io.sluice.launcher.bench;

import io.sluice.core.placement.Layout;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.ServingEstimate;
import io.sluice.core.placement.ServingEstimate.Scheduling;
import io.sluice.launcher.bench.HelixCases.Case;
import io.sluice.launcher.bench.ServingRuns.Setup;
import io.sluice.simulator.SimulationPolicies;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** Whether the serving estimate orders layouts as the simulator does, and whether flow alone would: rank correlations. */
final class EstimatePart {
    private EstimatePart() {}

    static void run(Case of, PlacementPart placements, HelixCases cases, Bench.Setting setting, BenchReport report) {
        int count = setting.quick() ? 25 : 60;
        setting.progress(of.name() + ": estimate against simulation over " + count + " layouts");
        List<Layout> layouts = placements.variety(of, count);
        ServingRuns runs = new ServingRuns(cases, cases.conversations(), 1);
        List<Double> flows = new ArrayList<>();
        LayoutFlow flow = new LayoutFlow(of.problem());
        layouts.forEach(layout -> flows.add(flow.value(layout)));
        for (String policy : List.of("sluice", "helix")) {
            Scheduling how = policy.equals("sluice") ? Scheduling.SLUICE : Scheduling.HELIX;
            ServingEstimate estimate = new ServingEstimate(of.problem(), how);
            List<Double> estimated = new ArrayList<>();
            List<Double> simulated = new ArrayList<>();
            for (Layout layout : layouts) {
                estimated.add(estimate.estimate(layout).decodeTokensPerSecond());
                Setup setup = new Setup("layout", runs.placed(of, layout), SimulationPolicies.byName(policy), "");
                simulated.add(runs.offline(of, setup).decodeTokensPerSecond());
            }
            double byEstimate = spearman(estimated, simulated);
            double byFlow = spearman(flows, simulated);
            setting.out()
                    .printf(
                            Locale.ROOT,
                            "%n%s, policy %s, %d layouts: rank correlation with the simulator %.3f for the estimate, %.3f for flow%n",
                            of.name(),
                            policy,
                            layouts.size(),
                            byEstimate,
                            byFlow);
            report.add(of.name() + ".estimate_rank." + policy, "rho", byEstimate, null, null);
            report.add(of.name() + ".flow_rank." + policy, "rho", byFlow, null, null);
        }
        report.note("rank correlations of " + of.name() + " are over " + layouts.size() + " layouts");
    }

    /** Spearman's rank correlation; equal values share the mean of their ranks. */
    static double spearman(List<Double> a, List<Double> b) {
        double[] ranksA = ranks(a);
        double[] ranksB = ranks(b);
        double mean = (a.size() + 1) / 2.0;
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < ranksA.length; i++) {
            ab += (ranksA[i] - mean) * (ranksB[i] - mean);
            aa += (ranksA[i] - mean) * (ranksA[i] - mean);
            bb += (ranksB[i] - mean) * (ranksB[i] - mean);
        }
        return aa == 0 || bb == 0 ? 0 : ab / Math.sqrt(aa * bb);
    }

    private static double[] ranks(List<Double> values) {
        List<Integer> order = IntStream.range(0, values.size())
                .boxed()
                .sorted(Comparator.comparing(values::get))
                .toList();
        double[] ranks = new double[values.size()];
        int from = 0;
        while (from < order.size()) {
            int to = from;
            while (to < order.size() && values.get(order.get(to)).equals(values.get(order.get(from)))) {
                to++;
            }
            for (int i = from; i < to; i++) {
                ranks[order.get(i)] = (from + 1 + to) / 2.0;
            }
            from = to;
        }
        return ranks;
    }
}

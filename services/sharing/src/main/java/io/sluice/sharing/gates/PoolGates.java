package io.sluice.sharing.gates;

import io.sluice.sharing.PoolMix;
import io.sluice.sharing.policy.PoolPolicy.Choice;
import java.util.ArrayList;
import java.util.List;

/**
 * V6: ECLIP's mixes (ISLPED 2025) on synthetic kernels. The contention of the MI50 was chosen so that the systems come in
 * their order; means, the best mix and the switches were not used for it.
 */
final class PoolGates {
    private static final int[] PLANNED_SWITCHES = {42, 23, 28, 10, 12, 20, 30};

    private PoolGates() {}

    static List<GateCheck> run(double seconds) {
        List<GateCheck> checks = new ArrayList<>();
        double planned = 0;
        double energy = 0;
        double perKernel = 0;
        double byCall = 0;
        int best = 0;
        double most = 0;
        int mixes = PoolMix.MIXES.size();
        for (int i = 0; i < mixes; i++) {
            List<String> models = PoolMix.MIXES.get(i);
            PoolMix none = PoolMix.run(models, Choice.NONE, seconds, 1);
            PoolMix plan = PoolMix.run(models, Choice.PLANNED, seconds, 1);
            planned += plan.relativeRate() / mixes;
            energy += plan.energyEfficiencyOver(none) / mixes;
            perKernel += PoolMix.run(models, Choice.PER_KERNEL, seconds, 1).relativeRate() / mixes;
            byCall += PoolMix.run(models, Choice.PER_KERNEL_BY_CALL, seconds, 1).relativeRate() / mixes;
            if (plan.relativeRate() > most) {
                most = plan.relativeRate();
                best = i + 1;
            }
            String what = "switches per request of mix " + (i + 1);
            checks.add(GateCheck.factor("V6", what, true, plan.switchesPerRequest(), PLANNED_SWITCHES[i], 1.5)
                    .because(Shortfalls.SWITCHES));
        }
        double below = Double.NEGATIVE_INFINITY;
        checks.add(
                new GateCheck("V6", "throughput %, a pool per kernel", false, gain(perKernel), Double.NaN, below, 0));
        checks.add(new GateCheck(
                "V6",
                "throughput %, a mask call per kernel, below that",
                true,
                gain(byCall),
                Double.NaN,
                below,
                gain(perKernel)));
        checks.add(GateCheck.within("V6", "throughput %, planned pools, mean", true, gain(planned), 13, 4));
        checks.add(GateCheck.within("V6", "throughput %, planned pools, best mix", true, gain(most), 21, 8));
        checks.add(GateCheck.within("V6", "number of the best mix", true, best, 7, 0)
                .because(Shortfalls.BEST_MIX));
        checks.add(GateCheck.within("V6", "requests per joule %, planned pools, mean", true, gain(energy), 25, 8));
        return checks;
    }

    private static double gain(double ratio) {
        return 100 * (ratio - 1);
    }
}

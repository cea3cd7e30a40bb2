package io.sluice.launcher.bench;

import io.sluice.sharing.PoolMix;
import io.sluice.sharing.policy.PoolPolicy;
import io.sluice.sharing.policy.PoolPolicy.Choice;
import java.util.List;
import java.util.Locale;

/** ECLIP's mixes (ISLPED 2025) on masked pools of a simulated MI50, planned by the core's programme, against no partition. */
final class SharingPoolsPart {
    private final SharingRuns runs;
    private final BenchReport report;

    SharingPoolsPart(SharingRuns runs, BenchReport report) {
        this.runs = runs;
        this.report = report;
    }

    void run() {
        double seconds = runs.quick() ? 0.5 : 2;
        double throughput = 0;
        double energy = 0;
        double mostSwitches = 0;
        int mixes = PoolMix.MIXES.size();
        Long[] seeds = runs.seeds();
        for (int i = 0; i < mixes; i++) {
            List<String> models = PoolMix.MIXES.get(i);
            runs.setting().progress("pools: mix " + (i + 1) + " of " + mixes + ", " + String.join(", ", models));
            double rate = 0;
            double efficiency = 0;
            double switches = 0;
            for (long seed : seeds) {
                PoolMix plan = PoolMix.run(models, Choice.PLANNED, seconds, seed);
                rate += plan.relativeRate() / seeds.length;
                efficiency += plan.energyEfficiencyOver(PoolMix.run(models, Choice.NONE, seconds, seed)) / seeds.length;
                switches += plan.switchesPerRequest() / models.size() / seeds.length;
            }
            String name = String.format(Locale.ROOT, "sharing.pools.mix%d.", i + 1);
            report.add(name + "throughput", "of none", rate, 1.0, null);
            report.add(name + "energy", "of none", efficiency, 1.0, null);
            report.add(name + "switches", "per req.", switches, (double) PoolPolicy.SWITCH_BUDGET, null);
            throughput += rate / mixes;
            energy += efficiency / mixes;
            mostSwitches = Math.max(mostSwitches, switches);
        }
        report.add("sharing.pools.throughput.mean", "of none", throughput, 1.0, ">= 1.13");
        report.add("sharing.pools.energy.mean", "of none", energy, 1.0, ">= 1.25");
        report.add("sharing.pools.switches.max", "per req.", mostSwitches, (double) PoolPolicy.SWITCH_BUDGET, "<= 1");
        report.note(
                "pools: baseline is no partition (throughput; energy: requests per joule) or the budget of switches per"
                        + " request and model; " + seconds
                        + " s a mix; kernels are synthetic; ECLIP, measured on an MI50: +13 %"
                        + " throughput, +25 % energy efficiency. A request may change once more, back to where the next begins."
                        + " Tails are not looked at");
    }
}

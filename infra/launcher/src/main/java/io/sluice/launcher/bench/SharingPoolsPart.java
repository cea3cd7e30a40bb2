package io.sluice.launcher.bench;

import io.sluice.sharing.PoolMix;
import io.sluice.sharing.policy.PoolPolicy;
import io.sluice.sharing.policy.PoolPolicy.Choice;
import java.util.List;
import java.util.Locale;

/** ECLIP's mixes (ISLPED 2025) on masked pools of a simulated MI50, planned by the core's programme and chosen by what is
 * measured, against no partition. */
final class SharingPoolsPart {
    private final SharingRuns runs;
    private final BenchReport report;

    SharingPoolsPart(SharingRuns runs, BenchReport report) {
        this.runs = runs;
        this.report = report;
    }

    void run() {
        double seconds = runs.quick() ? 1 : 2;
        Gain ours = new Gain();
        Gain once = new Gain();
        int mixes = PoolMix.MIXES.size();
        for (int i = 0; i < mixes; i++) {
            List<String> models = PoolMix.MIXES.get(i);
            runs.setting().progress("pools: mix " + (i + 1) + " of " + mixes + ", " + String.join(", ", models));
            Gain mix = new Gain();
            for (long seed : runs.seeds()) {
                PoolMix none = PoolMix.run(models, Choice.NONE, seconds, seed);
                Gain adaptive = Gain.of(PoolMix.run(models, Choice.ADAPTIVE, seconds, seed), none);
                mix.add(adaptive, runs.seeds().length);
                ours.add(adaptive, runs.seeds().length * mixes);
                once.add(
                        Gain.of(PoolMix.run(models, Choice.PLANNED, seconds, seed), none), runs.seeds().length * mixes);
            }
            String name = String.format(Locale.ROOT, "sharing.pools.mix%d.", i + 1);
            report.add(name + "throughput", "of none", mix.rate, 1.0, null);
            report.add(name + "energy", "of none", mix.efficiency, 1.0, null);
            report.add(name + "p95", "of none", mix.tail, 1.0, null);
            report.add(name + "switches", "per req.", mix.mostSwitches, (double) PoolPolicy.SWITCH_BUDGET, null);
        }
        report.add("sharing.pools.throughput.mean", "of none", ours.rate, 1.0, ">= 1.13");
        report.add("sharing.pools.energy.mean", "of none", ours.efficiency, 1.0, ">= 1.25");
        report.add("sharing.pools.p95.mean", "of none", ours.tail, 1.0, "<= 1");
        double budget = PoolPolicy.SWITCH_BUDGET;
        report.add("sharing.pools.switches.max", "per req.", ours.mostSwitches, budget, "<= 1");
        report.add("sharing.pools.planned_once.throughput.mean", "of none", once.rate, 1.0, null);
        report.add("sharing.pools.planned_once.energy.mean", "of none", once.efficiency, 1.0, null);
        report.note(
                "pools: baseline is no partition (throughput; energy: requests per joule; p95 of a request's time) or the"
                        + " budget of switches per request and model; " + seconds
                        + " s a mix, with the 0.2 s in which the plans are tried; kernels are synthetic; planned_once: the programme's"
                        + " first plan all the time; ECLIP, measured on an MI50: +13 %"
                        + " throughput, +25 % energy efficiency");
    }

    /** Against no partition, means; of the switches of a request of one model the most. */
    private static final class Gain {
        private double rate;
        private double efficiency;
        private double tail;
        private double mostSwitches;

        static Gain of(PoolMix mix, PoolMix none) {
            Gain gain = new Gain();
            gain.rate = mix.relativeRate();
            gain.efficiency = mix.energyEfficiencyOver(none);
            gain.tail = mix.p95Over(none);
            gain.mostSwitches = mix.switchesPerRequest() / mix.models().size();
            return gain;
        }

        void add(Gain other, int of) {
            rate += other.rate / of;
            efficiency += other.efficiency / of;
            tail += other.tail / of;
            mostSwitches = Math.max(mostSwitches, other.mostSwitches);
        }
    }
}

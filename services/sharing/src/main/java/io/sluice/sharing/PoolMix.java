package io.sluice.sharing;

import io.sluice.sharing.gpu.Devices;
import io.sluice.sharing.policy.BestEffortClient;
import io.sluice.sharing.policy.PoolPolicy;
import io.sluice.sharing.policy.PoolPolicy.Choice;
import io.sluice.sharing.policy.SharedGpu;
import io.sluice.sharing.workload.Calibration;
import io.sluice.sharing.workload.PartitionModels;
import java.util.ArrayList;
import java.util.List;

/**
 * One of ECLIP's mixes (ISLPED 2025) on an MI50: models that each serve one request after the other, on pools.
 *
 * @param choice how pools were chosen
 * @param requests whole requests served by all models
 * @param relativeRate mean over models of requests per second, each against itself without partition; 1 for no partition
 * @param joules energy of the run
 * @param p95Nanos of the time of a request of each model; 0: too few ended
 * @param switchesPerRequest changes of pool of all models while each serves one request
 */
public record PoolMix(
        List<String> models,
        Choice choice,
        long requests,
        double relativeRate,
        double joules,
        List<Long> p95Nanos,
        double switchesPerRequest) {

    /** The mixes of its table I, in order. */
    public static final List<List<String>> MIXES = List.of(
            List.of("albert", "albert", "densenet201"),
            List.of("albert", "densenet201"),
            List.of("albert", "densenet201", "vgg19"),
            List.of("alexnet", "resnet152", "vgg19"),
            List.of("resnext101", "shufflenet"),
            List.of("densenet201", "densenet201"),
            List.of("alexnet", "alexnet", "alexnet"));

    public PoolMix {
        models = List.copyOf(models);
        p95Nanos = List.copyOf(p95Nanos);
    }

    /** p95 of a request's time against that of {@code other}, mean of the models. */
    public double p95Over(PoolMix other) {
        double sum = 0;
        for (int i = 0; i < p95Nanos.size(); i++) {
            sum += (double) p95Nanos.get(i) / other.p95Nanos.get(i) / p95Nanos.size();
        }
        return sum;
    }

    /** Requests' worth of kernel time per joule, relative to the same of {@code other}. */
    public double energyEfficiencyOver(PoolMix other) {
        return (relativeRate / joules) / (other.relativeRate / other.joules);
    }

    /** Runs a mix for so many simulated seconds. */
    public static PoolMix run(List<String> models, Choice choice, double seconds, long seed) {
        Progress none = progress(models, Choice.NONE, seconds, seed);
        Progress own = choice == Choice.NONE ? none : progress(models, choice, seconds, seed);
        double rate = 0;
        for (int i = 0; i < own.rounds().length; i++) {
            rate += own.rounds()[i] / none.rounds()[i] / own.rounds().length;
        }
        double mean = own.total() / models.size();
        return new PoolMix(models, choice, (long) own.total(), rate, own.joules(), own.p95(), own.switches() / mean);
    }

    @SuppressWarnings("ArrayRecordComponent")
    private record Progress(double[] rounds, double total, double joules, List<Long> p95, long switches) {}

    private static Progress progress(List<String> models, Choice choice, double seconds, long seed) {
        PoolPolicy policy = new PoolPolicy(choice);
        SharedGpu shared = new SharedGpu(Devices.MI50, Calibration.DEFAULT, policy);
        for (String model : models) {
            shared.add(PartitionModels.request(model, Devices.MI50, seed));
        }
        shared.run(Math.round(seconds * 1e9));
        double[] rounds = new double[models.size()];
        double total = 0;
        List<Long> p95 = new ArrayList<>();
        for (int i = 0; i < rounds.length; i++) {
            BestEffortClient client = shared.clients().get(i);
            rounds[i] = client.rounds()
                    + (double) client.index() / client.program().kernels().size();
            total += rounds[i];
            p95.add(Quantiles.of(Quantiles.sorted(List.of(client.roundNanos())), 0.95));
        }
        return new Progress(rounds, total, shared.gpu().joules(), p95, policy.switches());
    }
}

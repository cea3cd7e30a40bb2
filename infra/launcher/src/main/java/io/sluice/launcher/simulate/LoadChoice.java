package io.sluice.launcher.simulate;

import io.sluice.clusters.Arrivals;
import io.sluice.core.cluster.RequestShape;
import io.sluice.core.cluster.Workload;
import io.sluice.simulator.Load;
import io.sluice.simulator.SimulationPolicy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * When requests come.
 *
 * @param online whether they come by themselves; else there is always a next one
 * @param tokensPerSecond prompt and generated tokens offered; 0: as the trace's own times say
 * @param arrivals file with counts per slot of {@link Arrivals#SLOT_SECONDS}; null: at random (Poisson)
 */
record LoadChoice(boolean online, double tokensPerSecond, Path arrivals) {
    LoadChoice {
        if (!(tokensPerSecond >= 0) || Double.isInfinite(tokensPerSecond)) {
            throw new IllegalArgumentException("--rate " + tokensPerSecond + " must be a positive number of tokens/s");
        }
    }

    /** What every group is asked to do; online, groups get parts in proportion to their flow. */
    List<Load> of(
            SimulationPolicy policy, List<PlacedGroups.Placed> groups, TraceInput trace, double seconds, long seed) {
        if (!online) {
            return groups.stream().map(group -> policy.offlineLoad()).toList();
        }
        double all = groups.stream().mapToDouble(g -> g.topology().maxFlow()).sum();
        List<Load> loads = new ArrayList<>();
        for (int g = 0; g < groups.size(); g++) {
            double part = all > 0 ? groups.get(g).topology().maxFlow() / all : 1.0 / groups.size();
            loads.add(load(trace, seconds, seed + 7919L * g, part, g, groups.size()));
        }
        return loads;
    }

    private Load load(TraceInput trace, double seconds, long seed, double part, int group, int groups) {
        if (tokensPerSecond == 0) {
            if (!trace.timed()) {
                throw new IllegalArgumentException(
                        "--mode online needs --rate: the trace has lengths only, no column arrival_ms");
            }
            return replay(trace, seconds, group, groups);
        }
        double tokensPerRequest = tokensPerRequest(trace);
        if (arrivals != null) {
            return new Load.Rate(
                    tokensPerSecond * part, tokensPerRequest, Arrivals.SLOT_SECONDS, Arrivals.perSlot(arrivals));
        }
        return poisson(trace, seconds, seed, tokensPerSecond * part / tokensPerRequest);
    }

    private static double tokensPerRequest(TraceInput trace) {
        Workload mean = trace.workload();
        return mean.meanPromptTokens() + mean.meanOutputTokens();
    }

    /** The trace as it is; requests of several groups take turns. */
    private static Load replay(TraceInput trace, double seconds, int group, int groups) {
        double[] times = trace.arrivalSeconds();
        List<RequestShape> shapes = new ArrayList<>();
        double[] kept = new double[times.length];
        for (int i = 0; i < times.length && times[i] < seconds; i++) {
            if (i % groups == group) {
                kept[shapes.size()] = times[i];
                shapes.add(trace.shapes().get(i));
            }
        }
        return new Load.Given(Arrays.copyOf(kept, shapes.size()), shapes);
    }

    private static Load poisson(TraceInput trace, double seconds, long seed, double requestsPerSecond) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Double> times = new ArrayList<>();
        List<RequestShape> shapes = new ArrayList<>();
        double now = 0;
        while (true) {
            now -= Math.log(1 - random.nextDouble()) / requestsPerSecond;
            if (now >= seconds) {
                break;
            }
            times.add(now);
            shapes.add(trace.shapes().get(random.nextInt(trace.shapes().size())));
        }
        return new Load.Given(times.stream().mapToDouble(Double::doubleValue).toArray(), shapes);
    }
}

package io.sluice.launcher.bench;

import io.sluice.clusters.Arrivals;
import io.sluice.core.placement.Layout;
import io.sluice.launcher.bench.HelixCases.Case;
import io.sluice.launcher.bench.HelixCases.Recorded;
import io.sluice.launcher.simulate.PlacedGroups.Placed;
import io.sluice.simulator.Load;
import io.sluice.simulator.Scenario;
import io.sluice.simulator.Simulation;
import io.sluice.simulator.SimulationPolicy;
import io.sluice.simulator.SimulationResult;
import io.sluice.simulator.Topology;
import io.sluice.simulator.helix.PublishedLoads;
import java.util.ArrayList;
import java.util.List;

/** Simulated runs of the benchmark: a layout under a policy and a load, once per seed. */
final class ServingRuns {
    private final HelixCases cases;
    private final Recorded trace;
    private final int seeds;

    ServingRuns(HelixCases cases, Recorded trace, int seeds) {
        this.cases = cases;
        this.trace = trace;
        this.seeds = seeds;
    }

    /**
     * What is served, and how.
     *
     * @param published name of the published method whose offline load it gets; empty: the policy's own load
     */
    record Setup(String name, List<Placed> groups, SimulationPolicy policy, String published) {
        double flow() {
            return groups.stream().mapToDouble(g -> g.topology().maxFlow()).sum();
        }
    }

    /** A layout of ours as one group. */
    List<Placed> placed(Case of, Layout layout) {
        return List.of(new Placed("all", Topology.of(of.problem(), layout, cases.solver())));
    }

    /** There is always a next request; 600 s after 60 s. */
    Served offline(Case of, Setup setup) {
        return run(
                setup,
                false,
                group -> setup.published().isEmpty()
                        ? setup.policy().offlineLoad()
                        : PublishedLoads.offline(of.cluster(), of.model(), setup.published(), group.name()));
    }

    /** Requests come by themselves, 1800 s; groups get parts in proportion to their flow. */
    Served online(Setup setup, double tokensPerSecond) {
        double all = setup.flow();
        return run(
                setup,
                true,
                group -> new Load.Rate(
                        tokensPerSecond * group.topology().maxFlow() / all,
                        trace.tokensPerRequest(),
                        Arrivals.SLOT_SECONDS,
                        trace.arrivalsPerSlot()));
    }

    private interface Loads {
        Load of(Placed group);
    }

    private Served run(Setup setup, boolean online, Loads loads) {
        List<Scenario.Group> groups = new ArrayList<>();
        for (Placed group : setup.groups()) {
            groups.add(new Scenario.Group(group.name(), group.topology(), loads.of(group)));
        }
        List<SimulationResult> results = new ArrayList<>();
        for (int seed = 0; seed < seeds; seed++) {
            results.add(Simulation.run(new Scenario(
                    setup.name(),
                    groups,
                    setup.policy(),
                    trace.shapes(),
                    Scenario.Draw.RANDOM,
                    seed,
                    online ? 0 : Scenario.OFFLINE_WARM_UP_SECONDS,
                    online ? Scenario.ONLINE_WINDOW_SECONDS : Scenario.OFFLINE_WINDOW_SECONDS,
                    false)));
        }
        return new Served(results);
    }
}

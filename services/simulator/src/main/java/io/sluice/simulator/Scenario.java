package io.sluice.simulator;

import io.sluice.core.cluster.RequestShape;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * One run: what is simulated, under which policy and for how long. Immutable.
 *
 * @param groups sub-clusters that never share a pipeline; each runs as a simulation of its own, from the same seed
 * @param policy how nodes, links and routes are scheduled; {@link SimulationPolicies#byName}
 * @param shapes request lengths
 * @param draw how lengths are drawn from {@code shapes}
 * @param seed of all randomness; the same seed gives the same arrivals and lengths under every policy
 * @param warmUpSeconds before the window of measurement
 * @param windowSeconds window of measurement
 * @param drain whether the run goes on after the window, without new requests, until the last request has ended
 */
public record Scenario(
        String name,
        List<Group> groups,
        SimulationPolicy policy,
        List<RequestShape> shapes,
        Draw draw,
        long seed,
        double warmUpSeconds,
        double windowSeconds,
        boolean drain) {
    /** Helix's measurement of offline serving: seconds before the window. */
    public static final double OFFLINE_WARM_UP_SECONDS = 60;
    /** Helix's measurement of offline serving: seconds in the window. */
    public static final double OFFLINE_WINDOW_SECONDS = 600;
    /** Helix's measurement of online serving: seconds in the window, from the first moment. */
    public static final double ONLINE_WINDOW_SECONDS = 1800;

    public Scenario {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(policy, "policy");
        Objects.requireNonNull(draw, "draw");
        groups = List.copyOf(groups);
        shapes = List.copyOf(shapes);
        if (groups.isEmpty()) {
            throw new IllegalArgumentException("scenario " + name + ": at least one group of nodes is needed");
        }
        Set<String> names = new HashSet<>();
        for (Group group : groups) {
            if (!names.add(group.name())) {
                throw new IllegalArgumentException(
                        "scenario " + name + ": group '" + group.name() + "' is given twice");
            }
            if (shapes.isEmpty() && !(group.load() instanceof Load.Given)) {
                throw new IllegalArgumentException("scenario " + name + ": no request lengths to draw from");
            }
        }
        if (!(warmUpSeconds >= 0) || !(windowSeconds > 0) || Double.isInfinite(warmUpSeconds + windowSeconds)) {
            throw new IllegalArgumentException("scenario " + name + ": warm-up of " + warmUpSeconds
                    + " s must not be negative and window of " + windowSeconds + " s must be positive");
        }
    }

    /** How request lengths are drawn. */
    public enum Draw {
        /** Uniformly, with replacement. */
        RANDOM,
        /** One after the other, from the start again after the last: replays a recorded run. */
        IN_ORDER
    }

    /** A sub-cluster and what it is asked to do. */
    public record Group(String name, Topology topology, Load load) {
        public Group {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(topology, "topology");
            Objects.requireNonNull(load, "load");
        }
    }

    /** An endless backlog on one cluster, measured as Helix does: 600 s after 60 s. */
    public static Scenario offline(
            String name, Topology topology, SimulationPolicy policy, List<RequestShape> shapes, long seed) {
        return new Scenario(
                name,
                List.of(new Group("all", topology, policy.offlineLoad())),
                policy,
                shapes,
                Draw.RANDOM,
                seed,
                OFFLINE_WARM_UP_SECONDS,
                OFFLINE_WINDOW_SECONDS,
                false);
    }

    /**
     * Requests that arrive by themselves, measured as Helix does: 1800 s from the first moment.
     *
     * @param offeredTokensPerSecond prompt and generated tokens asked for per second
     * @param arrivalsPerSlot requests in successive 3-second slots of a recorded trace
     */
    public static Scenario online(
            String name,
            Topology topology,
            SimulationPolicy policy,
            List<RequestShape> shapes,
            double offeredTokensPerSecond,
            int[] arrivalsPerSlot,
            long seed) {
        return new Scenario(
                name,
                List.of(new Group("all", topology, Load.Rate.of(offeredTokensPerSecond, arrivalsPerSlot))),
                policy,
                shapes,
                Draw.RANDOM,
                seed,
                0,
                ONLINE_WINDOW_SECONDS,
                false);
    }

    /** This scenario with these request lengths, one after the other. */
    public Scenario replaying(List<RequestShape> recorded) {
        return new Scenario(name, groups, policy, recorded, Draw.IN_ORDER, seed, warmUpSeconds, windowSeconds, drain);
    }

    /** This scenario with these groups. */
    public Scenario withGroups(List<Group> other) {
        return new Scenario(name, other, policy, shapes, draw, seed, warmUpSeconds, windowSeconds, drain);
    }

    /** This scenario run on, without new requests, until the last request has ended. */
    public Scenario drained() {
        return new Scenario(name, groups, policy, shapes, draw, seed, warmUpSeconds, windowSeconds, true);
    }

    /** End of the window, virtual seconds. */
    public double endSeconds() {
        return warmUpSeconds + windowSeconds;
    }
}

package io.sluice.simulator.helix;

import io.sluice.simulator.ClusterState;
import io.sluice.simulator.LinkPolicy;
import io.sluice.simulator.Load;
import io.sluice.simulator.NodePolicy;
import io.sluice.simulator.Routing;
import io.sluice.simulator.SimulationPolicy;
import io.sluice.simulator.Topology;
import java.util.random.RandomGenerator;

/**
 * The schedulers Helix is compared with, on the same nodes and links: they choose a prompt's next link when it leaves a
 * node, know nothing of KV cache and never reject. Stateless.
 */
public final class BaselinePolicy implements SimulationPolicy {
    /** Requests in flight in the published offline runs of the 70B model under SWARM's scheduler. */
    private static final int REQUESTS = 180;

    private final String name;
    private final String description;
    private final Kind kind;

    private enum Kind {
        SWARM,
        RANDOM,
        SHORTEST_QUEUE
    }

    private BaselinePolicy(String name, String description, Kind kind) {
        this.name = name;
        this.description = description;
        this.kind = kind;
    }

    /** SWARM's stochastic wiring by measured delay. */
    public static SimulationPolicy swarm() {
        return new BaselinePolicy(
                "swarm", "links in proportion to their measured speed (SWARM parallelism, ICML'23)", Kind.SWARM);
    }

    /** A random idle link. */
    public static SimulationPolicy random() {
        return new BaselinePolicy("random", "a random idle link (baseline of Helix, ASPLOS'25)", Kind.RANDOM);
    }

    /** The idle link to the shortest queue. */
    public static SimulationPolicy shortestQueue() {
        return new BaselinePolicy(
                "shortest-queue",
                "the idle link to the node with the shortest queue (baseline of Helix, ASPLOS'25)",
                Kind.SHORTEST_QUEUE);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public Load offlineLoad() {
        return new Load.Constant(REQUESTS);
    }

    @Override
    public Routing routing(Topology topology, ClusterState state, boolean online, RandomGenerator random) {
        return switch (kind) {
            case SWARM -> new SwarmRouting(topology);
            case RANDOM -> new IdleLinkRouting(topology, state, random, false);
            case SHORTEST_QUEUE -> new IdleLinkRouting(topology, state, random, true);
        };
    }

    @Override
    public NodePolicy node(Topology topology, int node) {
        return new WheelNode(topology, node);
    }

    @Override
    public LinkPolicy link(Topology topology, int link) {
        return new FifoLink();
    }

    /** The links out of a node share its network connection evenly. */
    @Override
    public double bytesPerSecond(Topology topology, int link) {
        int from = topology.from(link);
        int links = topology.endOut(from) - topology.firstOut(from);
        return Math.min(topology.bytesPerSecond(link), topology.nicOutBytesPerSecond(from) / links);
    }
}

package io.sluice.simulator.helix;

import io.sluice.simulator.ClusterState;
import io.sluice.simulator.LinkPolicy;
import io.sluice.simulator.Load;
import io.sluice.simulator.NodePolicy;
import io.sluice.simulator.Routing;
import io.sluice.simulator.SimulationPolicy;
import io.sluice.simulator.Topology;
import java.util.random.RandomGenerator;

/** Helix as published: flow-weighted routes, whole prompts, one layer per batch, one request per message. Stateless. */
public final class HelixPolicy implements SimulationPolicy {
    @Override
    public String name() {
        return "helix";
    }

    @Override
    public String description() {
        return "max-flow weighted round-robin over nodes with KV cache left, whole prompts (Helix, ASPLOS'25)";
    }

    @Override
    public Load offlineLoad() {
        return Load.Fill.HELIX;
    }

    @Override
    public Routing routing(Topology topology, ClusterState state, boolean online, RandomGenerator random) {
        return new HelixRouting(topology, online);
    }

    @Override
    public NodePolicy node(Topology topology, int node) {
        return new WheelNode(topology, node);
    }

    @Override
    public LinkPolicy link(Topology topology, int link) {
        return new FifoLink();
    }

    /** A link has a fixed share of the network connections at its ends, in proportion to the bytes its flow needs. */
    @Override
    public double bytesPerSecond(Topology topology, int link) {
        double needed = topology.flow(link) * topology.bytesPerToken(link);
        if (needed == 0) {
            return topology.bytesPerSecond(link);
        }
        double out = 0;
        double in = 0;
        for (int other = 0; other < topology.links(); other++) {
            double bytes = topology.flow(other) * topology.bytesPerToken(other);
            out += topology.from(other) == topology.from(link) ? bytes : 0;
            in += topology.to(other) == topology.to(link) ? bytes : 0;
        }
        double shared = Math.min(
                topology.nicOutBytesPerSecond(topology.from(link)) * needed / out,
                topology.nicInBytesPerSecond(topology.to(link)) * needed / in);
        return Math.floor(Math.min(topology.bytesPerSecond(link), shared));
    }
}

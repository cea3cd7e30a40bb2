package io.sluice.simulator;

import java.util.random.RandomGenerator;

/**
 * How a cluster is scheduled: routes, batches on nodes, order on links. A factory; what it returns belongs to one run and
 * one thread.
 */
public interface SimulationPolicy {
    /** Name, as users give it: {@code helix}, {@code swarm}, ... */
    String name();

    /** One sentence for {@code --help}, with its source. */
    String description();

    /** The backlog that suits the policy in an offline run. */
    Load offlineLoad();

    /**
     * Admission and routes.
     *
     * @param online whether requests arrive by themselves ({@link Load.Rate}, {@link Load.Given})
     */
    Routing routing(Topology topology, ClusterState state, boolean online, RandomGenerator random);

    /** Batches of one node. */
    NodePolicy node(Topology topology, int node);

    /** Order on one link, by its number. */
    LinkPolicy link(Topology topology, int link);

    /** Bandwidth a message gets on the link, bytes/s. */
    default double bytesPerSecond(Topology topology, int link) {
        return topology.bytesPerSecond(link);
    }

    /** Bytes every message takes beside its tokens: headers of a record. */
    default long messageBytes() {
        return 0;
    }

    /** Time a message of so many bytes takes beside the link's, seconds: a broker's hop. The link is free meanwhile. */
    default double messageSeconds(long bytes) {
        return 0;
    }
}

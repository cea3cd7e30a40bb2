package io.sluice.simulator.helix;

import io.sluice.core.cluster.Links;
import io.sluice.simulator.ClusterState;
import io.sluice.simulator.Request;
import io.sluice.simulator.Routing;
import io.sluice.simulator.Topology;
import io.sluice.simulator.Work;
import java.util.random.RandomGenerator;

/** A random link among those that are idle now; with {@code shortest} only links to the nodes with the shortest queue. */
final class IdleLinkRouting implements Routing {
    private final Topology topology;
    private final ClusterState state;
    private final RandomGenerator random;
    private final boolean shortest;
    private final int[] candidates;

    IdleLinkRouting(Topology topology, ClusterState state, RandomGenerator random, boolean shortest) {
        this.topology = topology;
        this.state = state;
        this.random = random;
        this.shortest = shortest;
        this.candidates = new int[topology.links()];
    }

    @Override
    public Decision admit(Request request, double nowSeconds) {
        return Decision.START;
    }

    @Override
    public int link(Work prompt, int vertex, double nowSeconds) {
        int least = Integer.MAX_VALUE;
        for (int link = topology.firstOut(vertex); link < topology.endOut(vertex); link++) {
            least = Math.min(least, queue(link));
        }
        int count = 0;
        for (int link = topology.firstOut(vertex); link < topology.endOut(vertex); link++) {
            if (state.idle(link) && queue(link) == least) {
                candidates[count++] = link;
            }
        }
        return count == 0 ? -1 : candidates[random.nextInt(count)];
    }

    private int queue(int link) {
        int node = topology.to(link);
        return !shortest || node == Links.COORDINATOR ? 0 : state.waitingAtNode(node);
    }

    /** Not tracked. */
    @Override
    public double kvExpectation() {
        return 0;
    }
}

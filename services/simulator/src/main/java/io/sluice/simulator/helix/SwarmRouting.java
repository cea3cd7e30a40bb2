package io.sluice.simulator.helix;

import io.sluice.core.cluster.Links;
import io.sluice.simulator.Request;
import io.sluice.simulator.Routing;
import io.sluice.simulator.Topology;
import io.sluice.simulator.Work;
import java.util.Arrays;

/**
 * SWARM's interleaved weighted round-robin (ICML'23, appendix C): at every vertex the link of least priority value, which
 * then grows by the link's smoothed delay: from the start of sending until the work leaves the next node.
 */
final class SwarmRouting implements Routing {
    private static final double INITIAL_PRIORITY = 0.05;
    private static final double SMOOTHING = 0.8;

    private final Topology topology;
    private final double[] priority;
    private final double[] delaySeconds;

    SwarmRouting(Topology topology) {
        this.topology = topology;
        this.priority = new double[topology.links()];
        this.delaySeconds = new double[topology.links()];
        Arrays.fill(priority, INITIAL_PRIORITY);
        Arrays.fill(delaySeconds, INITIAL_PRIORITY);
    }

    @Override
    public Decision admit(Request request, double nowSeconds) {
        return Decision.START;
    }

    @Override
    public int link(Work prompt, int vertex, double nowSeconds) {
        int best = topology.firstOut(vertex);
        for (int link = best + 1; link < topology.endOut(vertex); link++) {
            if (priority[link] < priority[best]) {
                best = link;
            }
        }
        priority[best] += delaySeconds[best];
        return best;
    }

    @Override
    public void passed(Work work, int link, double seconds) {
        if (topology.to(link) != Links.COORDINATOR) {
            delaySeconds[link] = SMOOTHING * seconds + (1 - SMOOTHING) * delaySeconds[link];
        }
    }

    /** Not tracked. */
    @Override
    public double kvExpectation() {
        return 0;
    }
}

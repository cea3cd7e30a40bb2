package io.sluice.simulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Two nodes with all layers: the coordinator chooses between them. */
class BaselineRoutingTest {
    private final Topology topology = SmallCluster.of(1, 1000, false, new int[] {0, 1}, new int[] {0, 1});
    private final int[] queue = new int[2];
    private final boolean[] busy = new boolean[4];

    private final ClusterState state = new ClusterState() {
        @Override
        public long kvUsedTokenLayers(int node) {
            return 0;
        }

        @Override
        public int waitingAtNode(int node) {
            return queue[node];
        }

        @Override
        public int waitingForLink(int link) {
            return 0;
        }

        @Override
        public boolean idle(int link) {
            return !busy[link];
        }

        @Override
        public int inFlight() {
            return 0;
        }
    };

    private Routing routing(String policy) {
        return SimulationPolicies.byName(policy).routing(topology, state, false, new SplittableRandom(1));
    }

    private static Work prompt() {
        return new Work(new Request(0, 10, 1), true, 0, 10);
    }

    private int choose(Routing routing) {
        return topology.to(routing.link(prompt(), -1, 0));
    }

    @Test
    void shouldSendMoreToTheFasterNodeUnderSwarm() {
        Routing swarm = routing("swarm");
        int[] chosen = new int[2];
        for (int i = 0; i < 900; i++) {
            Work work = prompt();
            int link = swarm.link(work, -1, 0);
            chosen[topology.to(link)]++;
            swarm.passed(work, link, topology.to(link) == 0 ? 1 : 2);
        }

        assertThat(chosen[0]).isBetween(590, 610);
    }

    @Test
    void shouldTakeIdleLinksOnlyAtRandom() {
        Routing random = routing("random");
        busy[0] = true;

        for (int i = 0; i < 20; i++) {
            assertThat(choose(random)).isEqualTo(1);
        }
        busy[1] = true;
        assertThat(random.link(prompt(), -1, 0)).isEqualTo(-1);
    }

    @Test
    void shouldUseEveryIdleLinkAtRandom() {
        Routing random = routing("random");

        assertThat(List.of(
                        choose(random), choose(random), choose(random), choose(random), choose(random), choose(random)))
                .contains(0, 1);
    }

    @Test
    void shouldWaitForTheLinkToTheShortestQueue() {
        Routing shortest = routing("shortest-queue");
        queue[0] = 3;
        queue[1] = 2;

        assertThat(choose(shortest)).isEqualTo(1);
        busy[1] = true;
        assertThat(shortest.link(prompt(), -1, 0)).isEqualTo(-1);
    }
}

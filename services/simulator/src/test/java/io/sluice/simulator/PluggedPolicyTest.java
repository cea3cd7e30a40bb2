package io.sluice.simulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.cluster.RequestShape;
import io.sluice.simulator.helix.FifoLink;
import io.sluice.simulator.helix.WheelNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** What the engine promises to a policy that is not Helix's: chunks, joined messages, waiting, record costs. */
class PluggedPolicyTest {
    private final Topology topology = SmallCluster.of(2, 100_000, false, new int[] {0, 1}, new int[] {1, 2});

    /** Routes link by link, sends prompts in chunks of 4 and starts at most two requests at a time. */
    private static class Chunked implements SimulationPolicy {
        final List<Integer> positionsAtSecondNode = new ArrayList<>();
        int mostInFlight = 2;
        double secondsPerByte;
        boolean joined;

        @Override
        public String name() {
            return "chunked";
        }

        @Override
        public String description() {
            return "for tests";
        }

        @Override
        public Load offlineLoad() {
            return new Load.Backlog();
        }

        @Override
        public Routing routing(Topology topology, ClusterState state, boolean online, RandomGenerator random) {
            return new Routing() {
                @Override
                public Decision admit(Request request, double nowSeconds) {
                    return state.inFlight() < mostInFlight ? Decision.START : Decision.WAIT;
                }

                @Override
                public int link(Work prompt, int vertex, double nowSeconds) {
                    return topology.firstOut(vertex);
                }

                @Override
                public int chunkTokens(Request request, int position) {
                    return Math.min(4, request.promptTokens() - position);
                }

                @Override
                public double kvExpectation() {
                    return 0;
                }
            };
        }

        @Override
        public NodePolicy node(Topology topology, int node) {
            return new WheelNodeThatNotes(topology, node);
        }

        private final class WheelNodeThatNotes implements NodePolicy {
            private final WheelNode wheel;
            private final boolean second;

            WheelNodeThatNotes(Topology topology, int node) {
                this.wheel = new WheelNode(topology, node);
                this.second = topology.layout().first(node) > 0;
            }

            @Override
            public void offer(Work work, double nowSeconds) {
                if (second && work.prompt()) {
                    positionsAtSecondNode.add(work.position());
                }
                wheel.offer(work, nowSeconds);
            }

            @Override
            public double next(Batch batch, double nowSeconds) {
                return wheel.next(batch, nowSeconds);
            }

            @Override
            public void finish(Batch batch, double nowSeconds, Consumer<Work> leaving) {
                wheel.finish(batch, nowSeconds, leaving);
            }

            @Override
            public int waiting() {
                return wheel.waiting();
            }
        }

        @Override
        public LinkPolicy link(Topology topology, int link) {
            return joined ? new Joining() : new FifoLink();
        }

        @Override
        public double messageSeconds(long bytes) {
            return bytes * secondsPerByte;
        }
    }

    /** Sends all that waits as one message. */
    private static final class Joining implements LinkPolicy {
        private final List<Work> queue = new ArrayList<>();

        @Override
        public void offer(Work work, double nowSeconds) {
            queue.add(work);
        }

        @Override
        public void next(List<Work> message, double nowSeconds) {
            message.addAll(queue);
            queue.clear();
        }

        @Override
        public long nextNumber() {
            return queue.isEmpty() ? Long.MAX_VALUE : queue.getFirst().outboxNumber();
        }

        @Override
        public int waiting() {
            return queue.size();
        }
    }

    private Scenario given(SimulationPolicy policy, RequestShape... shapes) {
        Load load = new Load.Given(new double[shapes.length], List.of(shapes));
        return new Scenario(
                "plugged",
                List.of(new Scenario.Group("all", topology, load)),
                policy,
                List.of(),
                Scenario.Draw.RANDOM,
                1,
                0,
                500,
                true);
    }

    @Test
    void shouldFinishAPromptWithItsLastChunk() {
        Chunked policy = new Chunked();

        SimulationResult result = Simulation.run(given(policy, new RequestShape(10, 3)));

        assertThat(policy.positionsAtSecondNode).containsExactly(0, 4, 8);
        assertThat(result.promptsFinished()).isEqualTo(1);
        assertThat(result.decodeTokens()).isEqualTo(3);
        assertThat(result.requestsFinished()).isEqualTo(1);
        assertThat(result.nodes())
                .allSatisfy(node -> assertThat(node.tokensPerSecond()).isCloseTo(13 / 500.0, within(1e-12)));
    }

    @Test
    void shouldKeepTheOrderOfALinkWhenLargeMessagesTakeLonger() {
        Chunked policy = new Chunked();
        policy.secondsPerByte = 1;

        Simulation.run(given(policy, new RequestShape(9, 1)));

        // The last chunk has one token and would arrive 300 s before the others.
        assertThat(policy.positionsAtSecondNode).containsExactly(0, 4, 8);
    }

    @Test
    void shouldDeliverJoinedMessagesTogether() {
        Chunked policy = new Chunked();
        policy.joined = true;

        SimulationResult result = Simulation.run(given(policy, new RequestShape(10, 3)));

        // The first chunk starts alone, the other two follow as one message and run as one batch.
        assertThat(policy.positionsAtSecondNode).containsExactly(0, 4, 8);
        assertThat(result.requestsFinished()).isEqualTo(1);
        assertThat(result.decodeTokens()).isEqualTo(3);
    }

    @Test
    void shouldStartWaitingRequestsInOrderWhenOthersEnd() {
        Chunked policy = new Chunked();
        RequestShape shape = new RequestShape(5, 2);

        SimulationResult result = Simulation.run(given(policy, shape, shape, shape, shape, shape));

        assertThat(result.requestsFinished()).isEqualTo(5);
        // Waiting counts: the last one waited for two generations of others.
        assertThat(result.prompt().p99()).isGreaterThan(3 * result.prompt().p5());
    }

    @Test
    void shouldKeepABacklogAtWhatThePolicyAdmits() {
        Chunked policy = new Chunked();
        policy.mostInFlight = 5;

        SimulationResult result =
                Simulation.run(Scenario.offline("b", topology, policy, List.of(new RequestShape(5, 4)), 1));

        assertThat(result.meanInFlight()).isCloseTo(5, within(1e-9));
        assertThat(result.requestsRejected()).isZero();
    }

    @Test
    void shouldStopWhenAPolicyNeverSaysWait() {
        Chunked policy = new Chunked();
        policy.mostInFlight = Integer.MAX_VALUE;

        assertThatThrownBy(() ->
                        Simulation.run(Scenario.offline("b", topology, policy, List.of(new RequestShape(1, 1)), 1)))
                .hasMessageContaining("never said wait");
    }
}

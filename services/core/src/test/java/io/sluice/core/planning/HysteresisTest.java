package io.sluice.core.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.planning.WorkerGraph.Vertex;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class HysteresisTest {
    private final Hysteresis hysteresis = new Hysteresis(0.1);
    private final FlowSolver solver = new FlowSolver(new CheapestPaths());

    private static WorkerGraph graph(double a, double b, double c) {
        return Graphs.graph(4, Graphs.vertex("a", 0, 2, a), Graphs.vertex("b", 0, 2, b), Graphs.vertex("c", 2, 4, c));
    }

    private Allocation solved(WorkerGraph graph) {
        return solver.solve(graph, 1);
    }

    private String reason(WorkerGraph before, WorkerGraph after) {
        return hysteresis.reasonToPublish(solved(before), solved(after)).orElse("none");
    }

    @Test
    void shouldHoldThroughNoiseOfFivePercent() {
        SplittableRandom random = new SplittableRandom(3);
        Allocation published = solved(graph(100 * 1.05, 100 * 0.95, 150));
        for (int i = 0; i < 1_000; i++) {
            WorkerGraph noisy = graph(
                    100 * (0.95 + random.nextDouble(0.1)),
                    100 * (0.95 + random.nextDouble(0.1)),
                    150 * (0.95 + random.nextDouble(0.1)));
            // Published at one end of the noise, seen at the other: just within a tenth.
            assertThat(hysteresis.reasonToPublish(published, solved(noisy))).isEmpty();
        }
    }

    @Test
    void shouldSayWhatMoved() {
        WorkerGraph base = graph(100, 100, 150);
        assertThat(reason(base, graph(50, 100, 150))).contains("a fell from 100.0 to 50.0 tokens/s");
        assertThat(reason(base, graph(100, 100, 190))).contains("c rose", "max flow rose");
        assertThat(reason(base, graph(109, 91, 150))).isEqualTo("none");
    }

    @Test
    void shouldSayWhoJoinedAndLeft() {
        WorkerGraph three = graph(100, 100, 150);
        WorkerGraph two = Graphs.graph(4, Graphs.vertex("a", 0, 2, 100), Graphs.vertex("c", 2, 4, 150));
        assertThat(reason(three, two)).contains("b left");
        assertThat(reason(two, three)).contains("b joined");
    }

    @Test
    void shouldPublishAnInfeasibleStateOnce() {
        WorkerGraph headless = Graphs.graph(4, Graphs.vertex("c", 2, 4, 150));
        assertThat(reason(graph(1, 1, 1), headless)).contains("a left", "max flow fell");
        WorkerGraph faster = Graphs.graph(4, Graphs.vertex("c", 2, 4, 300));
        assertThat(reason(headless, faster)).isEqualTo("none");
    }

    @Test
    void shouldNotSkipASolveThatMatters() {
        SplittableRandom random = new SplittableRandom(5);
        int skipped = 0;
        for (long seed = 0; seed < 300; seed++) {
            WorkerGraph before = Graphs.random(seed);
            List<Vertex> noisy = before.vertices().stream()
                    .map(v -> new Vertex(
                            v.worker(),
                            v.layers(),
                            v.region(),
                            v.capacity() * (0.88 + random.nextDouble(0.24)),
                            v.kvCapacityTokens(),
                            v.linkBytesPerSecond()))
                    .toList();
            WorkerGraph after = Graphs.graph(before.layerCount(), noisy);
            Allocation published = solved(before);
            if (!hysteresis.worthSolving(published, after)) {
                skipped++;
                assertThat(hysteresis.reasonToPublish(published, solved(after))).isEmpty();
            }
        }
        assertThat(skipped).isPositive();
    }

    @Test
    void shouldRejectAThresholdThatIsNone() {
        assertThatThrownBy(() -> new Hysteresis(Double.NaN)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> new Hysteresis(1)).hasMessageContaining("[0, 1)");
    }
}

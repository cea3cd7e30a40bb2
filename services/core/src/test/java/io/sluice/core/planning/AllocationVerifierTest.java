package io.sluice.core.planning;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class AllocationVerifierTest {
    private static final Allocation GOOD = new FlowSolver(new CheapestPaths())
            .solve(
                    Graphs.graph(
                            4,
                            Graphs.vertex("a", 0, 2, 300),
                            Graphs.vertex("b", 0, 2, 100),
                            Graphs.vertex("c", 2, 4, 200)),
                    1);

    private static Allocation with(
            List<WorkerFlow> workers, List<EdgeFlow> edges, double maxFlow, double bound, List<String> bottleneck) {
        return new Allocation(GOOD.model(), 1, 1, 4, workers, edges, maxFlow, bound, bottleneck);
    }

    private static Allocation worker(int index, UnaryOperator<WorkerFlow> change) {
        List<WorkerFlow> workers = new ArrayList<>(GOOD.workers());
        workers.set(index, change.apply(workers.get(index)));
        return with(workers, GOOD.edges(), GOOD.maxFlow(), GOOD.bound(), GOOD.bottleneck());
    }

    private static Allocation workers(Consumer<List<WorkerFlow>> change) {
        List<WorkerFlow> workers = new ArrayList<>(GOOD.workers());
        change.accept(workers);
        return with(workers, GOOD.edges(), GOOD.maxFlow(), GOOD.bound(), GOOD.bottleneck());
    }

    private static Allocation edges(Consumer<List<EdgeFlow>> change) {
        List<EdgeFlow> edges = new ArrayList<>(GOOD.edges());
        change.accept(edges);
        return with(GOOD.workers(), edges, GOOD.maxFlow(), GOOD.bound(), GOOD.bottleneck());
    }

    private static Allocation flowOf(String from, String to, double flow, double capacity) {
        return edges(edges -> edges.replaceAll(
                e -> e.from().equals(from) && e.to().equals(to) ? new EdgeFlow(from, to, capacity, flow) : e));
    }

    private static WorkerFlow changed(WorkerFlow w, double capacity, double flow, long kv, LayerRange layers) {
        return new WorkerFlow(w.worker(), layers, w.region(), capacity, flow, kv);
    }

    @Test
    void shouldPassASolution() {
        assertThat(GOOD.maxFlow()).isEqualTo(200);
        assertThat(AllocationVerifier.verify(GOOD)).isEmpty();
    }

    static Stream<Arguments> corrupted() {
        LayerRange first = new LayerRange(0, 2);
        double link = 1e9;
        return Stream.of(
                Arguments.of("flow beyond capacity", worker(1, w -> changed(w, 10, w.flow(), 1, first)), "carries"),
                Arguments.of("NaN capacity", worker(0, w -> changed(w, Double.NaN, 1, 1, first)), "finite"),
                Arguments.of("negative flow", worker(0, w -> changed(w, 300, -1, 1, first)), "not negative"),
                Arguments.of("negative KV", worker(0, w -> changed(w, 300, w.flow(), -1, first)), "KV capacity"),
                Arguments.of("flow lost in a worker", worker(0, w -> changed(w, 300, 140, 1, first)), "enter"),
                Arguments.of(
                        "layers beyond the model",
                        worker(2, w -> changed(w, 200, 200, 1, new LayerRange(2, 5))),
                        "of a model of 4"),
                Arguments.of(
                        "layers that do not meet",
                        worker(2, w -> changed(w, 200, 200, 1, new LayerRange(3, 4))),
                        "cannot enter"),
                Arguments.of(
                        "first stage beginning late",
                        worker(0, w -> changed(w, 300, w.flow(), 1, new LayerRange(1, 2))),
                        "layer 0"),
                Arguments.of("worker twice", workers(ws -> ws.add(1, ws.getFirst())), "listed twice"),
                Arguments.of("workers out of order", workers(ws -> ws.add(ws.removeFirst())), "out of order"),
                Arguments.of("worker missing", workers(List::removeLast), "not a listed worker"),
                Arguments.of("edge missing", edges(List::removeLast), "tokens/s"),
                Arguments.of("edge twice", edges(es -> es.add(0, es.getFirst())), "listed twice"),
                Arguments.of("edges out of order", edges(es -> es.add(es.removeFirst())), "out of order"),
                Arguments.of("edge beyond capacity", flowOf("a", "c", 150, 100), "carries"),
                Arguments.of("infinite edge", flowOf("a", "c", 150, Double.POSITIVE_INFINITY), "finite"),
                Arguments.of("flow made of nothing", flowOf("a", "c", 160, link), "enter"),
                Arguments.of(
                        "edge past the layers",
                        edges(es -> es.add(1, new EdgeFlow("a", "sink", 1e6, 0))),
                        "cannot enter the sink"),
                Arguments.of(
                        "max flow beyond the bound",
                        with(GOOD.workers(), GOOD.edges(), 200, 190, GOOD.bottleneck()),
                        "bound"),
                Arguments.of(
                        "max flow that nobody carries",
                        with(GOOD.workers(), GOOD.edges(), 210, 210, GOOD.bottleneck()),
                        "leave the source"),
                Arguments.of(
                        "NaN max flow", with(GOOD.workers(), GOOD.edges(), Double.NaN, 200, List.of("c")), "finite"),
                Arguments.of("no bottleneck", with(GOOD.workers(), GOOD.edges(), 200, 200, List.of()), "bottleneck"),
                Arguments.of(
                        "bottleneck with a way round",
                        with(GOOD.workers(), GOOD.edges(), 200, 200, List.of("a")),
                        "does not separate"),
                Arguments.of(
                        "bottleneck that is nothing",
                        with(GOOD.workers(), GOOD.edges(), 200, 200, List.of("c", "ghost")),
                        "no worker and no edge"),
                Arguments.of(
                        "nothing carried though there is a way",
                        with(
                                GOOD.workers().stream()
                                        .map(w -> changed(w, w.capacity(), 0, 1, w.layers()))
                                        .toList(),
                                GOOD.edges().stream()
                                        .map(e -> new EdgeFlow(e.from(), e.to(), e.capacity(), 0))
                                        .toList(),
                                0,
                                0,
                                List.of("none")),
                        "does not separate"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("corrupted")
    void shouldReject(String what, Allocation allocation, String words) {
        assertThat(AllocationVerifier.verify(allocation))
                .as(what)
                .isNotEmpty()
                .anyMatch(violation -> violation.contains(words));
    }

    @Test
    void shouldRejectAWorkerThatIsCalledLikeAnEnd() {
        Allocation named =
                worker(0, w -> new WorkerFlow(new WorkerId("sink"), w.layers(), w.region(), w.capacity(), w.flow(), 1));
        assertThat(AllocationVerifier.verify(named)).anyMatch(v -> v.contains("names an end"));
    }
}

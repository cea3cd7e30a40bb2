package io.sluice.core.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.Pipeline;
import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.Allocation.EdgeFlow;
import io.sluice.core.planning.Allocation.WorkerFlow;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class PipelineChooserTest {
    private static final Predicate<WorkerFlow> ALL = worker -> true;

    private static final Allocation DIAMOND = Allocations.of(
            1,
            4,
            List.of("a:0-2", "b:0-2", "c:2-4", "d:2-4"),
            "a>c=30",
            "a>d=0",
            "b>c=0",
            "b>d=10",
            "c>sink=30",
            "d>sink=10",
            "source>a=30",
            "source>b=10");

    @Test
    void shouldSplitInProportionToTheFlow() {
        PipelineChooser chooser = new PipelineChooser(DIAMOND, RoutingPolicy.MAX_FLOW);
        Map<String, Integer> used = new HashMap<>();
        for (int i = 0; i < 400; i++) {
            used.merge(chooser.choose(100, ALL).orElseThrow().stages().toString(), 1, Integer::sum);
        }
        assertThat(used).hasSize(2);
        assertThat(used.get("[a[0, 2), c[2, 4)]")).isCloseTo(300, within(1));
        assertThat(used.get("[b[0, 2), d[2, 4)]")).isCloseTo(100, within(1));
    }

    @Test
    void shouldIgnoreFlowsUnderRoundRobin() {
        PipelineChooser chooser = new PipelineChooser(DIAMOND, RoutingPolicy.ROUND_ROBIN);
        Map<String, Integer> used = new HashMap<>();
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 400; i++) {
            used.merge(
                    chooser.choose(1 + random.nextInt(1000), ALL)
                            .orElseThrow()
                            .stages()
                            .toString(),
                    1,
                    Integer::sum);
        }
        assertThat(used).hasSize(4).allSatisfy((pipeline, times) -> assertThat(times)
                .isEqualTo(100));
    }

    @Test
    void shouldEnterAWorkerBehindItsFirstLayer() {
        Allocation partial = Allocations.of(1, 6, List.of("a:0-3", "b:2-6"), "a>b=5", "b>sink=5", "source>a=5");
        assertThat(new PipelineChooser(partial, RoutingPolicy.MAX_FLOW)
                        .choose(1, ALL)
                        .orElseThrow()
                        .stages())
                .hasToString("[a[0, 3), b[3, 6)]");
    }

    @Test
    void shouldGoBackWhenAWalkDeadEnds() {
        PipelineChooser chooser = new PipelineChooser(DIAMOND, RoutingPolicy.MAX_FLOW);
        for (int i = 0; i < 10; i++) {
            // Only c is masked: a has the better link but leads nowhere.
            assertThat(chooser.choose(100, worker -> !worker.worker().value().equals("c"))
                            .orElseThrow()
                            .first()
                            .worker()
                            .value())
                    .isEqualTo("b");
        }
        // The dead end charged nothing and left no debt: both branches go on by their weights.
        Map<String, Integer> used = new HashMap<>();
        for (int i = 0; i < 40; i++) {
            used.merge(chooser.choose(100, ALL).orElseThrow().first().worker().value(), 1, Integer::sum);
        }
        assertThat(used.get("a")).isCloseTo(30, within(2));
    }

    @Test
    void shouldFindNothingWhenAStageIsMaskedOrHasNoFlow() {
        PipelineChooser chooser = new PipelineChooser(DIAMOND, RoutingPolicy.MAX_FLOW);
        assertThat(chooser.choose(1, worker -> worker.layers().first() == 0)).isEmpty();
        assertThat(chooser.canChoose(ALL)).isTrue();
        Allocation idle = Allocations.of(1, 2, List.of("a:0-2"), "a>sink=0", "source>a=0");
        assertThat(new PipelineChooser(idle, RoutingPolicy.MAX_FLOW).canChoose(ALL))
                .isFalse();
        assertThat(new PipelineChooser(idle, RoutingPolicy.ROUND_ROBIN).canChoose(ALL))
                .isTrue();
        Allocation empty = Allocations.of(1, 2, List.of());
        assertThat(new PipelineChooser(empty, RoutingPolicy.MAX_FLOW).choose(1, ALL))
                .isEmpty();
    }

    @Test
    void shouldGoOnWhereItStoodAfterANewEpoch() {
        PipelineChooser chooser = new PipelineChooser(DIAMOND, RoutingPolicy.MAX_FLOW);
        Map<String, Integer> used = new HashMap<>();
        for (int i = 0; i < 400; i++) {
            used.merge(chooser.choose(100, ALL).orElseThrow().first().worker().value(), 1, Integer::sum);
            chooser = chooser.successor(DIAMOND);
        }
        assertThat(used.get("a")).isCloseTo(300, within(2));
    }

    @Test
    void shouldRejectEdgesThatSkipLayers() {
        Allocation gap = Allocations.of(1, 6, List.of("a:0-2", "b:3-6"), "a>b=5", "b>sink=5", "source>a=5");
        assertThatThrownBy(() -> new PipelineChooser(gap, RoutingPolicy.MAX_FLOW))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("edge a>b");
    }

    @Test
    void shouldOnlyChooseCoveringPipelinesOfAllowedWorkersAlongFlow() {
        for (long seed = 0; seed < 300; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            Allocation allocation = random(random);
            PipelineChooser chooser = new PipelineChooser(allocation, RoutingPolicy.MAX_FLOW);
            for (int i = 0; i < 20; i++) {
                int mask = random.nextInt();
                Predicate<WorkerFlow> allowed =
                        worker -> (mask >> (worker.worker().hashCode() & 31) & 1) == 0;
                var chosen = chooser.choose(1 + random.nextInt(500), allowed);
                assertThat(chosen.isPresent())
                        .as("seed %d: a pipeline is found exactly when one exists", seed)
                        .isEqualTo(exists(allocation, Allocation.SOURCE, allowed));
                if (chosen.isPresent()) {
                    assertSound(seed, allocation, chosen.get(), allowed);
                }
            }
        }
    }

    private static void assertSound(
            long seed, Allocation allocation, Pipeline pipeline, Predicate<WorkerFlow> allowed) {
        assertThat(pipeline.layerCount()).as("seed %d", seed).isEqualTo(allocation.layerCount());
        String at = Allocation.SOURCE;
        for (var stage : pipeline.stages()) {
            String from = at;
            String to = stage.worker().value();
            assertThat(allocation.edges())
                    .as("seed %d", seed)
                    .anyMatch(e -> e.from().equals(from) && e.to().equals(to) && e.flow() > 0);
            assertThat(allocation.workers())
                    .as("seed %d", seed)
                    .anyMatch(w -> w.worker().equals(stage.worker()) && allowed.test(w));
            at = to;
        }
    }

    private static boolean exists(Allocation allocation, String from, Predicate<WorkerFlow> allowed) {
        for (EdgeFlow edge : allocation.edges()) {
            if (!edge.from().equals(from) || edge.flow() <= 0) {
                continue;
            }
            if (edge.to().equals(Allocation.SINK)) {
                return true;
            }
            boolean enters = allocation.workers().stream()
                    .anyMatch(w -> w.worker().value().equals(edge.to()) && allowed.test(w));
            if (enters && exists(allocation, edge.to(), allowed)) {
                return true;
            }
        }
        return false;
    }

    /** Up to 8 workers over 6 layers, every edge that may exist with a flow that is zero half of the time. */
    private static Allocation random(SplittableRandom random) {
        int layers = 6;
        List<String> workers = new ArrayList<>();
        Map<String, int[]> ranges = new LinkedHashMap<>();
        for (int i = 0; i < 8; i++) {
            int first = random.nextInt(layers);
            int end = first + 1 + random.nextInt(layers - first);
            workers.add("w" + i + ":" + first + "-" + end);
            ranges.put("w" + i, new int[] {first, end});
        }
        Set<String> edges = new TreeSet<>();
        ranges.forEach((from, range) -> {
            String flow = "=" + Math.max(0, random.nextInt(-50, 50));
            if (range[0] == 0) {
                edges.add("source>" + from + flow);
            }
            if (range[1] == layers) {
                edges.add(from + ">sink" + flow);
            }
            ranges.forEach((to, next) -> {
                if (next[0] <= range[1] && range[1] < next[1]) {
                    edges.add(from + ">" + to + "=" + Math.max(0, random.nextInt(-50, 50)));
                }
            });
        });
        return Allocations.of(1, layers, workers, edges.toArray(String[]::new));
    }
}

package io.sluice.core.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.planning.Allocation;
import io.sluice.core.planning.AllocationVerifier;
import io.sluice.core.planning.CheapestPaths;
import org.junit.jupiter.api.Test;

class LayoutFlowTest {
    private static final int SEEDS = 600;

    private static PlacementProblem problem(long seed) {
        PlacementConstraints asked = PlacementConstraints.NONE.withPartialInference(seed % 2 == 0);
        return RandomProblems.problem(seed, 2 + (int) (seed % 9), 2 + (int) (seed % 11), asked);
    }

    @Test
    void shouldEqualTheMinimumCutAndTheAllocationOnRandomLayouts() {
        int serving = 0;
        for (long seed = 0; seed < SEEDS; seed++) {
            PlacementProblem problem = problem(seed);
            Layout layout = RandomProblems.layout(problem, seed + 1_000);
            LayoutFlow flow = new LayoutFlow(problem);
            double value = flow.value(layout);
            LayoutFlow.Detail detail = flow.detail(layout);
            double cut = 0;
            for (int node : detail.cutNodes()) {
                cut += problem.capacity(node, layout.layers(node));
            }
            for (LayoutFlow.LinkFlow link : detail.cutLinks()) {
                cut += link.capacity();
            }
            Allocation allocation = LayoutGraph.allocation(problem, layout, 1, new CheapestPaths());
            double near = 1e-6 * Math.max(1, value);
            assertThat(value).as("seed %s, minimum cut", seed).isCloseTo(cut, within(near));
            assertThat(value).as("seed %s, full graph", seed).isCloseTo(detail.value(), within(near));
            assertThat(value).as("seed %s, allocation", seed).isCloseTo(allocation.maxFlow(), within(near));
            assertThat(AllocationVerifier.verify(allocation))
                    .as("seed %s", seed)
                    .isEmpty();
            assertThat(value).as("seed %s, bound", seed).isLessThanOrEqualTo(FlowBounds.flow(problem) + near);
            serving += value > 0 ? 1 : 0;
        }
        assertThat(serving).as("layouts with flow").isGreaterThan(SEEDS / 4);
    }

    @Test
    void shouldNotDependOnWhatWasAskedBefore() {
        for (long seed = 0; seed < 50; seed++) {
            PlacementProblem problem = problem(seed);
            LayoutFlow used = new LayoutFlow(problem);
            for (int i = 0; i < 20; i++) {
                Layout layout = RandomProblems.layout(problem, 100 * seed + i);
                assertThat(used.value(layout)).isEqualTo(new LayoutFlow(problem).value(layout));
            }
        }
    }

    @Test
    void shouldConserveFlowInEveryNode() {
        for (long seed = 0; seed < 100; seed++) {
            PlacementProblem problem = problem(seed);
            Layout layout = RandomProblems.layout(problem, seed + 1_000);
            LayoutFlow.Detail detail = new LayoutFlow(problem).detail(layout);
            double[] in = new double[problem.nodes()];
            double[] out = new double[problem.nodes()];
            for (LayoutFlow.LinkFlow link : detail.links()) {
                assertThat(link.flow()).isLessThanOrEqualTo(link.capacity() * (1 + 1e-9));
                if (link.from() >= 0) {
                    out[link.from()] += link.flow();
                }
                if (link.to() >= 0) {
                    in[link.to()] += link.flow();
                }
            }
            for (int i = 0; i < in.length; i++) {
                assertThat(in[i]).isCloseTo(detail.nodeFlow()[i], within(1e-6 * Math.max(1, detail.value())));
                assertThat(out[i]).isCloseTo(detail.nodeFlow()[i], within(1e-6 * Math.max(1, detail.value())));
            }
        }
    }

    @Test
    void shouldCountDisjointPipelines() {
        for (long seed = 0; seed < 200; seed++) {
            PlacementProblem problem = problem(seed);
            Layout layout = RandomProblems.layout(problem, seed + 1_000);
            LayoutFlow flow = new LayoutFlow(problem);
            int[] first = new int[problem.nodes()];
            int[] end = new int[problem.nodes()];
            for (int i = 0; i < first.length; i++) {
                first[i] = layout.first(i);
                end[i] = layout.end(i);
            }
            boolean survives = flow.value(layout) > 0;
            for (int i = 0; i < first.length; i++) {
                survives &= flow.value(layout.with(i, 0, 0)) > 0;
            }
            assertThat(flow.disjointPipelines(first, end, 2) >= 2)
                    .as("seed %s", seed)
                    .isEqualTo(survives);
        }
    }
}

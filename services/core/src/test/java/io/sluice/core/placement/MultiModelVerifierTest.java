package io.sluice.core.placement;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.placement.LayoutFlow.LinkFlow;
import io.sluice.core.placement.MultiModelProblem.Demand;
import io.sluice.core.placement.MultiModelSolution.Served;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Psalm, 8 layers, over the big nodes 0 and 1 (300 tokens/s each with 4 of at most 6 layers); tune, 2 layers, over the
 * small nodes 2 and 3 (600 tokens/s each with 1 of at most 3 layers).
 */
class MultiModelVerifierTest {
    private static final int COORDINATOR = Links.COORDINATOR;

    private final PlacementProblem psalm = SmallCluster.problem(PlacementConstraints.NONE);
    private final PlacementProblem tune = tune(PlacementConstraints.NONE);
    private final MultiModelProblem problem = problem(tune);
    private final Served ofPsalm = served(SmallCluster.layout(0, 4, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0), 300, 0, 1);
    private final Served ofTune = served(SmallCluster.layout(0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0), 600, 2, 3);

    private PlacementProblem tune(PlacementConstraints asked) {
        Map<String, LayerProfile> profiles =
                new TreeMap<>(Map.of("big", SmallCluster.profile(6, 1200), "small", SmallCluster.profile(3, 600)));
        return new PlacementProblem(
                psalm.cluster(),
                new ModelProfile(new ModelSpec("tune", 2, 64, 2, 2, 1 << 20, 256), profiles),
                psalm.workload(),
                asked);
    }

    private MultiModelProblem problem(PlacementProblem second) {
        return new MultiModelProblem(List.of(new Demand(psalm, 1), new Demand(second, 2)));
    }

    /** All of the flow over nodes {@code a} and {@code b}. */
    private static Served served(Layout layout, double flow, int a, int b) {
        return new Served(
                layout,
                flow,
                List.of(
                        new LinkFlow(COORDINATOR, a, flow, 0),
                        new LinkFlow(a, b, flow, 0),
                        new LinkFlow(b, COORDINATOR, flow, 0)));
    }

    private List<String> verify(double lambda, Served first, Served second) {
        return MultiModelVerifier.verify(problem, new MultiModelSolution(lambda, List.of(first, second)));
    }

    private static Served withLink(Served served, int at, LinkFlow link) {
        List<LinkFlow> links = new ArrayList<>(served.links());
        links.set(at, link);
        return new Served(served.layout(), served.flow(), links);
    }

    @Test
    void shouldAcceptTwoModelsOnNodesOfTheirOwn() {
        assertThat(verify(300, ofPsalm, ofTune)).isEmpty();
    }

    @Test
    void shouldAcceptASharedNodeWhoseTimeAndMemorySuffice() {
        // Tune's first layer goes beside four of psalm's on node 0: 4/6 + 1/6 of the memory, 150/300 + 400/1200 of the
        // time.
        Served shared = served(SmallCluster.layout(0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0), 400, 0, 3);
        assertThat(verify(150, served(ofPsalm.layout(), 150, 0, 1), shared)).isEmpty();
    }

    @Test
    void shouldRejectANodeWithoutTimeForBoth() {
        Served shared = served(SmallCluster.layout(0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0), 500, 0, 3);
        assertThat(verify(250, served(ofPsalm.layout(), 300, 0, 1), shared))
                .singleElement()
                .asString()
                .startsWith("node big-0 would be busy 141.");
    }

    @Test
    void shouldRejectLayersThatDoNotFitTheMemoryTogether() {
        Layout full = SmallCluster.layout(0, 6, 6, 8, 0, 0, 0, 0, 0, 0, 0, 0);
        Layout beside = SmallCluster.layout(0, 1, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0);
        assertThat(MultiModelVerifier.verify(problem, List.of(full, beside)))
                .containsExactly("node big-0: the layers of 2 models fill 117 % of its memory");
    }

    @Test
    void shouldRejectMissingLayersAndForbiddenRegions() {
        Layout half = SmallCluster.layout(0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        assertThat(MultiModelVerifier.verify(problem, List.of(half, ofTune.layout())))
                .anyMatch(wrong -> wrong.startsWith("model psalm: no node holds layers [4, 8)"));
        MultiModelProblem local =
                problem(tune(new PlacementConstraints(false, Set.of("a"), Set.of(), Map.of(), 0, 1, 0)));
        assertThat(MultiModelVerifier.verify(local, List.of(ofPsalm.layout(), ofTune.layout())))
                .isNotEmpty()
                .allMatch(wrong -> wrong.startsWith("model tune: "));
        assertThat(MultiModelVerifier.verify(problem, List.of(half))).containsExactly("1 layouts for 2 models");
    }

    @Test
    void shouldRejectFlowThatDoesNotComeOutWhereItWentIn() {
        Served leaking = withLink(ofPsalm, 1, new LinkFlow(0, 1, 299, 0));
        assertThat(verify(300, leaking, ofTune)).hasSize(2).allMatch(wrong -> wrong.contains("passes on"));
        Served lost = withLink(ofPsalm, 2, new LinkFlow(1, COORDINATOR, 200, 0));
        assertThat(verify(300, lost, ofTune)).anyMatch(wrong -> wrong.contains("what the sink gets is 200.0"));
        Served more = new Served(ofPsalm.layout(), 310, ofPsalm.links());
        assertThat(verify(300, more, ofTune)).anyMatch(wrong -> wrong.contains("what the source sends is 300.0"));
    }

    @Test
    void shouldRejectFlowWhereLayersDoNotMeetAndAbsurdFlow() {
        for (LinkFlow link : List.of(
                new LinkFlow(1, 0, 300, 0),
                new LinkFlow(0, 2, 300, 0),
                new LinkFlow(0, 9, 300, 0),
                new LinkFlow(0, COORDINATOR, 300, 0),
                new LinkFlow(0, 1, -300, 0),
                new LinkFlow(0, 1, Double.NaN, 0),
                new LinkFlow(0, 1, Double.POSITIVE_INFINITY, 0))) {
            assertThat(verify(300, withLink(ofPsalm, 1, link), ofTune))
                    .as("%s", link)
                    .anyMatch(wrong -> wrong.startsWith("model psalm: "));
        }
    }

    @Test
    void shouldRejectMoreThanANodeOrLinkCarries() {
        assertThat(verify(300, served(ofPsalm.layout(), 330, 0, 1), ofTune))
                .anyMatch(wrong -> wrong.startsWith("node big-0 would be busy 110"));
        // 130 bytes a token between the big nodes.
        PlacementProblem narrow = SmallCluster.problem(PlacementConstraints.NONE, SmallCluster.links(30_000));
        MultiModelProblem one = new MultiModelProblem(List.of(new Demand(narrow, 1)));
        assertThat(MultiModelVerifier.verify(one, new MultiModelSolution(300, List.of(ofPsalm))))
                .containsExactly("the link from big-0 to big-1 would carry 39000.0 bytes/s of 30000.0");
    }

    @Test
    void shouldRejectAnotherLambdaThanTheFlowsSay() {
        assertThat(verify(310, ofPsalm, ofTune))
                .containsExactly("every model carries 300.0 tokens/s by its weight, but 310.0 is claimed");
        assertThat(verify(Double.NaN, ofPsalm, ofTune)).hasSize(1);
    }

    @Test
    void shouldRejectDemandsThatMakeNoSense() {
        assertThatThrownBy(() -> new Demand(psalm, 0)).hasMessageContaining("the demand of model psalm is 0.0");
        assertThatThrownBy(() -> new Demand(psalm, Double.NaN)).hasMessageContaining("positive number");
        assertThatThrownBy(() -> new MultiModelProblem(List.of())).hasMessageContaining("no model");
        assertThatThrownBy(() -> new MultiModelProblem(List.of(new Demand(psalm, 1), new Demand(psalm, 1))))
                .hasMessageContaining("psalm is given twice");
        assertThatThrownBy(() -> new MultiModelProblem(
                        List.of(new Demand(psalm, 1), new Demand(SmallCluster.problem(PlacementConstraints.NONE), 1))))
                .hasMessageContaining("plan clusters one by one");
    }
}

package io.sluice.core.planning.transition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.WorkerId;
import io.sluice.core.cluster.Cluster;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.LayerProfile;
import io.sluice.core.cluster.LayerProfile.Held;
import io.sluice.core.cluster.Links;
import io.sluice.core.cluster.MachineType;
import io.sluice.core.cluster.ModelProfile;
import io.sluice.core.cluster.ModelSpec;
import io.sluice.core.cluster.Node;
import io.sluice.core.cluster.Workload;
import io.sluice.core.placement.Layout;
import io.sluice.core.placement.PlacementConstraints;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.planning.transition.TransitionPlan.Phase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TransitionPlannerTest {
    private static final int LAYERS = 6;

    /** One machine type per node; {@code speeds} are tokens/s through one layer. */
    private static PlacementProblem problem(int layers, double... speeds) {
        List<MachineType> types = new ArrayList<>();
        List<Node> nodes = new ArrayList<>();
        Map<String, LayerProfile> profiles = new TreeMap<>();
        Links.Builder links = Links.builder(speeds.length);
        for (int i = 0; i < speeds.length; i++) {
            String id = "w" + i;
            types.add(new MachineType(id, 1 << 30, 1e9, 1e9, 1e9, 0, 0, 0));
            nodes.add(new Node(new WorkerId(id), id, "r"));
            List<Held> held = new ArrayList<>();
            for (int k = 1; k <= layers; k++) {
                held.add(new Held(k, speeds[i] / k, 1_000, 8, 1_000, 8, 10_000));
            }
            profiles.put(id, new LayerProfile(Curve.line(0, 1e-3), Curve.line(0, 1e-3), held));
            links.setBoth(Links.COORDINATOR, i, 1e9, 0);
            for (int j = 0; j < i; j++) {
                links.setBoth(i, j, 1e9, 0);
            }
        }
        return new PlacementProblem(
                new Cluster("test", types, nodes, links.build(), 1e9, 1e9),
                new ModelProfile(new ModelSpec("m", layers, 64, 2, 4, 1, 1), profiles),
                new Workload(100, 100),
                PlacementConstraints.NONE.withPartialInference(true));
    }

    private static Layout layout(String ranges) {
        List<int[]> parsed = Arrays.stream(ranges.split(" "))
                .map(r -> r.equals("-") ? new int[] {0, 0} : new int[] {r.charAt(0) - '0', r.charAt(2) - '0'})
                .toList();
        return Layout.of(
                parsed.stream().mapToInt(r -> r[0]).toArray(),
                parsed.stream().mapToInt(r -> r[1]).toArray());
    }

    private static int[] fit(int nodes, int layers) {
        int[] fit = new int[nodes];
        Arrays.fill(fit, layers);
        return fit;
    }

    private static TransitionPlan plan(PlacementProblem problem, String from, String to, int fit) {
        return TransitionPlanner.plan(
                problem, layout(from), layout(to), fit(problem.nodes(), fit), TransitionPlanner.DEFAULT_FLOOR_SHARE);
    }

    @Test
    void shouldAddASpareInOnePhase() {
        TransitionPlan plan = plan(problem(LAYERS, 60, 60, 60), "0-3 3-6 -", "0-3 3-6 0-6", 6);
        assertThat(plan.phases()).hasSize(1);
        assertThat(plan.phases().getFirst().nodes()).containsExactly(2);
        assertThat(plan.startFlow()).isCloseTo(20, within(1e-9));
        assertThat(plan.targetFlow()).isCloseTo(30, within(1e-9));
        assertThat(plan.floor()).isCloseTo(16, within(1e-9));
        assertThat(plan.loweredBecause()).isEmpty();
    }

    @Test
    void shouldChangeNothingWhereNothingDiffers() {
        assertThat(plan(problem(LAYERS, 60, 60), "0-3 3-6", "0-3 3-6", 3).phases())
                .isEmpty();
    }

    @Test
    void shouldLoadTheSpareBeforeTheOnlyHolderOfALayerMoves() {
        TransitionPlan plan = plan(problem(LAYERS, 60, 60, 60), "0-3 3-6 -", "3-6 3-6 0-3", 6);
        assertThat(plan.phases()).hasSize(2);
        assertThat(plan.phases().get(0).nodes()).containsExactly(2);
        assertThat(plan.phases().get(1).nodes()).containsExactly(0);
        assertThat(plan.floor()).isCloseTo(16, within(1e-9));
    }

    @Test
    void shouldMoveReplicasOneAfterAnotherWhenTheyCannotHoldBoth() {
        // Four replicas of each half; two of the first half go over to the second. Memory for three layers each.
        PlacementProblem problem = problem(LAYERS, 60, 60, 60, 60, 60, 60, 60, 60);
        TransitionPlan plan = plan(problem, "0-3 0-3 0-3 0-3 3-6 3-6 3-6 3-6", "3-6 3-6 0-3 0-3 0-3 0-3 3-6 3-6", 3);
        assertThat(plan.startFlow()).isCloseTo(80, within(1e-9));
        assertThat(plan.phases()).allSatisfy(phase -> assertThat(phase.flow()).isGreaterThanOrEqualTo(60));
        assertThat(plan.floor()).as("a tenth below the best there is").isCloseTo(54, within(1e-9));
        assertThat(plan.loweredBecause().orElseThrow()).contains("must give up layers", "at most 3 fit");
    }

    @Test
    void shouldSayWhyTheFloorIsLowered() {
        TransitionPlan plan = plan(problem(LAYERS, 60, 60), "0-3 3-6", "3-6 0-3", 3);
        assertThat(plan.floor()).isZero();
        assertThat(plan.loweredBecause().orElseThrow())
                .contains("keeps 16.0 tokens/s", "w0 must give up layers [0, 3) before it can load others");
        assertThat(plan.phases().getLast().after()).isEqualTo(layout("3-6 0-3"));
    }

    @Test
    void shouldTellTheLeastFlowOfAStepBySpeedsThatHaveChangedSince() {
        Layout before = layout("0-3 3-6 0-4");
        Layout after = layout("4-6 3-6 0-4");
        assertThat(TransitionPlanner.leastFlow(problem(LAYERS, 60, 60, 60), before, after, fit(3, 5)))
                .as("w2 alone has layer 0 then")
                .isCloseTo(15, within(1e-9));
        assertThat(TransitionPlanner.leastFlow(problem(LAYERS, 60, 60, 20), before, after, fit(3, 5)))
                .as("w2 is slower than was thought")
                .isCloseTo(5, within(1e-9));
    }

    @Test
    void shouldStayClearOfTheFloorWhereAnOrderOfChangesDoes() {
        // By the other order, w1 first, 17 would pass meanwhile: above the floor of 16, but by less than a tenth.
        PlacementProblem problem = problem(LAYERS, 60, 51, 60, 60);
        TransitionPlan plan = plan(problem, "0-3 0-3 3-6 -", "0-3 - 3-6 0-3", 3);
        assertThat(plan.phases()).allSatisfy(phase -> assertThat(phase.flow()).isCloseTo(20, within(1e-9)));
    }

    @Test
    void shouldNarrowToTheSharedLayersInsteadOfDroppingAll() {
        // w0 keeps [2, 4) while it drops [0, 2); w1 holds [0, 2) meanwhile.
        TransitionPlan plan = plan(problem(LAYERS, 60, 60, 60), "0-4 0-2 4-6", "2-6 0-2 4-6", 4);
        assertThat(plan.phases()).hasSize(2);
        assertThat(plan.phases().getFirst().after()).isEqualTo(layout("2-4 0-2 4-6"));
        assertThat(plan.floor()).isPositive();
        assertThat(plan.loweredBecause()).isEmpty();
    }

    @Test
    void shouldCoverLayersThatNobodyHoldsFirst() {
        TransitionPlan plan = plan(problem(LAYERS, 60, 60), "0-3 -", "0-3 3-6", 3);
        assertThat(plan.startFlow()).isZero();
        assertThat(plan.floor()).isZero();
        assertThat(plan.phases()).hasSize(1);
    }

    @Test
    void shouldRejectARangeThatDoesNotFit() {
        assertThatThrownBy(() -> plan(problem(LAYERS, 60, 60), "0-3 3-6", "0-4 3-6", 3))
                .hasMessageContaining("node w0 is to hold 4 layers, but at most 3 fit");
    }

    /** A layout that serves: every pipeline position covered, the rest anywhere. */
    private static Layout random(SplittableRandom random, int nodes, int layers, int[] fit) {
        int[] first = new int[nodes];
        int[] end = new int[nodes];
        int covered = 0;
        for (int i = 0; i < nodes; i++) {
            int size = random.nextInt(1, fit[i] + 1);
            if (covered < layers) {
                first[i] = covered;
                end[i] = Math.min(layers, covered + fit[i]);
                covered = end[i];
            } else if (random.nextInt(4) > 0) {
                first[i] = random.nextInt(layers - size + 1);
                end[i] = first[i] + size;
            }
        }
        return covered == layers ? Layout.of(first, end) : null;
    }

    private static Layout shuffled(SplittableRandom random, Layout layout, int nodes) {
        int[] order = new int[nodes];
        Arrays.setAll(order, i -> i);
        for (int i = nodes - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swap = order[i];
            order[i] = order[j];
            order[j] = swap;
        }
        return Layout.of(
                Arrays.stream(order).map(layout::first).toArray(),
                Arrays.stream(order).map(layout::end).toArray());
    }

    @Test
    void shouldKeepTheFloorInEveryIntermediateStateOfRandomTransitions() {
        int lowered = 0;
        int several = 0;
        int done = 0;
        for (long seed = 0; seed < 400; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int nodes = random.nextInt(2, 8);
            int layers = random.nextInt(2, 9);
            int size = random.nextInt(1, layers + 1);
            double[] speeds = random.doubles(nodes, 10, 1_000).toArray();
            PlacementProblem problem = problem(layers, speeds);
            int[] fit = fit(nodes, size);
            Layout from = random(random, nodes, layers, fit);
            Layout to = random(random, nodes, layers, fit);
            if (from == null || to == null) {
                continue;
            }
            to = shuffled(random, to, nodes);
            TransitionPlan plan = TransitionPlanner.plan(problem, from, to, fit, TransitionPlanner.DEFAULT_FLOOR_SHARE);
            assertThat(plan).isEqualTo(TransitionPlanner.plan(problem, from, to, fit, 0.8));
            check(problem, plan, from, to, fit, "seed " + seed);
            lowered += plan.loweredBecause().isPresent() ? 1 : 0;
            several += plan.phases().size() > 1 ? 1 : 0;
            done++;
        }
        assertThat(done).isGreaterThan(150);
        assertThat(several).as("with several phases").isGreaterThan(50);
        assertThat(lowered).as("with a lowered floor").isBetween(1, done - 20);
    }

    private static void check(
            PlacementProblem problem, TransitionPlan plan, Layout from, Layout to, int[] fit, String seed) {
        double wanted = Math.min(0.8 * PlainMaxFlow.of(problem, from), PlainMaxFlow.of(problem, to));
        assertThat(plan.floor()).as(seed).isLessThanOrEqualTo(wanted * (1 + 1e-9));
        if (plan.loweredBecause().isEmpty()) {
            assertThat(plan.floor()).as(seed).isCloseTo(wanted, within(1e-6));
        }
        Layout at = from;
        for (Phase phase : plan.phases()) {
            assertThat(phase.nodes()).as(seed).isNotEmpty();
            assertThat(phase.flow()).as(seed).isGreaterThanOrEqualTo(plan.floor() * (1 - 1e-9));
            for (int node : phase.nodes()) {
                int shared = Math.max(
                        0,
                        Math.min(at.end(node), phase.after().end(node))
                                - Math.max(at.first(node), phase.after().first(node)));
                boolean both = at.holds(node) && phase.after().holds(node);
                assertThat(at.layers(node) + phase.after().layers(node) - (both ? shared : 0))
                        .as(seed + ": layers in memory of node " + node)
                        .isLessThanOrEqualTo(fit[node]);
            }
            for (int done = 0; done < 1 << phase.nodes().size(); done++) {
                Layout moment = at;
                for (int i = 0; i < phase.nodes().size(); i++) {
                    int node = phase.nodes().get(i);
                    moment = (done >> i & 1) == 0
                            ? moment
                            : moment.with(
                                    node,
                                    phase.after().first(node),
                                    phase.after().end(node));
                }
                assertThat(PlainMaxFlow.of(problem, moment))
                        .as(seed + " at " + moment)
                        .isGreaterThanOrEqualTo(phase.flow() * (1 - 1e-6));
            }
            at = phase.after();
        }
        assertThat(at).as(seed).isEqualTo(to);
    }
}

package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.sharing.BesidePlanner.Choice;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BesidePlannerTest {
    private static final long REPORT = 250_000_000L;
    private static final double ALONE = 20e6;

    private final BesidePlanner planner = new BesidePlanner(new LatencyObjective.Slowdown(0.1), 5 * REPORT, 0.05);
    private final SplittableRandom random = new SplittableRandom(3);
    private final List<String> reasons = new ArrayList<>();
    private BesideState state = BesideState.NONE;
    private long now = 1_000_000_000_000L;

    /**
     * A made-up machine.
     *
     * @param slowdown of steps by a lane
     * @param each units per second that a lane does beside steps
     * @param gaps units per second in the gaps
     */
    private record Machine(double slowdown, double each, double gaps) {
        double factor(int lanes) {
            return 1 + slowdown * lanes;
        }
    }

    private double noisy(double value) {
        return value * (0.98 + 0.04 * random.nextDouble());
    }

    /** Reports of so many seconds, on a machine that is in use for half of the time; the number in force at their end. */
    private int run(Machine machine, int most, int seconds) {
        for (int i = 0; i < 4 * seconds; i++) {
            now += REPORT;
            int lanes = state.chosen();
            List<PoolSample> pools = new ArrayList<>();
            pools.add(new PoolSample(0, 1, ALONE, ALONE, 100e6, machine.gaps * 0.1, 0));
            if (lanes > 0) {
                double alone = 5 * ALONE;
                double service = alone * noisy(machine.factor(lanes));
                pools.add(new PoolSample(
                        lanes, 5, service, alone, service * lanes, machine.each * lanes * service / 1e9, 0));
            }
            Choice choice = planner.choose(planner.learnt(state, most, pools), now);
            state = choice.state();
            if (!choice.why().isEmpty()) {
                reasons.add(choice.why());
            }
        }
        return state.chosen();
    }

    @Test
    void shouldFindOutThatCoresBesidePayWhereStepsLoseLittle() {
        assertThat(run(new Machine(0.01, 40, 100), 4, 20)).isEqualTo(4);
        assertThat(reasons).contains("trying a core beside", "trying 4 cores beside");
    }

    @Test
    void shouldStopWhereTheObjectiveLeavesNoRoomForMore() {
        Machine machine = new Machine(0.04, 40, 100);
        run(machine, 4, 20);
        assertThat(reasons).anyMatch(why -> why.startsWith("3 cores beside make steps 1.1") && why.endsWith("2 cores"));
        assertThat(state.chosen()).isEqualTo(2);
    }

    @Test
    void shouldChooseTheGapsWhereACoreBesideSlowsStepsDown() {
        Machine machine = new Machine(0.28, 60, 170);
        int inUse = 0;
        for (int second = 0; second < 600; second++) {
            inUse += run(machine, 1, 1);
        }
        assertThat(state.chosen()).isZero();
        assertThat(reasons)
                .anyMatch(why -> why.startsWith("a core beside makes steps 1.2") && why.endsWith("gaps only"));
        assertThat(reasons.stream().filter(why -> why.startsWith("trying")))
                .as("after 60 s, 120 s, 240 s, ...")
                .hasSizeBetween(3, 5);
        assertThat(inUse).as("seconds of ten minutes spent on trying").isLessThan(12);
    }

    @Test
    void shouldChooseTheGapsWhereLessIsDoneBesideThanTheGapsLose() {
        assertThat(run(new Machine(0.05, 4, 170), 1, 10)).isZero();
        assertThat(reasons).anyMatch(why -> why.startsWith("a core beside is worth -") && why.endsWith("gaps only"));
    }

    @Test
    void shouldLeaveACoreThatHasStoppedPaying() {
        assertThat(run(new Machine(0.02, 40, 100), 1, 120)).isEqualTo(1);
        assertThat(run(new Machine(0.6, 40, 100), 1, 5)).isZero();
        assertThat(reasons.getLast()).contains("gaps only");
        assertThat(run(new Machine(0.02, 40, 100), 1, 70)).as("it pays again").isEqualTo(1);
    }

    @Test
    void shouldCountWhatTheGapsLoseByWaitingForABatch() {
        BesideState known =
                planner.learnt(BesideState.NONE, 1, List.of(new PoolSample(0, 1, ALONE, ALONE, 1e9, 100, 0)));
        known = planner.learnt(known, 1, List.of(new PoolSample(1, 5, 5 * ALONE, 5 * ALONE, 5 * ALONE, 4, 5 * ALONE)));
        assertThat(BesidePlanner.value(known, 1)).as("4 units done, 10 lost").isNegative();
    }

    @Test
    void shouldKnowNothingOfAWorkerThatHasBegunAnewWithOtherLanes() {
        run(new Machine(0.01, 40, 100), 2, 20);
        assertThat(state.chosen()).isEqualTo(2);
        state = planner.learnt(state, 0, List.of());
        assertThat(state).isEqualTo(BesideState.NONE);
    }
}

package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StreamPoolProgrammeTest {
    private static double costOf(StreamPoolProgramme programme, List<PoolSequence> streams, PoolPlan plan) {
        double lanes = 0;
        double cost = 0;
        for (int w = 0; w < streams.size(); w++) {
            double[] base = programme.base(streams.get(w));
            int kernels = streams.get(w).kernels();
            for (int k = 0; k < kernels; k++) {
                int pool = plan.pools()[w][k];
                lanes += programme.poolLanes()[pool] / kernels;
                cost += base[k * programme.poolLanes().length + pool];
            }
            cost += plan.switches(w) * programme.switchNanos();
        }
        return programme.objective(lanes, cost);
    }

    @Test
    void shouldEqualBruteForceOnFiveHundredSmallCases() {
        SplittableRandom random = new SplittableRandom(17);
        for (int i = 0; i < 500; i++) {
            int[] pools = random.nextBoolean() ? SharingProblems.quarters() : new int[] {16, 40, 60};
            int streams = 1 + random.nextInt(3);
            int kernels = streams == 3 ? 2 + random.nextInt(2) : 2 + random.nextInt(4 - streams + 1);
            int budget = random.nextInt(kernels + 1);
            double switchNanos = random.nextInt(3) == 0 ? random.nextDouble() * 20 : 0;
            double perJoule = random.nextInt(3) == 0 ? random.nextDouble() * 0.05 : 0;
            var programme = new StreamPoolProgramme(60, pools, budget, switchNanos, perJoule);
            List<PoolSequence> cases = SharingProblems.kernels(1_000 + i, streams, kernels, pools);
            PoolPlan plan = programme.solve(cases);
            double least = SharingProblems.leastObjective(programme, cases);
            assertThat(plan.objective()).as("case %d", i).isCloseTo(least, within(least * 1e-9));
            assertThat(costOf(programme, cases, plan)).as("case %d", i).isCloseTo(least, within(least * 1e-9));
            assertThat(plan.lowerBound()).isLessThanOrEqualTo(least * (1 + 1e-9));
            for (int w = 0; w < streams; w++) {
                assertThat(plan.switches(w)).isLessThanOrEqualTo(budget);
            }
        }
    }

    @Test
    void shouldFindTheSameObjectiveFromAnyFirstSlope() {
        var programme = new StreamPoolProgramme(60, SharingProblems.quarters(), 14, 0, 0);
        List<PoolSequence> cases = SharingProblems.kernels(5, 3, 120, SharingProblems.quarters());
        PoolPlan cold = programme.solve(cases);
        assertThat(cold.lowerBound()).isCloseTo(cold.objective(), within(cold.objective() * 1e-9));
        for (double slope : new double[] {1e-6, 1, 50, 1e6, cold.slope()}) {
            assertThat(programme.solve(cases, slope, 0).objective())
                    .isCloseTo(cold.objective(), within(cold.objective() * 1e-9));
        }
    }

    @Test
    void shouldKeepItsPromiseAboutTheGap() {
        var programme = new StreamPoolProgramme(60, SharingProblems.quarters(), 6, 0, 0);
        for (long seed = 0; seed < 30; seed++) {
            List<PoolSequence> cases = SharingProblems.kernels(seed, 2, 60, SharingProblems.quarters());
            PoolPlan exact = programme.solve(cases);
            PoolPlan near = programme.solve(cases, Double.NaN, 0.01);
            assertThat(near.solves()).isLessThanOrEqualTo(exact.solves());
            assertThat(near.objective() * 0.99).isLessThanOrEqualTo(exact.objective());
            assertThat(near.lowerBound()).isLessThanOrEqualTo(exact.objective() * (1 + 1e-9));
        }
    }

    @Test
    void shouldNotGetWorseWithMoreSwitches() {
        List<PoolSequence> cases = SharingProblems.kernels(8, 3, 100, SharingProblems.quarters());
        double before = Double.POSITIVE_INFINITY;
        for (int budget : new int[] {0, 1, 5, 14, 99}) {
            double objective = new StreamPoolProgramme(60, SharingProblems.quarters(), budget, 0, 0)
                    .solve(cases)
                    .objective();
            assertThat(objective).isLessThanOrEqualTo(before * (1 + 1e-12));
            before = objective;
        }
    }

    @Test
    void shouldSwitchLessWhenSwitchesCost() {
        List<PoolSequence> cases = SharingProblems.kernels(8, 2, 100, SharingProblems.quarters());
        PoolPlan free = new StreamPoolProgramme(60, SharingProblems.quarters(), 50, 0, 0).solve(cases);
        PoolPlan dear = new StreamPoolProgramme(60, SharingProblems.quarters(), 50, 1_000, 0).solve(cases);
        assertThat(dear.switches(0) + dear.switches(1)).isLessThan(free.switches(0) + free.switches(1));
    }

    @Test
    void shouldRejectWhatItCannotPlan() {
        var programme = new StreamPoolProgramme(60, SharingProblems.quarters(), 14, 0, 0);
        assertThatThrownBy(() -> programme.solve(List.of())).hasMessageContaining("no stream");
        assertThatThrownBy(() -> programme.solve(List.of(new PoolSequence(new double[][] {{1, 2}}))))
                .hasMessageContaining("2 pools");
        assertThatThrownBy(() -> new PoolSequence(new double[][] {{1, Double.NaN}}))
                .hasMessageContaining("NaN");
        assertThatThrownBy(() -> new StreamPoolProgramme(60, new int[0], 1, 0, 0))
                .hasMessageContaining("0 pools");
    }
}

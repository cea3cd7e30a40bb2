package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

class PairwiseOverlapTest {
    // Four groups of 15 lanes: the first stream grows from one end, the second from the other.
    private static final long[][] MASKS = {{0b0001, 0b0011, 0b0111, 0b1111}, {0b1000, 0b1100, 0b1110, 0b1111}};

    private static StreamPoolProgramme programme(int budget) {
        return new StreamPoolProgramme(60, SharingProblems.quarters(), budget, 0, 0);
    }

    @Test
    void shouldNeverBeWorseAndMostlyNearTheBest() {
        double sum = 0;
        for (int seed = 0; seed < 100; seed++) {
            List<PoolSequence> cases = SharingProblems.kernels(seed, 2, 4, SharingProblems.quarters());
            StreamPoolProgramme programme = programme(3);
            PoolPlan plan = programme.solve(cases);
            PairwiseOverlap pairwise = new PairwiseOverlap(programme, MASKS, 15);
            PoolPlan better = pairwise.improve(cases, plan);
            double before = pairwise.objective(cases, plan.pools());
            assertThat(better.objective()).isLessThanOrEqualTo(before * (1 + 1e-12));
            assertThat(better.objective()).isCloseTo(pairwise.objective(cases, better.pools()), within(1e-6));
            sum += better.objective() / least(pairwise, cases);
        }
        assertThat(sum / 100).as("mean over the least of all assignments").isBetween(1 - 1e-9, 1.01);
    }

    private static double least(PairwiseOverlap pairwise, List<PoolSequence> cases) {
        double least = Double.POSITIVE_INFINITY;
        int[][] pools = new int[2][4];
        for (int code = 0; code < 1 << 16; code++) {
            for (int k = 0; k < 8; k++) {
                pools[k / 4][k % 4] = code >> (2 * k) & 3;
            }
            least = Math.min(least, pairwise.objective(cases, pools));
        }
        return least;
    }

    @Test
    void shouldEqualTheProgrammeWhereAllMasksAreTheWholeDevice() {
        StreamPoolProgramme whole = new StreamPoolProgramme(60, new int[] {60}, 0, 0, 0);
        List<PoolSequence> cases = SharingProblems.kernels(3, 2, 20, new int[] {60});
        PoolPlan plan = whole.solve(cases);
        assertThat(new PairwiseOverlap(whole, new long[][] {{0b1111}, {0b1111}}, 15).objective(cases, plan.pools()))
                .isCloseTo(plan.objective(), within(1e-6));
    }

    @Test
    void shouldKeepToTheSwitchBudget() {
        List<PoolSequence> cases = SharingProblems.kernels(4, 2, 60, SharingProblems.quarters());
        StreamPoolProgramme programme = programme(5);
        PoolPlan better = new PairwiseOverlap(programme, MASKS, 15).improve(cases, programme.solve(cases));
        assertThat(better.switches(0)).isLessThanOrEqualTo(5);
        assertThat(better.switches(1)).isLessThanOrEqualTo(5);
    }

    @Test
    void shouldRejectMasksThatAreNotThePools() {
        assertThatThrownBy(() -> new PairwiseOverlap(programme(1), new long[][] {{1, 1, 1, 1}}, 15))
                .hasMessageContaining("pool 1 of stream 0 has 15.0 lanes");
    }
}

package io.sluice.solver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.placement.BruteForce;
import io.sluice.core.placement.LayoutFlow;
import io.sluice.core.placement.Objectives;
import io.sluice.core.placement.PlacementMethod;
import io.sluice.core.placement.PlacementObjective;
import io.sluice.core.placement.PlacementOutcome;
import io.sluice.core.placement.PlacementProblem;
import io.sluice.core.placement.PlacementVerifier;
import io.sluice.core.placement.SearchControl;
import org.junit.jupiter.api.Test;

/** 200 seeds; {@code -Dsluice.bruteForceSeeds=1000} tries as many as the claim in the documents. */
class MilpEqualsBruteForceTest {
    private static final int SEEDS = Integer.getInteger("sluice.bruteForceSeeds", 200);
    private static final PlacementObjective FLOW = Objectives.byName("flow");

    private static SearchControl unhurried(long seed) {
        // A clock that stands still: time never decides.
        return SearchControl.of(seed, 1e6, () -> 0);
    }

    private static double flow(PlacementProblem problem, PlacementOutcome outcome, long seed) {
        outcome.found().ifPresent(layout -> assertThat(PlacementVerifier.verify(problem, layout))
                .as("seed %d", seed)
                .isEmpty());
        return outcome.found()
                .map(layout -> new LayoutFlow(problem).value(layout))
                .orElse(0.0);
    }

    private static int check(PlacementMethod method, PlacementProblem problem, long seed) {
        double best = flow(problem, new BruteForce().place(problem, FLOW, unhurried(seed)), seed);
        PlacementOutcome outcome = method.place(problem, FLOW, unhurried(seed));
        assertThat(flow(problem, outcome, seed))
                .as("%s, seed %d: %s", method.name(), seed, outcome)
                .isCloseTo(best, within(1e-5 * best + 1e-9));
        double bound = new CoverBound(problem).flow(unhurried(seed));
        assertThat(bound).as("bound of seed %d", seed).isGreaterThanOrEqualTo(best * (1 - 1e-9));
        return best > 0 ? 1 : 0;
    }

    @Test
    void shouldEqualBruteForceNodeByNode() {
        int positive = 0;
        for (long seed = 0; seed < SEEDS; seed++) {
            positive += check(new MilpPlacement(), SmallClusters.any(seed), seed);
        }
        assertThat(positive).as("clusters that can serve").isGreaterThan(SEEDS / 5);
    }

    @Test
    void shouldEqualBruteForceByCountsWhereLinksNeverBind() {
        int positive = 0;
        for (long seed = 0; seed < SEEDS; seed++) {
            positive += check(new CountMilpPlacement(), SmallClusters.fast(seed), seed);
        }
        assertThat(positive).as("clusters that can serve").isGreaterThan(SEEDS / 5);
    }
}

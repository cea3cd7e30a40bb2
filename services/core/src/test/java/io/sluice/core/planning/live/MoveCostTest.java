package io.sluice.core.planning.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.planning.live.MoveCost.Basis;
import io.sluice.core.planning.live.MoveCost.Mover;
import java.util.List;
import org.junit.jupiter.api.Test;

class MoveCostTest {
    /** A layer loads in 2 s, sessions of 100 tokens last 10 s and are waited for. */
    private static final Basis CALM = new Basis(2, 10, 120, 100);

    @Test
    void shouldCostNothingButTimeToLoadASpare() {
        MoveCost cost = MoveCost.of(List.of(new Mover(0, 3, 0, true, 50, 1_000)), CALM);
        assertThat(cost).isEqualTo(new MoveCost(1, 6, 0, 0));
        assertThat(cost.payBackSeconds(1)).isZero();
    }

    @Test
    void shouldLoseWhatPassesAServingWorkerWhileItLoads() {
        // It keeps all it serves and takes two more: 4 s at 50 tokens/s.
        assertThat(MoveCost.of(List.of(new Mover(4, 2, 0, true, 50, 1_000)), CALM)
                        .lostTokens())
                .isCloseTo(200, within(1e-9));
    }

    @Test
    void shouldLoseTheCacheOfLayersGivenUpUntilTheirSessionsHaveEnded() {
        // Half of its cache is of no use to new sessions for 10 s.
        assertThat(MoveCost.of(List.of(new Mover(4, 0, 2, true, 50, 1_000)), CALM)
                        .lostTokens())
                .isCloseTo(250, within(1e-9));
        // Both do not fit: it loads when all of its sessions have ended.
        MoveCost full = MoveCost.of(List.of(new Mover(4, 2, 2, false, 50, 1_000)), CALM);
        assertThat(full.lostTokens()).isCloseTo(50 * (4 + 10), within(1e-9));
        assertThat(full.sessions()).isZero();
    }

    @Test
    void shouldComputeTheCacheOfSessionsOnceMoreWhereTheyLastTooLongToWaitFor() {
        Basis longSessions = new Basis(2, 300, 120, 100);
        MoveCost cost = MoveCost.of(List.of(new Mover(4, 1, 4, false, 50, 1_000)), longSessions);
        // The cache holds 1,000 of the 15,000 tokens that pass in 300 s.
        assertThat(cost.sessions()).isCloseTo(10, within(1e-9));
        assertThat(cost.lostTokens()).isCloseTo(50 * (2 + 120) + 1_000, within(1e-9));
    }

    @Test
    void shouldPayBackByItsGainAndNeverWithoutOne() {
        MoveCost cost = new MoveCost(3, 4.2, 0, 410);
        assertThat(cost.payBackSeconds(10)).isCloseTo(41, within(1e-9));
        assertThat(cost.payBackSeconds(0)).isInfinite();
        assertThat(cost.payBackSeconds(-3)).isInfinite();
    }

    @Test
    void shouldAddUpTheWorkersOfAMove() {
        Mover spare = new Mover(0, 3, 0, true, 0, 1_000);
        Mover serving = new Mover(4, 2, 0, true, 50, 1_000);
        assertThat(MoveCost.of(List.of(spare, serving, serving), CALM)).isEqualTo(new MoveCost(3, 14, 0, 400));
    }
}

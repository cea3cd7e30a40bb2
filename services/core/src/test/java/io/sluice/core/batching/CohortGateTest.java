package io.sluice.core.batching;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CohortGateTest {
    private static final long MS = 1_000_000;

    private static CohortGate gate(long roundNanos) {
        CohortGate gate = new CohortGate(true);
        gate.returned(roundNanos);
        return gate;
    }

    @Test
    void shouldNeverHoldWhereStagesHaveDevicesOfTheirOwn() {
        CohortGate open = new CohortGate(false);
        open.returned(50 * MS);
        assertThat(open.holdNanos(3, 5, 0)).isZero();
    }

    @Test
    void shouldLetOneSessionAndACompleteCohortGo() {
        assertThat(gate(50 * MS).holdNanos(1, 0, 0)).isZero();
        assertThat(gate(50 * MS).holdNanos(8, 0, 0)).isZero();
    }

    @Test
    void shouldWaitForTheOthersNoLongerThanOneRound() {
        CohortGate gate = gate(50 * MS);
        assertThat(gate.holdNanos(3, 5, 10 * MS)).isEqualTo(40 * MS);
        assertThat(gate.holdNanos(3, 5, 50 * MS)).isZero();
        assertThat(gate(10_000 * MS).holdNanos(3, 5, 0)).isEqualTo(CohortGate.MAX_HOLD_NANOS);
    }

    @Test
    void shouldForgetASessionThatDoesNotComeBack() {
        assertThat(gate(50 * MS).expects(149 * MS)).isTrue();
        assertThat(gate(50 * MS).expects(151 * MS)).isFalse();
    }

    @Test
    void shouldFollowTheWayRound() {
        CohortGate gate = gate(50 * MS);
        for (int i = 0; i < 50; i++) {
            gate.returned(10 * MS);
        }
        assertThat(gate.holdNanos(1, 1, 0)).isBetween(10 * MS, 11 * MS);
    }
}

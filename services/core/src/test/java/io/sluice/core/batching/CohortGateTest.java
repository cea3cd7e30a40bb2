package io.sluice.core.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.SessionId;
import org.junit.jupiter.api.Test;

class CohortGateTest {
    private static final long MS = 1_000_000;
    private static final int STAGES = 3;

    private final CohortGate shared = new CohortGate(true);
    private final CohortGate own = new CohortGate(false);

    private static SessionId session(int number) {
        return new SessionId("s" + number);
    }

    /** Rounds of a lone session, the last of which ends at time 0. */
    private static void learn(CohortGate gate, long roundMillis, long transferMillis) {
        for (int i = 60; i >= 1; i--) {
            gate.left(session(0), true, STAGES, -i * roundMillis * MS);
            gate.returned(session(0), transferMillis * MS, -(i - 1) * roundMillis * MS);
        }
    }

    @Test
    void shouldLetALoneSessionAndACompleteCohortGo() {
        learn(shared, 50, 1);
        assertThat(shared.holdNanos(1, 0, 0)).isZero();
        assertThat(shared.holdNanos(8, 0, 0)).isZero();
    }

    @Test
    void shouldGatherAllSessionsIntoOneGroupWhereStagesShareCoresAndTheNetworkTakesNoTime() {
        learn(shared, 50, 2);
        assertThat(shared.groups()).isEqualTo(1);
        shared.left(session(1), true, STAGES, 0);
        assertThat(shared.holdNanos(3, 10 * MS, 10 * MS)).isEqualTo(40 * MS);
        assertThat(shared.holdNanos(3, 50 * MS, 50 * MS)).isZero();
    }

    @Test
    void shouldWaitForEveryoneOfAGroupWhereStagesShareCores() {
        learn(shared, 50, 2);
        shared.left(session(1), true, STAGES, 0);
        shared.left(session(2), true, STAGES, 0);
        shared.returned(session(1), 2 * MS, 40 * MS);
        assertThat(shared.holdNanos(1, 0, 40 * MS)).isPositive();
        shared.returned(session(2), 2 * MS, 41 * MS);
        assertThat(shared.holdNanos(2, 1, 41 * MS)).isZero();
    }

    @Test
    void shouldSendAsManyGroupsAsComputeWhileTheOthersAreOnTheNetwork() {
        learn(shared, 160, 51); // 144 ms of 160 ms are network
        assertThat(shared.groups()).isEqualTo(STAGES);
        CohortGate busy = new CohortGate(true);
        learn(busy, 300, 51); // 144 ms of 300 ms are
        assertThat(busy.groups()).isEqualTo(1);
        CohortGate between = new CohortGate(true);
        learn(between, 250, 51); // 144 ms of 250 ms are
        assertThat(between.groups()).isEqualTo(2);
    }

    @Test
    void shouldHoldNoMoreGroupsThanStagesWhereEachHasADeviceOfItsOwn() {
        learn(own, 150, 50);
        for (int group = 1; group < STAGES; group++) {
            own.left(session(group), true, STAGES, group);
            assertThat(own.holdNanos(3, 0, 10)).isZero();
        }
        own.left(session(STAGES), true, STAGES, STAGES);
        assertThat(own.holdNanos(3, 0, 10)).isEqualTo(50 * MS);
        own.returned(session(1), 50 * MS, 20 * MS);
        assertThat(own.holdNanos(4, 0, 20 * MS)).isZero();
    }

    @Test
    void shouldNotWaitForStragglersOrPromptsWhereEachStageHasADeviceOfItsOwn() {
        learn(own, 150, 50);
        for (int group = 1; group <= STAGES; group++) {
            own.left(session(group), true, STAGES, group);
            own.left(session(10 + group), true, STAGES, group);
        }
        assertThat(own.holdNanos(1, 0, 10)).isPositive();
        own.returned(session(2), 50 * MS, 20);
        assertThat(own.holdNanos(1, 0, 20)).isZero();

        CohortGate prompts = new CohortGate(false);
        learn(prompts, 150, 50);
        for (int group = 1; group <= STAGES; group++) {
            prompts.left(session(group), false, STAGES, group);
        }
        assertThat(prompts.holdNanos(1, 0, 10)).isZero();
    }

    @Test
    void shouldNotWaitForASessionThatHasEndedOrIsLost() {
        learn(shared, 50, 1);
        shared.left(session(1), true, STAGES, 0);
        assertThat(shared.holdNanos(1, 0, 149 * MS)).isPositive();
        assertThat(shared.holdNanos(1, 0, 151 * MS)).isZero();
        shared.left(session(2), true, STAGES, 160 * MS);
        assertThat(shared.holdNanos(1, 0, 160 * MS)).isPositive();
        shared.ended(session(2));
        assertThat(shared.holdNanos(1, 0, 160 * MS)).isZero();
    }

    @Test
    void shouldWaitNoLongerThanTheBoundHoweverLongARoundIs() {
        learn(shared, 4_000, 1);
        shared.left(session(1), true, STAGES, 0);
        assertThat(shared.holdNanos(1, 0, 0)).isEqualTo(CohortGate.MAX_HOLD_NANOS);
    }

    @Test
    void shouldFollowTheWayRound() {
        learn(shared, 50, 1);
        learn(shared, 10, 1);
        shared.left(session(1), true, STAGES, 0);
        assertThat(shared.holdNanos(1, 0, 0)).isBetween(10 * MS, 11 * MS);
    }

    @Test
    void shouldSendMoreGroupsThanStagesWhereBothNetworkAndDevicesTakeThem() {
        learn(own, 150, 3);
        assertThat(own.groups()).isEqualTo(STAGES);
        CohortGate far = new CohortGate(false);
        learn(far, 160, 53); // 150 ms of network, 10 ms of computing: a reader takes one record each 50 ms
        assertThat(far.groups()).isEqualTo(STAGES);
        CohortGate slow = new CohortGate(false);
        learn(slow, 150, 13); // 30 ms of network, 120 ms of computing
        assertThat(slow.groups()).isEqualTo(STAGES + 1);
        CohortGate even = new CohortGate(false);
        learn(even, 160, 30); // about as much of both
        assertThat(even.groups()).isBetween(2 * STAGES - 1, 2 * STAGES);
    }

    /** What a simulation of three stages shows: 0.81 without the gate on most seeds, 1.00 with it. */
    @Test
    void shouldKeepSessionsFromWaitingForOneAnothersFetches() {
        int held = 0;
        for (long seed = 1; seed <= 5; seed++) {
            double free = new FetchRing(STAGES, 25, 3, 2, null, seed).speed(8);
            held += free < 0.82 ? 1 : 0;
            double gated = new FetchRing(STAGES, 25, 3, 2, new CohortGate(false), seed).speed(8);
            double cpu = new FetchRing(STAGES, 25, 3, 2, new CohortGate(true), seed).speed(8);
            assertThat(gated).as("seed %d", seed).isGreaterThan(0.98).isGreaterThanOrEqualTo(free - 0.01);
            assertThat(cpu).as("seed %d", seed).isGreaterThan(0.98);
        }
        assertThat(held).as("seeds on which fetches keep sessions waiting").isGreaterThanOrEqualTo(3);
    }

    @Test
    void shouldKeepStagesBusyWhichAreSlowerThanTheNetwork() {
        for (long seed = 1; seed <= 5; seed++) {
            double free = new FetchRing(STAGES, 5, 40, 5, null, seed).speed(8);
            double gated = new FetchRing(STAGES, 5, 40, 5, new CohortGate(false), seed).speed(8);
            assertThat(gated).as("seed %d", seed).isGreaterThan(free - 0.02);
        }
    }

    @Test
    void shouldRejectAPipelineWithoutStages() {
        assertThatThrownBy(() -> own.left(session(1), true, 0, 0)).hasMessageContaining("0 stages");
    }
}

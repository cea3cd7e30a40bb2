package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class IdleWaitTest {
    private static final long MILLI = 1_000_000;

    private final IdleWait wait = new IdleWait(100_000, 6_400_000);

    @Test
    void shouldLeaveShortTimesAloneWhereMostOfTheIdleTimeIsLong() {
        for (int request = 0; request < 8; request++) {
            for (int step = 0; step < 15; step++) {
                wait.ended(MILLI);
            }
            wait.ended(200 * MILLI);
        }
        assertThat(wait.nanos()).isGreaterThanOrEqualTo(MILLI);
    }

    @Test
    void shouldUseShortTimesWhereThereAreNoOthers() {
        for (int step = 0; step < 100; step++) {
            wait.ended(2 * MILLI);
        }
        assertThat(wait.nanos()).isBetween(100_000L, 400_000L);
    }

    @Test
    void shouldForgetWhatTheLoadWas() {
        for (int i = 0; i < 100; i++) {
            wait.ended(1_000 * MILLI);
        }
        assertThat(wait.nanos()).as("never more than the longest").isEqualTo(6_400_000);
        for (int i = 0; i < IdleWait.MEMORY; i++) {
            wait.ended(MILLI);
        }
        assertThat(wait.nanos()).isLessThanOrEqualTo(200_000);
    }

    @Test
    void shouldWaitTheLeastBeforeAnythingIsKnownAndAlwaysWhereItMayNotGrow() {
        assertThat(wait.nanos()).isEqualTo(100_000);
        for (int i = 1; i < IdleWait.PROVEN; i++) {
            wait.ended(1_000 * MILLI);
        }
        assertThat(wait.nanos()).isEqualTo(100_000);
        IdleWait fixed = new IdleWait(100_000, 100_000);
        for (int i = 0; i < 100; i++) {
            fixed.ended(1_000 * MILLI);
        }
        assertThat(fixed.nanos()).isEqualTo(100_000);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void shouldNeverCostMoreThanItsShareOfWhatItHasSeen(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int trial = 0; trial < 200; trial++) {
            IdleWait any = new IdleWait(50_000, 8_000_000);
            long[] idle = random.longs(IdleWait.MEMORY, 0, random.nextLong(1, 50 * MILLI))
                    .toArray();
            for (long each : idle) {
                any.ended(each);
            }
            double lost = 0;
            double all = 0;
            for (long each : idle) {
                lost += Math.min(each, any.nanos());
                all += each;
            }
            assertThat(any.nanos() == 50_000 || lost <= IdleWait.SHARE * all)
                    .as("wait %d costs %f of %f", any.nanos(), lost, all)
                    .isTrue();
        }
    }
}

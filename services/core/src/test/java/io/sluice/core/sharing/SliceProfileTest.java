package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SliceProfileTest {
    private final SliceProfile profile = new SliceProfile();

    private void see(int times, long units, long nanos, int lanes) {
        for (int i = 0; i < times; i++) {
            profile.observe(units, nanos, lanes, i);
        }
    }

    @Test
    void shouldTakeAsManyUnitsAsFitTheBound() {
        see(4, 10, 1_000, 1);
        assertThat(profile.unitsWithin(550, 1)).isEqualTo(5);
        assertThat(profile.unitsWithin(99, 1)).isZero();
    }

    @Test
    void shouldKnowNothingBeforeFourDurations() {
        assertThat(profile.unitsWithin(1_000_000, 1)).isZero();
        see(3, 1, 100, 1);
        assertThat(profile.proven()).isFalse();
        see(1, 1, 100, 1);
        assertThat(profile.proven()).isTrue();
    }

    @Test
    void shouldIgnoreOneAccidentAndBelieveTheSecond() {
        see(10, 1, 100, 1);
        see(1, 1, 9_000, 1);
        assertThat(profile.upperUnitNanos(1)).isEqualTo(100);
        see(1, 1, 8_000, 1);
        assertThat(profile.upperUnitNanos(1)).isEqualTo(8_000);
        see(SliceProfile.MEMORY, 1, 100, 1);
        assertThat(profile.upperUnitNanos(1)).isEqualTo(100);
    }

    @Test
    void shouldTakeForUsualWhatAccidentsToOneInThreeDoNotChange() {
        assertThat(profile.usualUnitNanos()).isZero();
        for (int i = 0; i < 3 * SliceProfile.MEMORY; i++) {
            see(1, 1, i % 3 == 0 ? 50_000 : 100, 1);
        }
        assertThat(profile.usualUnitNanos()).isEqualTo(100);
        assertThat(profile.upperUnitNanos(1)).isEqualTo(50_000);
        see(SliceProfile.MEMORY, 1, 700, 1);
        assertThat(profile.usualUnitNanos()).as("the work has changed").isEqualTo(700);
    }

    @Test
    void shouldRarelyBeExceededByDurationsOfOneDistribution() {
        SplittableRandom random = new SplittableRandom(5);
        int exceeded = 0;
        for (int i = 0; i < 10_000; i++) {
            long nanos = 100 + (long) (50 * Math.abs(random.nextGaussian()));
            exceeded += profile.proven() && nanos > profile.upperUnitNanos(1) ? 1 : 0;
            profile.observe(1, nanos, 1, i);
        }
        assertThat(exceeded).as("about 2 in 33").isBetween(300, 800);
    }

    @Test
    void shouldNotBelieveThatMoreLanesHelp() {
        see(4, 1, 800, 8);
        assertThat(profile.upperUnitNanos(64)).isEqualTo(800);
        assertThat(profile.upperUnitNanos(2)).as("a quarter of the lanes").isEqualTo(3_200);
    }

    @Test
    void shouldGoByDurationsOnAsManyLanesWhereThereAreSome() {
        see(6, 1, 800, 8);
        see(6, 1, 120, 64);
        assertThat(profile.upperUnitNanos(64)).isEqualTo(120);
        assertThat(profile.upperUnitNanos(8)).isEqualTo(800);
    }

    @Test
    void shouldNotUnderestimateALongerSliceWithAFixedCost() {
        // 50 ns for the slice, 10 ns a unit.
        see(6, 1, 60, 1);
        long units = profile.unitsWithin(1_000, 1);
        assertThat(50 + 10 * units).isLessThanOrEqualTo(1_000);
    }

    @Test
    void shouldRejectAbsurdDurations() {
        assertThatThrownBy(() -> profile.observe(0, 5, 1, 0)).hasMessageContaining("units is 0");
        assertThatThrownBy(() -> profile.observe(1, -5, 1, 0)).hasMessageContaining("-5");
    }
}

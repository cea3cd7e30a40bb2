package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SliceSizingTest {
    @Test
    void shouldBeginWithTheSmallestAndDoubleWhileWhatIsForeseenFits() {
        Map<Integer, Double> known = new HashMap<>();
        assertThat(fitting(known, 1, 64, 1_000)).isEqualTo(1);
        known.put(1, 300.0);
        assertThat(fitting(known, 1, 64, 1_000)).isEqualTo(2);
        assertThat(fitting(known, 1, 64, 300))
                .as("twice as much may take no longer")
                .isEqualTo(2);
        known.put(2, 400.0);
        assertThat(fitting(known, 1, 64, 1_000)).isEqualTo(4);
        assertThat(fitting(known, 1, 64, 599)).as("200 more do not fit").isEqualTo(2);
        known.put(4, 600.0);
        assertThat(fitting(known, 1, 64, 1_000)).as("400 more fit").isEqualTo(8);
        assertThat(fitting(known, 1, 64, 999)).as("400 more do not fit").isEqualTo(4);
        assertThat(fitting(known, 1, 64, 500)).isEqualTo(2);
        assertThat(fitting(known, 1, 64, 100)).as("the gate refuses it").isEqualTo(1);
        assertThat(fitting(known, 1, 3, 1_000)).isEqualTo(2);
        assertThat(fitting(known, 1, 64, 0)).as("without limits").isEqualTo(1);
    }

    @Test
    void shouldForeseeNoLessThanTheSizeBeforeTook() {
        assertThat(fitting(new HashMap<>(Map.of(1, 700.0, 2, 600.0)), 1, 64, 800))
                .isEqualTo(4);
    }

    @Test
    void shouldTryAgainWhatSeemedTooLongByAnAccident() {
        Map<Integer, Double> known = new HashMap<>(Map.of(1, 300.0, 2, 5_000.0, 4, 600.0));
        assertThat(fitting(known, 1, 64, 1_000)).isEqualTo(1);
        assertThat(SliceSizing.fitting(1, 64, 1_000, true, size -> known.getOrDefault(size, 0.0)))
                .isEqualTo(2);
        assertThat(SliceSizing.fitting(1, 64, 299, true, size -> known.getOrDefault(size, 0.0)))
                .as("300 does not fit")
                .isEqualTo(1);
        known.put(2, 350.0);
        assertThat(fitting(known, 1, 64, 1_000)).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void shouldNeverTryMoreThanTheBoundButOnceWhereTimeRisesByALine(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int trial = 0; trial < 200; trial++) {
            double fixed = random.nextDouble(1, 100);
            double each = random.nextDouble(0, 20);
            long bound = (long) (fixed + 4 * each) + random.nextInt(1, 2_000);
            Map<Integer, Double> known = new HashMap<>();
            int size = 0;
            for (int tries = 0; tries < 20; tries++) {
                size = fitting(known, 4, 256, bound);
                double took = fixed + each * size;
                if (size == 8 && tries == 1) {
                    assertThat(took).isLessThanOrEqualTo(2.0 * bound);
                } else {
                    assertThat(took).isLessThanOrEqualTo(bound);
                }
                known.put(size, took);
            }
            boolean most = size == 256 || fixed + each * 2 * size > bound;
            assertThat(most)
                    .as("size %d of bound %d with %s", size, bound, known)
                    .isTrue();
        }
    }

    @Test
    void shouldRoundSizesUpToPowersOfTwo() {
        assertThat(SliceSizing.sizeClass(1)).isEqualTo(1);
        assertThat(SliceSizing.sizeClass(2)).isEqualTo(2);
        assertThat(SliceSizing.sizeClass(3)).isEqualTo(4);
        assertThat(SliceSizing.sizeClass(64)).isEqualTo(64);
        assertThat(SliceSizing.sizeClass(65)).isEqualTo(128);
        assertThatThrownBy(() -> SliceSizing.sizeClass(0)).hasMessageContaining("a batch of 0");
    }

    private static int fitting(Map<Integer, Double> known, int least, int most, long bound) {
        return SliceSizing.fitting(least, most, bound, false, size -> known.getOrDefault(size, 0.0));
    }
}

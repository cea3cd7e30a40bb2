package io.sluice.launcher.bench.recovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PairedRatioTest {
    private static final int BLOCK = 32;

    @ParameterizedTest
    @ValueSource(doubles = {1.0, 1.03})
    void shouldHoldTheTrueRatioThoughTheMachineChangesItsSpeed(double truth) {
        int held = 0;
        for (long seed = 0; seed < 20; seed++) {
            PairedRatio measured = measure(truth, seed);
            assertThat(measured.high() - measured.low()).as("seed %s", seed).isLessThan(0.02);
            held += measured.low() <= truth && truth <= measured.high() ? 1 : 0;
        }
        assertThat(held).isGreaterThanOrEqualTo(17);
    }

    @Test
    void shouldTellThreePercentFromNone() {
        for (long seed = 0; seed < 10; seed++) {
            assertThat(measure(1.0, seed).high()).isLessThan(1.03);
            assertThat(measure(1.06, seed).low()).isGreaterThan(1.03);
        }
    }

    @Test
    void shouldGiveTheSameIntervalForTheSameSeed() {
        assertThat(measure(1.01, 5)).isEqualTo(measure(1.01, 5));
    }

    @Test
    void shouldRejectTimesThatArePairsOfNothing() {
        assertThatThrownBy(() -> PairedRatio.of(new double[64], new double[63], BLOCK, 1))
                .hasMessageContaining("64 times")
                .hasMessageContaining("63 of the other");
        assertThatThrownBy(() -> PairedRatio.of(new double[40], new double[40], BLOCK, 1))
                .hasMessageContaining("two blocks of 32");
    }

    /** Steps of 8 ms: a machine that is up to twice as slow for a while, 5 % of noise, and now and then a long pause. */
    private static PairedRatio measure(double truth, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        double[] with = new double[640];
        double[] without = new double[640];
        double machine = 1;
        for (int i = 0; i < with.length; i++) {
            machine = i % 50 == 0 ? 1 + random.nextDouble() : machine;
            with[i] = 8e-3 * truth * machine * noise(random);
            without[i] = 8e-3 * machine * noise(random);
        }
        return PairedRatio.of(with, without, BLOCK, seed);
    }

    private static double noise(SplittableRandom random) {
        double pause = random.nextDouble() < 0.02 ? 3 : 1;
        return pause * (1 + 0.05 * (2 * random.nextDouble() - 1));
    }
}

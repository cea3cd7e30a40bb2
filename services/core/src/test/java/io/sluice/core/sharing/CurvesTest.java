package io.sluice.core.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.sharing.InterferenceModel.Beside;
import io.sluice.core.sharing.InterferenceModel.Critical;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CurvesTest {
    private static final List<Double> KNOTS = IsotonicCurve.even(0, 1, 9);

    @Test
    void shouldBeTheLeastSquaresMonotoneFit() {
        SplittableRandom random = new SplittableRandom(6);
        for (int round = 0; round < 200; round++) {
            boolean rising = random.nextBoolean();
            IsotonicCurve curve = IsotonicCurve.unknown(rising, KNOTS);
            for (int i = 0; i < 9 + random.nextInt(30); i++) {
                curve = curve.with(KNOTS.get(random.nextInt(9)), random.nextDouble(), 0.95);
            }
            double[] fitted = curve.fit();
            for (int i = 0; i < 9; i++) {
                if (curve.weights().get(i) > 0) {
                    assertThat(fitted[i]).as("round %d knot %d", round, i).isCloseTo(maxMin(curve, i), within(1e-9));
                }
                if (i > 0) {
                    assertThat(rising ? fitted[i] - fitted[i - 1] : fitted[i - 1] - fitted[i])
                            .isGreaterThanOrEqualTo(-1e-12);
                }
            }
        }
    }

    /** The fit by its max-min formula: greatest over starts of the least mean over ends. */
    private static double maxMin(IsotonicCurve curve, int i) {
        double sign = curve.rising() ? 1 : -1;
        double best = Double.NEGATIVE_INFINITY;
        for (int a = 0; a <= i; a++) {
            double least = Double.POSITIVE_INFINITY;
            for (int b = i; b < 9; b++) {
                double sum = 0;
                double mass = 0;
                for (int k = a; k <= b; k++) {
                    sum += curve.weights().get(k) * sign * curve.means().get(k);
                    mass += curve.weights().get(k);
                }
                least = mass > 0 ? Math.min(least, sum / mass) : least;
            }
            best = least < Double.POSITIVE_INFINITY ? Math.max(best, least) : best;
        }
        return sign * best;
    }

    @Test
    void shouldFollowADrift() {
        IsotonicCurve curve = IsotonicCurve.unknown(true, KNOTS);
        for (int i = 0; i < 200; i++) {
            curve = curve.with(i % 9 / 8.0, i % 9, 0.98);
        }
        assertThat(curve.at(0.5)).isCloseTo(4, within(0.01));
        for (int i = 0; i < 400; i++) {
            curve = curve.with(i % 9 / 8.0, 3 * (i % 9), 0.98);
        }
        assertThat(curve.at(0.5)).isCloseTo(12, within(0.2));
        assertThat(curve.at(0.5625)).isBetween(curve.at(0.5), curve.at(0.625));
        assertThat(curve.steepest()).isCloseTo(24, within(1.0));
    }

    @Test
    void shouldCountAContradictedPartLess() {
        IsotonicCurve curve = IsotonicCurve.unknown(true, KNOTS);
        for (double knot : KNOTS) {
            curve = curve.with(knot, 1, 1);
        }
        assertThat(curve.forgetFrom(0.5, 0.25).weights())
                .containsExactly(1.0, 1.0, 1.0, 1.0, 0.25, 0.25, 0.25, 0.25, 0.25);
    }

    @Test
    void shouldNotLearnFromPointsThatAreNone() {
        IsotonicCurve curve = IsotonicCurve.unknown(true, KNOTS).with(0.5, 1, 0.9);
        assertThat(curve.with(Double.NaN, 1, 0.9)).isEqualTo(curve);
        assertThat(curve.with(0.5, Double.POSITIVE_INFINITY, 0.9)).isEqualTo(curve);
        assertThat(LineFit.unknown().with(Double.NaN, 1, 0.9)).isEqualTo(LineFit.unknown());
        assertThat(IsotonicCurve.unknown(true, KNOTS).at(0.3)).isNaN();
        assertThat(IsotonicCurve.unknown(true, KNOTS).unknown()).isTrue();
    }

    @Test
    void shouldWidenWithWhatIsNotKnownWell() {
        SplittableRandom random = new SplittableRandom(8);
        IsotonicCurve curve = IsotonicCurve.unknown(true, KNOTS);
        for (int i = 0; i < 100; i++) {
            curve = curve.with(0.5, 10 + random.nextGaussian(), 1);
        }
        assertThat(curve.at(0.5)).isCloseTo(10, within(0.4));
        assertThat(curve.upperAt(0.5, 2) - curve.at(0.5)).isCloseTo(0.2, within(0.05));
    }

    @Test
    void shouldLearnWhatLanesDivideAndWhatTheyDoNot() {
        SplittableRandom random = new SplittableRandom(4);
        LineFit fit = LineFit.unknown();
        for (int i = 0; i < 500; i++) {
            double lanes = 8 + random.nextInt(120);
            fit = fit.with(1 / lanes, 2 + 300 / lanes + 0.01 * random.nextGaussian(), 0.995);
        }
        assertThat(fit.a()).isCloseTo(2, within(0.05));
        assertThat(fit.b()).isCloseTo(300, within(3.0));
        LineFit still = fit;
        for (int i = 0; i < 100_000; i++) {
            still = still.with(0.05, 17, 0.99);
        }
        assertThat(still.at(0.05)).as("the same point for ever").isCloseTo(17, within(0.01));
        assertThat(still.paa()).isFinite();
    }

    private static final DeviceModel DEVICE =
            new DeviceModel(100, 1e12, 50e6, 0.2, 4.7, 50, 300, 1_530, 0.77, 1_000, 5_100);
    private static final Critical WORK = new Critical(300e6, 1e6, 100, 400e9, 20e6, 200);

    private static double nanos(Beside beside) {
        return new InterferenceModel(DEVICE).nanos(WORK, beside);
    }

    @Test
    void shouldPredictEachTermOfInterference() {
        assertThat(nanos(Beside.NOTHING)).isEqualTo(4e6);
        assertThat(nanos(new Beside(0, 100_000, 2, 0, 0, 0)))
                .as("two slices met")
                .isEqualTo(4e6 + 2 * 51_000);
        assertThat(nanos(new Beside(50, 0, 0, 0, 0, 0))).as("half of the lanes").isEqualTo(7e6 + 100 * 5_100);
        assertThat(nanos(new Beside(0, 0, 0, 450e9, 0, 0))).as("bandwidth free").isEqualTo(4e6);
        assertThat(nanos(new Beside(0, 0, 0, 1_300e9, 0, 0)))
                .as("twice the bandwidth")
                .isCloseTo(8e6, within(1.0));
        assertThat(nanos(new Beside(0, 0, 0, 0, 25e6, 0))).as("half of the L2").isCloseTo(4.4e6, within(1.0));
        assertThat(nanos(new Beside(0, 0, 0, 0, 26e6, 0))).as("over the cliff").isGreaterThan(4 * 4.4e6);
        assertThat(nanos(new Beside(0, 0, 0, 0, 0, 50))).as("at the cap").isEqualTo(4e6);
        assertThat(nanos(new Beside(0, 0, 0, 0, 0, 150)))
                .as("100 W above the cap")
                .isCloseTo(4e6 / (1 - 77 / 1_530.0), within(1.0));
        assertThat(nanos(new Beside(100, 0, 0, 0, 0, 0))).isInfinite();
    }

    @Test
    void shouldLeaveOutTermsThatAreNotKnown() {
        double plain = new InterferenceModel(DeviceModel.plain(100)).nanos(WORK, new Beside(0, 0, 0, 1e15, 1e12, 1e6));
        assertThat(plain).isEqualTo(4e6);
    }

    @Test
    void shouldRejectAbsurdSettings() {
        assertThatThrownBy(() -> new Beside(Double.NaN, 0, 0, 0, 0, 0)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> new Critical(-1, 0, 0, 0, 0, 0)).hasMessageContaining("-1.0");
        assertThatThrownBy(() -> IsotonicCurve.unknown(true, List.of(1.0, 1.0))).hasMessageContaining("rise");
    }
}

package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.FloatBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class SamplerTest {
    private static final int DRAWS = 20_000;

    @Test
    void shouldTakeTheLowestIdAmongEqualsWhenGreedy() {
        assertThat(Sampler.sample(logits(1, 3, 2, 3), SamplingParams.GREEDY, 0)).isEqualTo(1);
        assertThat(Sampler.sample(logits(1, 3, 2, 3), new SamplingParams(2, 1, 1, 5), 9))
                .isEqualTo(1);
    }

    @Test
    void shouldReadBetweenPositionAndLimitAndLeaveThem() {
        FloatBuffer buffer = logits(99, 1, 2, 98);
        buffer.position(1).limit(3);
        assertThat(Sampler.sample(buffer, SamplingParams.GREEDY, 0)).isEqualTo(1);
        assertThat(Sampler.sample(buffer, new SamplingParams(1e-9, 0, 1, 3), 0)).isEqualTo(1);
        assertThat(buffer.position()).isEqualTo(1);
        assertThat(buffer.limit()).isEqualTo(3);
    }

    @Test
    void shouldDrawByTheSoftmaxOfLogitsOverTemperature() {
        double[] shares = shares(new SamplingParams(0.5, 0, 1, 1), 0f, 1f, 0.5f, Float.NEGATIVE_INFINITY);
        double total = Math.exp(0) + Math.exp(2) + Math.exp(1);
        assertThat(shares[0]).isCloseTo(Math.exp(0) / total, within(0.01));
        assertThat(shares[1]).isCloseTo(Math.exp(2) / total, within(0.01));
        assertThat(shares[2]).isCloseTo(Math.exp(1) / total, within(0.01));
        assertThat(shares[3]).isZero();
    }

    @Test
    void shouldKeepOnlyTheLikeliestTopK() {
        double[] shares = shares(new SamplingParams(1, 2, 1, 2), 0f, 2f, 1f, 1f);
        assertThat(shares[0]).isZero();
        assertThat(shares[3]).as("the higher of two equal ids").isZero();
        assertThat(shares[1]).isCloseTo(Math.E / (Math.E + 1), within(0.01));
        assertThat(shares[2]).isCloseTo(1 / (Math.E + 1), within(0.01));
    }

    @Test
    void shouldKeepTheFewestThatReachTopP() {
        float[] logits = {(float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.15), (float) Math.log(0.05)};
        double[] shares = shares(new SamplingParams(1, 0, 0.75, 3), logits);
        assertThat(shares[0]).isCloseTo(0.5 / 0.8, within(0.01));
        assertThat(shares[1]).isCloseTo(0.3 / 0.8, within(0.01));
        assertThat(shares[2] + shares[3]).isZero();
        assertThat(shares(new SamplingParams(1, 0, 0.4, 3), logits)[0]).isEqualTo(1);
    }

    @Test
    void shouldApplyTopPToWhatTopKLeft() {
        float[] logits = {(float) Math.log(0.4), (float) Math.log(0.3), (float) Math.log(0.2), (float) Math.log(0.1)};
        // Of the top two, 4/7 and 3/7, the first alone reaches 0.55; of all four it would not.
        double[] shares = shares(new SamplingParams(1, 2, 0.55, 4), logits);
        assertThat(shares[0]).isEqualTo(1);
    }

    @Test
    void shouldDependOnSeedAndPositionOnly() {
        SplittableRandom random = new SplittableRandom(5);
        float[] values = new float[1000];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        SamplingParams params = new SamplingParams(1, 50, 0.9, 42);
        int changed = 0;
        for (int position = 0; position < 100; position++) {
            int first = Sampler.sample(logits(values), params, position);
            assertThat(Sampler.sample(logits(values), params, position)).isEqualTo(first);
            changed += first == Sampler.sample(logits(values), new SamplingParams(1, 50, 0.9, 43), position) ? 0 : 1;
        }
        assertThat(changed).isGreaterThan(80);
    }

    @Test
    void shouldKeepItsRandomNumbersForEver() {
        assertThat(Sampler.uniform(0, 0)).isEqualTo(0.8833108082136426);
        assertThat(Sampler.uniform(1, 0)).isNotEqualTo(Sampler.uniform(0, 1));
    }

    @Test
    void shouldGiveUniformNumbersWithoutCorrelationOfNeighbours() {
        double sum = 0;
        double product = 0;
        for (int i = 0; i < DRAWS; i++) {
            double u = Sampler.uniform(7, i);
            assertThat(u).isBetween(0.0, 1.0);
            sum += u;
            product += (u - 0.5) * (Sampler.uniform(8, i) - 0.5);
        }
        assertThat(sum / DRAWS).isCloseTo(0.5, within(0.01));
        assertThat(product / DRAWS).isCloseTo(0, within(0.003));
    }

    @Test
    void shouldRefuseDamagedLogits() {
        assertThatThrownBy(() -> Sampler.sample(logits(1, Float.NaN), SamplingParams.GREEDY, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("token 1 is NaN");
        assertThatThrownBy(() -> Sampler.sample(logits(1, Float.POSITIVE_INFINITY), SamplingParams.GREEDY, 0))
                .hasMessageContaining("Infinity");
        assertThatThrownBy(() -> Sampler.sample(logits(Float.NEGATIVE_INFINITY), SamplingParams.GREEDY, 0))
                .hasMessageContaining("-Infinity");
    }

    @Test
    void shouldRefuseParametersOutOfRange() {
        assertThatThrownBy(() -> new SamplingParams(-1, 0, 1, 0)).hasMessageContaining("temperature -1.0");
        assertThatThrownBy(() -> new SamplingParams(Double.NaN, 0, 1, 0)).hasMessageContaining("temperature NaN");
        assertThatThrownBy(() -> new SamplingParams(1, -1, 1, 0)).hasMessageContaining("top_k -1");
        assertThatThrownBy(() -> new SamplingParams(1, 0, 0, 0)).hasMessageContaining("top_p 0.0");
        assertThatThrownBy(() -> new SamplingParams(1, 0, 1.1, 0)).hasMessageContaining("top_p 1.1");
    }

    private static double[] shares(SamplingParams params, float... values) {
        double[] shares = new double[values.length];
        for (int i = 0; i < DRAWS; i++) {
            shares[Sampler.sample(logits(values), params, i)] += 1.0 / DRAWS;
        }
        for (int i = 0; i < shares.length; i++) {
            shares[i] = Math.rint(shares[i] * DRAWS) / DRAWS;
        }
        return shares;
    }

    private static FloatBuffer logits(float... values) {
        return FloatBuffer.wrap(values);
    }
}

package io.sluice.sharing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.sharing.policy.PoolPolicy;
import io.sluice.sharing.policy.PoolPolicy.Choice;
import java.util.List;
import org.junit.jupiter.api.Test;

final class PoolMixTest {
    @Test
    void shouldKeepThePlanWithinItsBudgetOfSwitches() {
        for (List<String> models : PoolMix.MIXES) {
            PoolMix plan = PoolMix.run(models, Choice.PLANNED, 0.1, 1);
            // a request may change pool once more, back to where the next one begins
            assertThat(plan.switchesPerRequest())
                    .as("%s", models)
                    .isLessThanOrEqualTo(1.25 * models.size() * (PoolPolicy.SWITCH_BUDGET + 1));
        }
    }

    @Test
    void shouldPayForAMaskCallAtEveryKernel() {
        List<String> models = PoolMix.MIXES.get(5);
        PoolMix pooled = PoolMix.run(models, Choice.PER_KERNEL, 0.2, 1);
        PoolMix called = PoolMix.run(models, Choice.PER_KERNEL_BY_CALL, 0.2, 1);
        PoolMix planned = PoolMix.run(models, Choice.PLANNED, 0.2, 1);
        assertThat(called.relativeRate()).isLessThan(pooled.relativeRate());
        assertThat(pooled.relativeRate()).isLessThan(planned.relativeRate());
        assertThat(planned.switchesPerRequest()).isLessThan(pooled.switchesPerRequest() / 5);
    }

    @Test
    void shouldGainThroughputAndEnergyByThePlanThatWasMeasuredBest() {
        for (int mix : new int[] {1, 4, 6}) {
            List<String> models = PoolMix.MIXES.get(mix);
            PoolMix none = PoolMix.run(models, Choice.NONE, 0.5, 1);
            PoolMix adaptive = PoolMix.run(models, Choice.ADAPTIVE, 0.5, 1);
            PoolMix planned = PoolMix.run(models, Choice.PLANNED, 0.5, 1);
            assertThat(adaptive.relativeRate()).as("%s", models).isGreaterThan(1.05);
            assertThat(adaptive.relativeRate()).as("%s", models).isGreaterThan(planned.relativeRate() - 0.02);
            assertThat(adaptive.energyEfficiencyOver(none)).as("%s", models).isGreaterThan(1.1);
            assertThat(adaptive.switchesPerRequest())
                    .as("%s", models)
                    .isLessThanOrEqualTo(1.25 * models.size() * (PoolPolicy.SWITCH_BUDGET + 1));
        }
    }

    @Test
    void shouldKeepThreeWorkersApartWhereThatSavesEnergyAndTime() {
        for (int mix : new int[] {2, 3}) {
            List<String> models = PoolMix.MIXES.get(mix);
            for (long seed : new long[] {1, 2}) {
                PoolMix none = PoolMix.run(models, Choice.NONE, 1.5, seed);
                PoolMix adaptive = PoolMix.run(models, Choice.ADAPTIVE, 1.5, seed);
                PoolMix planned = PoolMix.run(models, Choice.PLANNED, 1.5, seed);
                assertThat(adaptive.relativeRate())
                        .as("%s, seed %s", models, seed)
                        .isGreaterThan(1.13)
                        .isGreaterThan(planned.relativeRate());
                assertThat(adaptive.energyEfficiencyOver(none)).as("%s", models).isGreaterThan(1.15);
                assertThat(adaptive.p95Over(none)).as("%s", models).isLessThan(1);
            }
        }
    }

    @Test
    void shouldRefuseAMixThatItHasNoLayoutFor() {
        assertThatThrownBy(() -> PoolMix.run(List.of("albert"), Choice.PLANNED, 0.1, 1))
                .hasMessageContaining("two or three workers");
        assertThatThrownBy(() -> PoolMix.run(List.of("albert", "gpt"), Choice.NONE, 0.1, 1))
                .hasMessageContaining("no model gpt");
    }
}

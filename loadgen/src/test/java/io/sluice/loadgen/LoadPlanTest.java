package io.sluice.loadgen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.records.Slo;
import java.util.List;
import org.junit.jupiter.api.Test;

class LoadPlanTest {
    private static final LoadPlan.Shape SHAPE = new LoadPlan.Shape("m", "run", 32, 0f, 7);

    @Test
    void shouldGiveEveryRequestTheObjectivesAskedFor() {
        LoadPlan plan = LoadPlan.ofPrompts(List.of("a", "b"), SHAPE, 5);
        assertThat(plan.withSlo(700L, null).requests())
                .extracting(
                        LoadPlan.Planned::offsetMs, planned -> planned.request().getSlo())
                .containsExactly(tuple(0.0, new Slo(700L, null)), tuple(5.0, new Slo(700L, null)));
        assertThat(plan.withSlo(null, null)).isEqualTo(plan);
    }

    @Test
    void shouldGiveTheSamePlanForTheSameSeed() {
        assertThat(LoadPlan.ofTrace(Trace.bundled(), 50, 10, 0.1, SHAPE))
                .isEqualTo(LoadPlan.ofTrace(Trace.bundled(), 50, 10, 0.1, SHAPE));
    }

    @Test
    void shouldScaleArrivalsAndBoundLengths() {
        LoadPlan plan = LoadPlan.ofTrace(Trace.bundled(), 1500, 10, 0.1, SHAPE);
        assertThat(plan.requests()).hasSize(1500);
        assertThat(plan.requests().get(1).offsetMs()).isEqualTo(431.4579);
        assertThat(plan.requests()).isSortedAccordingTo((a, b) -> Double.compare(a.offsetMs(), b.offsetMs()));
        assertThat(plan.requests())
                .allSatisfy(p -> assertThat(p.request().getMaxTokens()).isBetween(1, 32));
        assertThat(plan.requests().stream().map(p -> p.request().getRequestId()).distinct())
                .hasSize(1500);
    }

    @Test
    void shouldKeepPromptsInOrder() {
        LoadPlan plan = LoadPlan.ofPrompts(List.of("a", "b"), SHAPE, 100);
        assertThat(plan.requests()).extracting(p -> p.request().getPrompt()).containsExactly("a", "b");
        assertThat(plan.requests()).extracting(LoadPlan.Planned::offsetMs).containsExactly(0.0, 100.0);
    }

    @Test
    void shouldRefuseNonsense() {
        assertThatThrownBy(() -> new LoadPlan.Shape("m", "r", 0, 0f, 0)).hasMessageContaining("max tokens 0");
        assertThatThrownBy(() -> new LoadPlan.Shape("m", "r", 1, Float.NaN, 0)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> LoadPlan.ofTrace(Trace.bundled(), 1, 0, 1, SHAPE))
                .hasMessageContaining("speed");
    }
}

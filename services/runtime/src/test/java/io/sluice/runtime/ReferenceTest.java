package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.runtime.InProcessGenerator.Request;
import io.sluice.runtime.weights.SafetensorsModel;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The shipped model against the continuations an independent float64 implementation computed. */
final class ReferenceTest {
    private static final RuntimeOptions OPTIONS = new RuntimeOptions(2, 64 << 20);

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 6})
    void shouldRepeatTheReferenceWithAnyNumberOfStages(int stages) throws Exception {
        try (ModelWeights weights = SafetensorsModel.open(PsalmModel.folder());
                InProcessGenerator generator = InProcessGenerator.open(
                        weights, PsalmModel.cut(weights.config().layerCount(), stages), OPTIONS)) {
            for (PsalmModel.Case reference : PsalmModel.cases()) {
                int[] ids = generator.generate(
                        reference.promptIds(), reference.greedyIds().length, SamplingParams.GREEDY, 8);
                assertThat(ids).as(reference.prompt()).isEqualTo(reference.greedyIds());
            }
        }
    }

    @Test
    void shouldRepeatTheReferenceWithAllPromptsAtOnce() throws Exception {
        List<PsalmModel.Case> cases = PsalmModel.cases();
        assertThat(cases).hasSizeGreaterThanOrEqualTo(20);
        List<Request> requests = cases.stream()
                .map(c -> new Request(c.promptIds(), c.greedyIds().length, SamplingParams.GREEDY, false))
                .toList();
        try (ModelWeights weights = SafetensorsModel.open(PsalmModel.folder());
                InProcessGenerator generator = InProcessGenerator.open(weights, OPTIONS)) {
            List<int[]> texts = generator.generateAll(requests, 512);
            for (int i = 0; i < cases.size(); i++) {
                assertThat(texts.get(i))
                        .as(cases.get(i).prompt())
                        .isEqualTo(cases.get(i).greedyIds());
            }
        }
    }
}

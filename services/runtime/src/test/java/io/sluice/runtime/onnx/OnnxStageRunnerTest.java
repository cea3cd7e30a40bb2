package io.sluice.runtime.onnx;

import static io.sluice.runtime.onnx.TinyStages.LAYERS;
import static io.sluice.runtime.onnx.TinyStages.copy;
import static io.sluice.runtime.onnx.TinyStages.hidden;
import static io.sluice.runtime.onnx.TinyStages.hiddenIn;
import static io.sluice.runtime.onnx.TinyStages.logits;
import static io.sluice.runtime.onnx.TinyStages.runner;
import static io.sluice.runtime.onnx.TinyStages.solo;
import static io.sluice.runtime.onnx.TinyStages.tokens;
import static io.sluice.runtime.onnx.TinyStages.tokensIn;
import static io.sluice.runtime.onnx.TinyStages.withLogits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every comparison here is of bits, not of near values. */
final class OnnxStageRunnerTest {
    private static ModelWeights weights;
    private static OnnxStageRunner whole;

    @BeforeAll
    static void load(@TempDir Path folder) throws Exception {
        weights = TinyStages.weights(folder);
        whole = runner(weights, 0, LAYERS);
    }

    @AfterAll
    static void unload() {
        whole.close();
        weights.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 6})
    void shouldGiveTheSameBitsHoweverTheLayersAreSplit(int stages) {
        int[] prompt = tokens(1, 23);
        int[] following = tokens(2, 12);
        List<float[]> expected = solo(whole, prompt, following);
        List<OnnxStageRunner> chain = new ArrayList<>();
        List<KvSlot> slots = new ArrayList<>();
        for (int i = 0; i < stages; i++) {
            chain.add(runner(weights, LAYERS * i / stages, LAYERS * (i + 1) / stages));
            slots.add(chain.get(i).reserve(64).orElseThrow());
        }
        for (int step = 0; step < expected.size(); step++) {
            float[] x = hidden(
                    chain.getFirst(),
                    step == 0 ? tokensIn(slots.getFirst(), prompt) : tokensIn(slots.getFirst(), following[step - 1]));
            for (int i = 1; i < stages - 1; i++) {
                x = hidden(
                        chain.get(i),
                        hiddenIn(slots.get(i), x, chain.get(i).layers().first()));
            }
            OnnxStageRunner last = chain.getLast();
            assertThat(logits(last, hiddenIn(slots.getLast(), x, last.layers().first())))
                    .as("step %d", step)
                    .isEqualTo(expected.get(step));
        }
        chain.forEach(OnnxStageRunner::close);
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4, 7, 16, 22, 23, 64})
    void shouldGiveTheSameBitsHoweverThePromptIsChunked(int chunk) {
        int[] prompt = tokens(3, 23);
        int[] following = tokens(4, 3);
        assertThat(solo(whole, prompt, following, chunk)).containsExactlyElementsOf(solo(whole, prompt, following));
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 16, 31, 32, 33, 34, 64, 65, 66, 97, 98, 129})
    void shouldGiveTheSameBitsWhereAChunkIsOnePositionMoreThanAttentionTakesAtOnce(int chunk) {
        for (int tokens : new int[] {33, 65, 98, 129, 130}) {
            int[] prompt = tokens(3, tokens);
            int[] following = tokens(4, 2);
            assertThat(solo(whole, prompt, following, chunk))
                    .as("%d tokens", tokens)
                    .containsExactlyElementsOf(solo(whole, prompt, following, 24));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4, 5, 8, 12})
    void shouldGiveTheSameBitsWhateverElseIsInTheBatch(int sessions) {
        int steps = 6;
        List<KvSlot> slots = new ArrayList<>();
        List<List<float[]>> expected = new ArrayList<>();
        for (int s = 0; s < sessions; s++) {
            expected.add(solo(whole, tokens(s, 1 + 5 * s), tokens(100 + s, steps)));
        }
        for (int s = 0; s < sessions; s++) {
            slots.add(whole.reserve(64).orElseThrow());
            assertThat(logits(whole, tokensIn(slots.get(s), tokens(s, 1 + 5 * s))))
                    .isEqualTo(expected.get(s).getFirst());
        }
        for (int step = 0; step < steps; step++) {
            List<StageInput> batch = new ArrayList<>();
            for (int s = 0; s < sessions; s++) {
                batch.add(withLogits(tokensIn(slots.get(s), tokens(100 + s, steps)[step])));
            }
            List<StageOutput> outputs = whole.run(batch);
            for (int s = 0; s < sessions; s++) {
                assertThat(copy(outputs.get(s).logits()))
                        .as("session %d step %d", s, step)
                        .isEqualTo(expected.get(s).get(step + 1));
            }
        }
        slots.forEach(whole::release);
    }

    @Test
    void shouldRunDecodeAndPrefillOfSeveralSlotLengthsInOneCall() {
        KvSlot small = whole.reserve(40).orElseThrow();
        KvSlot large = whole.reserve(200).orElseThrow();
        KvSlot fresh = whole.reserve(100).orElseThrow();
        logits(whole, tokensIn(small, tokens(1, 9)));
        logits(whole, tokensIn(large, tokens(2, 120)));
        List<StageOutput> outputs = whole.run(List.of(
                withLogits(tokensIn(large, 5)),
                withLogits(tokensIn(fresh, tokens(3, 70))),
                withLogits(tokensIn(small, 6))));
        assertThat(copy(outputs.get(0).logits()))
                .isEqualTo(solo(whole, tokens(2, 120), new int[] {5}).get(1));
        assertThat(copy(outputs.get(1).logits()))
                .isEqualTo(solo(whole, tokens(3, 70), new int[0]).getFirst());
        assertThat(copy(outputs.get(2).logits()))
                .isEqualTo(solo(whole, tokens(1, 9), new int[] {6}).get(1));
        List.of(small, large, fresh).forEach(whole::release);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 7, 22, 23, 24, 29, 31})
    void shouldGiveTheSameBitsAfterASlotWasCutAndComputedAgain(int length) {
        int[] prompt = tokens(7, 23);
        int[] following = tokens(8, 12);
        List<float[]> expected = solo(whole, prompt, following);
        KvSlot slot = whole.reserve(64).orElseThrow();
        KvSlot neighbour = whole.reserve(64).orElseThrow();
        logits(whole, tokensIn(slot, prompt));
        logits(whole, tokensIn(neighbour, tokens(9, 5)));
        for (int step = 0; step < 8; step++) {
            logits(whole, tokensIn(slot, tokens(10, 8)[step])); // to be forgotten
        }

        whole.truncate(slot, length);
        logits(whole, tokensIn(neighbour, 3)); // the cut slot stands idle beside it
        assertThat(slot.length()).isEqualTo(length);
        if (length < prompt.length) {
            int from = Math.min(length, prompt.length - 2); // no run of one position within the prompt
            whole.truncate(slot, from);
            assertThat(logits(whole, tokensIn(slot, Arrays.copyOfRange(prompt, from, prompt.length))))
                    .isEqualTo(expected.getFirst());
        } else {
            whole.truncate(slot, prompt.length);
        }
        for (int step = 0; step < following.length; step++) {
            assertThat(logits(whole, tokensIn(slot, following[step])))
                    .as("step %d", step)
                    .isEqualTo(expected.get(step + 1));
        }
        List.of(slot, neighbour).forEach(whole::release);
    }

    @Test
    void shouldRefuseToCutASlotToMoreThanItHasOrOneThatIsDead() {
        KvSlot slot = whole.reserve(64).orElseThrow();
        logits(whole, tokensIn(slot, tokens(1, 5)));
        assertThatThrownBy(() -> whole.truncate(slot, 6)).hasMessageContaining("cannot be cut to 6 positions");
        assertThatThrownBy(() -> whole.truncate(slot, -1)).hasMessageContaining("cannot be cut to -1 positions");
        whole.release(slot);
        assertThatThrownBy(() -> whole.truncate(slot, 0)).hasMessageContaining("is not held by this runner");
    }

    @Test
    void shouldEnterInTheMiddleOfItsLayers() {
        int[] prompt = tokens(5, 17);
        int[] following = tokens(6, 4);
        List<float[]> expected = solo(whole, prompt, following);
        try (OnnxStageRunner front2 = runner(weights, 0, 2);
                OnnxStageRunner front4 = runner(weights, 0, 4);
                OnnxStageRunner back = runner(weights, 2, LAYERS)) {
            List<OnnxStageRunner> fronts = List.of(front2, front4);
            List<KvSlot> frontSlots =
                    fronts.stream().map(f -> f.reserve(64).orElseThrow()).toList();
            List<KvSlot> backSlots =
                    List.of(back.reserve(64).orElseThrow(), back.reserve(64).orElseThrow());
            for (int step = 0; step <= following.length; step++) {
                List<StageInput> batch = new ArrayList<>();
                for (int i = 0; i < 2; i++) {
                    float[] x = hidden(
                            fronts.get(i),
                            step == 0
                                    ? tokensIn(frontSlots.get(i), prompt)
                                    : tokensIn(frontSlots.get(i), following[step - 1]));
                    batch.add(withLogits(
                            hiddenIn(backSlots.get(i), x, fronts.get(i).layers().end())));
                }
                for (StageOutput output : back.run(batch)) {
                    assertThat(copy(output.logits())).as("step %d", step).isEqualTo(expected.get(step));
                }
            }
        }
    }

    @Test
    void shouldLeaveNeighboursAloneWhenAFullSlotStandsInAGap() {
        KvSlot left = whole.reserve(64).orElseThrow();
        KvSlot full = whole.reserve(64).orElseThrow();
        KvSlot right = whole.reserve(64).orElseThrow();
        logits(whole, tokensIn(left, tokens(1, 10)));
        logits(whole, tokensIn(full, tokens(2, 64)));
        logits(whole, tokensIn(right, tokens(3, 20)));
        List<float[]> expectedLeft = solo(whole, tokens(1, 10), tokens(11, 8));
        List<float[]> expectedRight = solo(whole, tokens(3, 20), tokens(13, 8));
        for (int step = 0; step < 8; step++) {
            List<StageOutput> outputs = whole.run(List.of(
                    withLogits(tokensIn(left, tokens(11, 8)[step])), withLogits(tokensIn(right, tokens(13, 8)[step]))));
            assertThat(copy(outputs.get(0).logits())).isEqualTo(expectedLeft.get(step + 1));
            assertThat(copy(outputs.get(1).logits())).isEqualTo(expectedRight.get(step + 1));
        }
        assertThat(full.length()).isEqualTo(64);
        List.of(left, full, right).forEach(whole::release);
    }

    @Test
    void shouldTakeTheLowestFreeSlotFirst() {
        List<KvSlot> slots = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            slots.add(whole.reserve(64).orElseThrow());
        }
        whole.release(slots.get(1));
        whole.release(slots.get(2));
        CacheSlot next = (CacheSlot) whole.reserve(50).orElseThrow();
        assertThat(next.row()).isEqualTo(1);
        List.of(slots.get(0), next, slots.get(3)).forEach(whole::release);
        assertThat(whole.kvReservedTokens()).isZero();
    }

    @Test
    void shouldNotReadWeightsFromJavaMemoryAfterLoading() {
        try (LogitsHead head = HeadPartsTest.head(OnnxEngine.get(2, false), weights, HeadParts.of(weights.config()))) {
            assertThat(head.keptBytes()).isZero();
        }
    }
}

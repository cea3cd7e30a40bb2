package io.sluice.runtime.onnx;

import static io.sluice.runtime.onnx.TinyStages.copy;
import static io.sluice.runtime.onnx.TinyStages.runner;
import static io.sluice.runtime.onnx.TinyStages.solo;
import static io.sluice.runtime.onnx.TinyStages.tokens;
import static io.sluice.runtime.onnx.TinyStages.tokensIn;
import static io.sluice.runtime.onnx.TinyStages.withLogits;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.routing.KvReservation;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.runtime.weights.SyntheticModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions that come and go at random, against each of them run alone; and the budget while they do. */
final class ChurnTest {
    private static final int LAYERS = TinyStages.LAYERS;
    private static final long BYTES_PER_TOKEN = SyntheticModel.tiny().kvBytesPerTokenAndLayer() * LAYERS;

    @TempDir
    Path folder;

    /** A session's whole script, known beforehand. */
    private record Script(int[] prompt, int[] following, List<float[]> expected) {}

    private static final class Running {
        final Script script;
        final KvSlot slot;
        int done;

        Running(Script script, KvSlot slot) {
            this.script = script;
            this.slot = slot;
        }

        StageInput next() {
            return withLogits(done == 0 ? tokensIn(slot, script.prompt) : tokensIn(slot, script.following[done - 1]));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void shouldGiveEverySessionTheBitsItGetsAlone(long seed) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        long budget = 1100 * BYTES_PER_TOKEN;
        try (ModelWeights weights = TinyStages.weights(folder);
                OnnxStageRunner alone = runner(weights, 0, TinyStages.LAYERS, budget);
                OnnxStageRunner shared = runner(weights, 0, TinyStages.LAYERS, budget)) {
            List<Script> scripts = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                scripts.add(script(alone, random.nextLong(), 1 + random.nextInt(90), 1 + random.nextInt(40)));
            }
            List<Running> running = new ArrayList<>();
            int finished = 0;
            for (int step = 0; step < 250; step++) {
                if (random.nextInt(3) == 0) {
                    join(shared, scripts.get(random.nextInt(scripts.size())), running);
                }
                List<Running> ready = new ArrayList<>(running);
                ready.removeIf(r -> random.nextInt(3) == 0);
                Collections.shuffle(ready, new Random(random.nextLong()));
                List<StageInput> batch = ready.stream().map(Running::next).toList();
                List<StageOutput> outputs = shared.run(batch);
                for (int i = 0; i < ready.size(); i++) {
                    Running session = ready.get(i);
                    assertThat(copy(outputs.get(i).logits()))
                            .as("seed %d step %d %s", seed, step, session.slot)
                            .isEqualTo(session.script.expected.get(session.done));
                    session.done++;
                }
                assertThat(shared.kvAllocatedBytes()).isLessThanOrEqualTo(budget);
                for (Running session : List.copyOf(running)) {
                    boolean leaves = random.nextInt(50) == 0;
                    if (leaves || session.done == session.script.expected.size()) {
                        shared.release(session.slot);
                        running.remove(session);
                        finished++;
                    }
                }
            }
            assertThat(finished).isGreaterThan(20);
        }
    }

    @Test
    void shouldRefuseOnlyWhenTheReservedTokensExceedTheCapacity() throws Exception {
        SplittableRandom random = new SplittableRandom(11);
        long capacity = 900;
        try (ModelWeights weights = TinyStages.weights(folder);
                OnnxStageRunner runner = runner(weights, 0, LAYERS, capacity * BYTES_PER_TOKEN)) {
            assertThat(runner.kvCapacityTokens()).isEqualTo(capacity);
            List<KvSlot> slots = new ArrayList<>();
            int refused = 0;
            for (int step = 0; step < 2000; step++) {
                if (random.nextInt(9) < 5) {
                    int tokens = 1 + random.nextInt(512) >> random.nextInt(4);
                    int wanted = KvReservation.roundUp(Math.max(1, tokens));
                    long before = runner.kvReservedTokens();
                    var slot = runner.reserve(Math.max(1, tokens));
                    assertThat(slot.isPresent()).isEqualTo(before + wanted <= capacity);
                    refused += slot.isPresent() ? 0 : 1;
                    slot.ifPresent(slots::add);
                } else if (!slots.isEmpty()) {
                    runner.release(slots.remove(random.nextInt(slots.size())));
                }
                assertThat(runner.kvAllocatedBytes()).isLessThanOrEqualTo(capacity * BYTES_PER_TOKEN);
                assertThat(runner.kvReservedTokens())
                        .isEqualTo(slots.stream()
                                .mapToLong(slot -> KvReservation.roundUp(slot.capacityTokens()))
                                .sum());
            }
            assertThat(refused).isGreaterThan(100);
        }
    }

    private static void join(OnnxStageRunner runner, Script script, List<Running> running) {
        int positions = script.prompt.length + script.following.length;
        runner.reserve(positions).ifPresent(slot -> running.add(new Running(script, slot)));
    }

    private static Script script(OnnxStageRunner alone, long seed, int promptLength, int followingLength) {
        int[] prompt = tokens(seed, promptLength);
        int[] following = tokens(seed + 1, followingLength);
        return new Script(prompt, following, expected(alone, prompt, following));
    }

    private static List<float[]> expected(OnnxStageRunner alone, int[] prompt, int[] following) {
        return List.copyOf(Arrays.asList(solo(alone, prompt, following).toArray(float[][]::new)));
    }
}

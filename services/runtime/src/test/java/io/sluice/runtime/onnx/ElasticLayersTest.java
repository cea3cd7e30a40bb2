package io.sluice.runtime.onnx;

import static io.sluice.runtime.onnx.TinyStages.LAYERS;
import static io.sluice.runtime.onnx.TinyStages.copy;
import static io.sluice.runtime.onnx.TinyStages.hidden;
import static io.sluice.runtime.onnx.TinyStages.hiddenIn;
import static io.sluice.runtime.onnx.TinyStages.runner;
import static io.sluice.runtime.onnx.TinyStages.solo;
import static io.sluice.runtime.onnx.TinyStages.tokens;
import static io.sluice.runtime.onnx.TinyStages.tokensIn;
import static io.sluice.runtime.onnx.TinyStages.withLogits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.core.LayerRange;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.ReadyLayers;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.runtime.weights.LlamaTensors;
import io.sluice.runtime.weights.SafetensorsModel;
import io.sluice.runtime.weights.SyntheticModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers that come and go under running sessions; every comparison is of bits. */
final class ElasticLayersTest {
    private static final long BYTES_PER_TOKEN_AND_LAYER = SyntheticModel.tiny().kvBytesPerTokenAndLayer();
    private static final RuntimeOptions OPTIONS = new RuntimeOptions(2, TinyStages.KV_BYTES);
    private static final Path STATUS = Path.of("/proc/self/status");
    private static ModelWeights weights;
    /** Never changes; runs whatever the runner under test does not. */
    private static OnnxStageRunner fixed;

    private final ExecutorService loader = Executors.newSingleThreadExecutor();

    /** A session that runs [0, first) on the fixed runner, its range on the other, and the rest on the fixed one. */
    private final class Session {
        final LayerRange range;
        final int[] prompt;
        final int[] following;
        final List<float[]> expected;
        final KvSlot before;
        final KvSlot slot;
        final KvSlot after;
        int done;

        Session(OnnxStageRunner runner, LayerRange range, long seed, int promptLength, int steps) {
            this.range = range;
            prompt = tokens(seed, promptLength);
            following = tokens(seed + 1, steps);
            expected = solo(fixed, prompt, following);
            int positions = promptLength + steps;
            before = range.first() == 0
                    ? null
                    : fixed.reserve(positions, new LayerRange(0, range.first())).orElseThrow();
            slot = runner.reserve(positions, range).orElseThrow();
            after = range.end() == LAYERS
                    ? null
                    : fixed.reserve(positions, new LayerRange(range.end(), LAYERS))
                            .orElseThrow();
        }

        boolean finished() {
            return done == expected.size();
        }

        StageInput input() {
            int[] ids = done == 0 ? prompt : new int[] {following[done - 1]};
            StageInput input = before == null
                    ? tokensIn(slot, ids)
                    : hiddenIn(slot, hidden(fixed, tokensIn(before, ids)), range.first());
            return after == null ? withLogits(input) : input;
        }

        void take(StageOutput output, Object context) {
            float[] logits = after == null
                    ? copy(output.logits())
                    : TinyStages.logits(fixed, hiddenIn(after, copy(output.hidden()), range.end()));
            assertThat(logits).as("%s, %s step %d", context, range, done).isEqualTo(expected.get(done));
            done++;
        }

        void end(OnnxStageRunner runner) {
            runner.release(slot);
            Optional.ofNullable(before).ifPresent(fixed::release);
            Optional.ofNullable(after).ifPresent(fixed::release);
        }
    }

    @BeforeAll
    static void load(@TempDir Path folder) throws Exception {
        weights = TinyStages.weights(folder);
        fixed = runner(weights, 0, LAYERS);
    }

    @AfterAll
    static void unload() {
        fixed.close();
        weights.close();
    }

    @AfterEach
    void stop() {
        loader.shutdownNow();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void shouldGiveEverySessionTheBitsOfAFixedRunnerWhileRangesGrowShrinkAndMove(long seed) throws Exception {
        SplittableRandom random = new SplittableRandom(seed);
        List<Session> running = new ArrayList<>();
        int finished = 0;
        int mixed = 0;
        try (OnnxStageRunner runner = OnnxStageRunner.empty(weights, OPTIONS)) {
            Future<ReadyLayers> loading = null;
            LayerRange target = null;
            for (int step = 0; step < 120 || !running.isEmpty(); step++) {
                if (loading == null && step % 12 == 0 && step < 120) {
                    int first = random.nextInt(LAYERS);
                    target = new LayerRange(first, first + 1 + random.nextInt(LAYERS - first));
                    HeldLayers missing = HeldLayers.of(target).minus(runner.held());
                    loading = loader.submit(() -> runner.load(missing));
                }
                if (loading != null && step % 12 == 5) {
                    runner.adopt(loading.get());
                    runner.serve(Optional.of(target));
                    runner.retire(HeldLayers.NONE).ifPresent(ReadyLayers::close);
                    loading = null;
                }
                if (runner.served().isPresent() && step < 120 && random.nextInt(3) > 0) {
                    running.add(new Session(
                            runner, runner.layers(), random.nextLong(), 1 + random.nextInt(40), random.nextInt(20)));
                }
                List<Session> ready = new ArrayList<>(running);
                ready.removeIf(session -> random.nextInt(3) == 0);
                mixed += ready.stream().map(s -> s.range).distinct().count() > 1 ? 1 : 0;
                List<StageOutput> outputs =
                        runner.run(ready.stream().map(Session::input).toList());
                List<StageOutput> copies =
                        outputs.stream().map(ElasticLayersTest::copied).toList();
                for (int i = 0; i < ready.size(); i++) {
                    ready.get(i).take(copies.get(i), "seed " + seed + " step " + step);
                }
                for (Session session : ready) {
                    if (session.finished()) {
                        session.end(runner);
                        running.remove(session);
                        finished++;
                    }
                }
                assertThat(runner.kvAllocatedBytes()).isLessThanOrEqualTo(TinyStages.KV_BYTES);
                if (loading == null) {
                    HeldLayers needed =
                            HeldLayers.of(running.stream().map(s -> s.range).toList());
                    runner.retire(HeldLayers.NONE).ifPresent(ReadyLayers::close);
                    assertThat(runner.held())
                            .isEqualTo(runner.served()
                                    .map(HeldLayers::of)
                                    .orElse(HeldLayers.NONE)
                                    .plus(needed));
                }
            }
            runner.serve(Optional.empty());
            runner.retire(HeldLayers.NONE).ifPresent(ReadyLayers::close);
            assertThat(runner.held()).isEqualTo(HeldLayers.NONE);
            assertThat(runner.kvAllocatedBytes()).isZero();
            assertThat(runner.kvReservedTokens()).isZero();
        }
        assertThat(finished).isGreaterThan(30);
        assertThat(mixed).as("batches with sessions of several ranges").isGreaterThan(10);
        assertThat(fixed.kvReservedTokens()).isZero();
    }

    @Test
    void shouldKeepKvCacheForTheLayersOfTheSlotOnly() {
        try (OnnxStageRunner runner = runner(weights, 0, 4)) {
            KvSlot narrow = runner.reserve(64, new LayerRange(2, 3)).orElseThrow();
            assertThat(runner.kvAllocatedBytes()).isEqualTo(64 * BYTES_PER_TOKEN_AND_LAYER);
            assertThat(runner.kvReservedTokens())
                    .as("in tokens over all four layers")
                    .isEqualTo(16);
            runner.release(narrow);
        }
    }

    @Test
    void shouldDivideOneBudgetAmongAllRangesAndMakeAReservationThatDoesNotFitWait() {
        long budget = 256 * BYTES_PER_TOKEN_AND_LAYER;
        try (OnnxStageRunner runner = runner(weights, 0, 2, budget)) {
            assertThat(runner.kvCapacityTokens()).isEqualTo(128);
            KvSlot old = runner.reserve(64).orElseThrow();
            runner.adopt(runner.load(HeldLayers.of(new LayerRange(2, 4))));
            runner.serve(Optional.of(new LayerRange(1, 4)));

            assertThat(runner.kvCapacityTokens()).isEqualTo(85);
            assertThat(runner.reserve(64)).as("3 × 64 beside 2 × 64 of 256").isEmpty();
            runner.release(old);
            assertThat(runner.reserve(64)).isPresent();
            assertThat(runner.kvAllocatedBytes()).isLessThanOrEqualTo(budget);
        }
    }

    @Test
    void shouldNotRetireWhatASlotNeeds() {
        try (OnnxStageRunner runner = runner(weights, 0, 3)) {
            KvSlot slot = runner.reserve(64).orElseThrow();
            runner.serve(Optional.of(new LayerRange(2, 3)));

            assertThat(runner.retire(HeldLayers.NONE)).isEmpty();
            float[] out = hidden(runner, tokensIn(slot, tokens(1, 5)));
            runner.release(slot);
            ReadyLayers gone =
                    runner.retire(HeldLayers.of(new LayerRange(1, 2))).orElseThrow();

            assertThat(gone.layers()).isEqualTo(HeldLayers.of(new LayerRange(0, 1)));
            assertThat(runner.held().ranges()).containsExactly(new LayerRange(1, 3));
            assertThat(runner.kvAllocatedBytes()).isZero();
            gone.close();
            gone.close();
            assertThat(gone.layers().isEmpty()).isTrue();
            assertThat(out).hasSize(5 * TinyStages.HIDDEN);
        }
    }

    @Test
    void shouldTakeLayersBackThatWereRetiredAndNotClosed() {
        int[] prompt = tokens(3, 9);
        try (OnnxStageRunner runner = runner(weights, 0, LAYERS)) {
            runner.serve(Optional.empty());
            ReadyLayers all = runner.retire(HeldLayers.NONE).orElseThrow();
            runner.adopt(all);
            runner.serve(Optional.of(new LayerRange(0, LAYERS)));
            assertThat(solo(runner, prompt, new int[] {4}))
                    .containsExactlyElementsOf(solo(fixed, prompt, new int[] {4}));
        }
    }

    @Test
    void shouldRefuseWhatIsNotHeldAndChangeNothing() {
        try (OnnxStageRunner runner = OnnxStageRunner.empty(weights, OPTIONS)) {
            assertThatThrownBy(runner::layers).hasMessageContaining("serves no layers");
            assertThatThrownBy(() -> runner.serve(Optional.of(new LayerRange(0, 1))))
                    .hasMessageContaining("[0, 1) are not held here: held are none");
            assertThatThrownBy(() -> runner.reserve(64, new LayerRange(0, 1))).hasMessageContaining("are not held");
            assertThatThrownBy(() -> runner.load(HeldLayers.of(new LayerRange(5, 7))))
                    .hasMessageContaining("outside the 6 layers");
            runner.adopt(runner.load(HeldLayers.of(new LayerRange(0, 1))));
            try (ReadyLayers again = runner.load(HeldLayers.of(new LayerRange(0, 2)))) {
                assertThatThrownBy(() -> runner.adopt(again)).hasMessageContaining("held twice");
                assertThatThrownBy(() -> fixed.adopt(again)).hasMessageContaining("another runner");
            }
            assertThat(runner.held().ranges()).containsExactly(new LayerRange(0, 1));
            assertThat(runner.kvCapacityTokens())
                    .as("over one layer")
                    .isEqualTo(TinyStages.KV_BYTES / BYTES_PER_TOKEN_AND_LAYER);
        }
    }

    @Test
    void shouldStopLoadingWhenInterrupted() {
        try (OnnxStageRunner runner = OnnxStageRunner.empty(weights, OPTIONS)) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> runner.load(HeldLayers.of(new LayerRange(0, 2))))
                    .hasMessageContaining("interrupted while layer 0");
        } finally {
            Thread.interrupted();
        }
    }

    @Test
    void shouldGiveTheMemoryOfUnloadedLayersBackToTheSystem(@TempDir Path folder) throws Exception {
        assumeTrue(Files.exists(STATUS), "resident memory is told on Linux only");
        assumeTrue(NativeHeap.trim(), "this JVM cannot trim its native heap");
        ModelConfig config = new ModelConfig(
                "wide", "LlamaForCausalLM", 4, 512, 1536, 8, 4, 64, 320, 512, 1e-5f, 1e4, true, 0, List.of(0));
        HeldLayers all = HeldLayers.of(new LayerRange(0, 4));
        long weightBytes = 4 * LlamaTensors.layerBytes(config);
        try (ModelWeights wide = SafetensorsModel.open(SyntheticModel.write(folder, config, ActivationDtype.FP16, 7));
                OnnxStageRunner runner = OnnxStageRunner.empty(wide, OPTIONS)) {
            for (int round = 0; round < 3; round++) {
                ReadyLayers layers = runner.load(all);
                long loaded = anonymousBytes();
                layers.close();
                assertThat(loaded - anonymousBytes())
                        .as("round %d, weights of %d bytes", round, weightBytes)
                        .isGreaterThan(weightBytes * 3 / 4);
            }
        }
    }

    private static long anonymousBytes() throws IOException {
        return 1024
                * Files.readAllLines(STATUS).stream()
                        .filter(line -> line.startsWith("RssAnon:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                        .sum();
    }

    private static StageOutput copied(StageOutput output) {
        return new StageOutput(
                output.hidden() == null ? null : java.nio.FloatBuffer.wrap(copy(output.hidden())),
                output.logits() == null ? null : java.nio.FloatBuffer.wrap(copy(output.logits())));
    }
}

package io.sluice.runtime.onnx;

import static io.sluice.runtime.onnx.TinyStages.LAYERS;
import static io.sluice.runtime.onnx.TinyStages.copy;
import static io.sluice.runtime.onnx.TinyStages.runner;
import static io.sluice.runtime.onnx.TinyStages.solo;
import static io.sluice.runtime.onnx.TinyStages.tokens;
import static io.sluice.runtime.onnx.TinyStages.tokensIn;
import static io.sluice.runtime.onnx.TinyStages.withLogits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.runtime.StageRunner.StageRun;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Batches on another thread while the runner's own thread runs others. Every comparison is of bits. */
final class BesideRunsTest extends OnWideStages {
    private static final int PROMPT = 40;
    private static final int STEPS = 24;

    private static OnnxStageRunner withLanes(int lanes) {
        return OnnxStageRunner.open(weights, ALL, new RuntimeOptions(2, TinyStages.KV_BYTES).withLanes(lanes));
    }

    /** A session's tokens, and the logits after its prompt and after each further token. */
    private record Script(int[] prompt, int[] following, List<float[]> expected) {
        static Script of(long seed) {
            int[] prompt = tokens(seed, PROMPT);
            int[] following = tokens(seed + 1_000, STEPS);
            return new Script(prompt, following, solo(alone, prompt, following));
        }

        StageInput next(KvSlot slot) {
            return slot.length() == 0
                    ? withLogits(tokensIn(slot, prompt))
                    : withLogits(tokensIn(slot, following[slot.length() - PROMPT]));
        }

        boolean isOver(KvSlot slot) {
            return slot.length() == PROMPT + STEPS;
        }

        void requireRight(KvSlot slot, StageOutput output, String where) {
            assertThat(copy(output.logits()))
                    .as("%s, %d positions", where, slot.length())
                    .isEqualTo(expected.get(slot.length() - PROMPT));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void shouldGiveEverySessionTheBitsItGetsAloneOnEitherPoolAndOnBothByTurns(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Script> scripts = List.of(Script.of(seed * 10), Script.of(seed * 10 + 1), Script.of(seed * 10 + 2));
        try (OnnxStageRunner runner = withLanes(1)) {
            List<KvSlot> slots = scripts.stream()
                    .map(script -> runner.reserveBestEffort(PROMPT + STEPS, ALL).orElseThrow())
                    .toList();
            int[] advances = new int[2];
            int[] headParts = new int[2];
            while (!scripts.getFirst().isOver(slots.getFirst())) {
                List<StageInput> batch = new ArrayList<>();
                for (int i = 0; i < slots.size(); i++) {
                    batch.add(scripts.get(i).next(slots.get(i)));
                }
                StageRun here = runner.begin(batch);
                while (here.layersLeft() > 0) {
                    int pool = random.nextInt(2);
                    int layers = 1 + random.nextInt(2);
                    advances[pool] += pool == 0 ? here.advance(layers) : here.advanceBeside(0, layers);
                }
                assertThat(here.headLeft()).isEqualTo(TinyStages.WIDE_PARTS);
                for (int part = random.nextInt(TinyStages.WIDE_PARTS + 1); part > 0; part--) {
                    int pool = random.nextInt(2);
                    headParts[pool]++;
                    assertThat(pool == 0 ? here.advanceHead(1) : here.advanceHeadBeside(0, 1))
                            .isEqualTo(1);
                }
                List<StageOutput> outputs = here.finish();
                for (int i = 0; i < slots.size(); i++) {
                    scripts.get(i).requireRight(slots.get(i), outputs.get(i), "by turns");
                }
            }
            assertThat(Math.min(advances[0], advances[1])).isGreaterThan(10);
            assertThat(Math.min(headParts[0], headParts[1])).isGreaterThan(10);
        }
    }

    /** The owner decodes, opens, cuts and closes sessions, loads and retires layers, while another thread works. */
    @Test
    void shouldChangeNoBitOfEitherWhileBothThreadsWork() throws Exception {
        List<Script> ours = List.of(Script.of(100), Script.of(101), Script.of(102));
        List<Script> theirs = List.of(Script.of(200), Script.of(201), Script.of(202));
        SplittableRandom random = new SplittableRandom(5);
        try (OnnxStageRunner runner = withLanes(1);
                ExecutorService side = Executors.newSingleThreadExecutor()) {
            int besideBatches = 0;
            int besideTexts = 0;
            List<KvSlot> slots = new ArrayList<>();
            for (Script script : theirs) {
                slots.add(runner.reserveBestEffort(PROMPT + STEPS, ALL).orElseThrow());
            }
            List<KvSlot> mine = new ArrayList<>();
            for (Script script : ours) {
                mine.add(runner.reserve(PROMPT + STEPS, ALL).orElseThrow());
            }
            while (besideTexts < 3) {
                List<StageInput> batch = new ArrayList<>();
                for (int i = 0; i < slots.size(); i++) {
                    batch.add(theirs.get(i).next(slots.get(i)));
                }
                StageRun run = runner.begin(batch);
                Future<?> done = side.submit(() -> through(run, 0));
                do {
                    critical(runner, ours, mine, random);
                } while (!done.isDone());
                done.get();
                List<StageOutput> outputs = run.finish();
                for (int i = 0; i < slots.size(); i++) {
                    theirs.get(i).requireRight(slots.get(i), outputs.get(i), "beside");
                }
                besideBatches++;
                if (theirs.getFirst().isOver(slots.getFirst())) {
                    slots.forEach(slot -> runner.truncate(slot, 0));
                    besideTexts++;
                }
            }
            assertThat(besideBatches).isEqualTo(3 * (STEPS + 1));
        }
    }

    private static void through(StageRun run, int lane) {
        while (run.layersLeft() > 0) {
            run.advanceBeside(lane, 1);
        }
        while (run.headLeft() > 0) {
            run.advanceHeadBeside(lane, 1);
        }
    }

    /** Two batches of slots that stand between one another's, on a lane each, up to the last position of every slot. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void shouldChangeNoBitWhileTwoLanesWorkBesideTheOwner(long seed) throws Exception {
        List<Script> ours = List.of(Script.of(500 + seed));
        SplittableRandom random = new SplittableRandom(seed);
        int sessions = 6;
        try (OnnxStageRunner runner = withLanes(2);
                ExecutorService side = Executors.newFixedThreadPool(2)) {
            List<KvSlot> mine = new ArrayList<>();
            mine.add(runner.reserve(PROMPT + STEPS, ALL).orElseThrow());
            List<Script> scripts = new ArrayList<>();
            List<KvSlot> slots = new ArrayList<>();
            for (int i = 0; i < sessions; i++) {
                scripts.add(Script.of(600 + seed * 10 + i));
                slots.add(runner.reserveBestEffort(PROMPT + STEPS, ALL).orElseThrow());
            }
            assertThat(slots.getFirst().capacityTokens())
                    .as("they fill their slots")
                    .isEqualTo(PROMPT + STEPS);
            while (!scripts.getFirst().isOver(slots.getFirst())) {
                List<StageRun> runs = new ArrayList<>();
                for (int lane = 0; lane < 2; lane++) {
                    List<StageInput> batch = new ArrayList<>();
                    for (int i = lane; i < sessions; i += 2) {
                        batch.add(scripts.get(i).next(slots.get(i)));
                    }
                    runs.add(runner.begin(batch));
                }
                List<Future<?>> done = new ArrayList<>();
                for (int lane = 0; lane < 2; lane++) {
                    int its = lane;
                    done.add(side.submit(() -> through(runs.get(its), its)));
                }
                do {
                    critical(runner, ours, mine, random);
                } while (!done.stream().allMatch(Future::isDone));
                for (int lane = 0; lane < 2; lane++) {
                    done.get(lane).get();
                    List<StageOutput> outputs = runs.get(lane).finish();
                    for (int i = lane; i < sessions; i += 2) {
                        scripts.get(i).requireRight(slots.get(i), outputs.get(i / 2), "lane " + lane);
                    }
                }
            }
        }
    }

    /** One batch of the owner's, and now and then a change of slots. */
    private static void critical(
            OnnxStageRunner runner, List<Script> scripts, List<KvSlot> slots, SplittableRandom random) {
        List<StageInput> batch = new ArrayList<>();
        for (int i = 0; i < slots.size(); i++) {
            batch.add(scripts.get(i).next(slots.get(i)));
        }
        List<StageOutput> outputs = runner.run(batch);
        for (int i = 0; i < slots.size(); i++) {
            scripts.get(i).requireRight(slots.get(i), outputs.get(i), "owner's");
        }
        for (int i = 0; i < slots.size(); i++) {
            if (scripts.get(i).isOver(slots.get(i))) {
                runner.truncate(slots.get(i), 0);
            }
        }
        if (random.nextInt(8) == 0) {
            int i = random.nextInt(slots.size());
            runner.release(slots.get(i));
            List<KvSlot> others = new ArrayList<>();
            for (int more = random.nextInt(4); more >= 0; more--) {
                runner.reserveBestEffort(PROMPT + STEPS, ALL).ifPresent(others::add);
            }
            slots.set(i, runner.reserve(PROMPT + STEPS, ALL).orElseThrow());
            others.forEach(runner::release);
        }
    }

    @Test
    void shouldLeaveOutASessionThatEndsWhileItsBatchRunsBeside() throws Exception {
        Script stays = Script.of(300);
        Script goes = Script.of(301);
        try (OnnxStageRunner runner = withLanes(1);
                ExecutorService side = Executors.newSingleThreadExecutor()) {
            KvSlot one = runner.reserveBestEffort(PROMPT + STEPS, ALL).orElseThrow();
            KvSlot two = runner.reserveBestEffort(PROMPT + STEPS, ALL).orElseThrow();
            StageRun run = runner.begin(List.of(goes.next(one), stays.next(two)));
            side.submit(() -> run.advanceBeside(0, 1)).get();
            runner.release(one);
            side.submit(() -> through(run, 0)).get();
            List<StageOutput> outputs = run.finish();
            assertThat(outputs.getFirst()).isEqualTo(new StageOutput(null, null));
            stays.requireRight(two, outputs.getLast(), "beside");
        }
    }

    @Test
    void shouldLeaveOutASessionThatEndsWhileItsBatchIsAtTheHeadBeside() throws Exception {
        Script stays = Script.of(310);
        Script goes = Script.of(311);
        try (OnnxStageRunner runner = withLanes(1);
                ExecutorService side = Executors.newSingleThreadExecutor()) {
            KvSlot one = runner.reserveBestEffort(PROMPT + STEPS, ALL).orElseThrow();
            KvSlot two = runner.reserveBestEffort(PROMPT + STEPS, ALL).orElseThrow();
            StageRun run = runner.begin(List.of(goes.next(one), stays.next(two)));
            side.submit(() -> run.advanceBeside(0, LAYERS)).get();
            assertThat(side.submit(() -> run.advanceHeadBeside(0, 1)).get()).isEqualTo(1);
            runner.release(one);
            assertThat(side.submit(() -> run.advanceHeadBeside(0, 10)).get())
                    .as("what is left")
                    .isEqualTo(TinyStages.WIDE_PARTS - 1);
            assertThat(run.headLeft()).isZero();
            List<StageOutput> outputs = run.finish();
            assertThat(outputs.getFirst()).isEqualTo(new StageOutput(null, null));
            stays.requireRight(two, outputs.getLast(), "beside");
            StageRun last = runner.begin(List.of(stays.next(two)));
            assertThatThrownBy(() -> last.advanceHeadBeside(0, 1)).hasMessageContaining("6 layers to go");
            last.advanceBeside(0, LAYERS);
            last.advanceHeadBeside(0, 1);
            runner.release(two);
            assertThat(last.advanceHeadBeside(0, 1)).as("nobody wants logits").isZero();
            last.abandon();
            assertThatThrownBy(() -> last.advanceHeadBeside(0, 1)).hasMessageContaining("the batch is over");
        }
    }

    /** Logits stay readable until another batch ends, whichever threads are at the head meanwhile. */
    @Test
    void shouldKeepLogitsWhileOthersAreAtTheHeadOnLanes() throws Exception {
        Script mine = Script.of(320);
        Script others = Script.of(321);
        try (OnnxStageRunner runner = withLanes(2);
                ExecutorService side = Executors.newFixedThreadPool(2)) {
            KvSlot slot = runner.reserve(PROMPT + STEPS, ALL).orElseThrow();
            KvSlot[] theirs = {
                runner.reserveBestEffort(PROMPT + STEPS, ALL).orElseThrow(),
                runner.reserveBestEffort(PROMPT + STEPS, ALL).orElseThrow()
            };
            for (int step = 0; step <= STEPS; step++) {
                StageRun[] runs = new StageRun[2];
                for (int lane = 0; lane < 2; lane++) {
                    runs[lane] = runner.begin(List.of(others.next(theirs[lane])));
                }
                StageOutput kept = runner.run(List.of(mine.next(slot))).getFirst();
                List<Future<?>> done = new ArrayList<>();
                for (int lane = 0; lane < 2; lane++) {
                    int its = lane;
                    done.add(side.submit(() -> through(runs[its], its)));
                }
                for (Future<?> future : done) {
                    future.get();
                }
                mine.requireRight(slot, kept, "kept");
                for (int lane = 0; lane < 2; lane++) {
                    others.requireRight(theirs[lane], runs[lane].finish().getFirst(), "lane " + lane);
                }
            }
        }
    }

    @Test
    void shouldMoveBothSetsOfLayersTogether() {
        Script script = Script.of(400);
        try (OnnxStageRunner runner =
                OnnxStageRunner.empty(weights, new RuntimeOptions(2, TinyStages.KV_BYTES).withLanes(1))) {
            runner.adopt(runner.load(HeldLayers.of(new LayerRange(0, 2))));
            runner.adopt(runner.load(HeldLayers.of(new LayerRange(2, LAYERS))));
            runner.serve(Optional.of(ALL));
            KvSlot slot = runner.reserveBestEffort(PROMPT + STEPS, ALL).orElseThrow();
            StageRun run = runner.begin(List.of(script.next(slot)));
            run.advanceBeside(0, LAYERS);
            run.advanceHeadBeside(0, TinyStages.WIDE_PARTS);
            script.requireRight(slot, run.finish().getFirst(), "adopted");
            runner.release(slot);
            runner.serve(Optional.empty());
            runner.retire(HeldLayers.NONE).orElseThrow().close();
            assertThat(runner.held().isEmpty()).isTrue();
        }
    }

    @Test
    void shouldSayWhereBatchesCannotRunBesideOthers() {
        assertThat(alone.lanes()).isZero();
        KvSlot slot = alone.reserveBestEffort(64, ALL).orElseThrow();
        StageRun run = alone.begin(List.of(tokensIn(slot, tokens(1, 5))));
        assertThatThrownBy(() -> run.advanceBeside(0, 1))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("no lane 0");
        assertThatThrownBy(() -> run.advanceHeadBeside(0, 1))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("no lane 0");
        run.abandon();
        alone.release(slot);
        try (OnnxStageRunner runner = withLanes(1)) {
            KvSlot usual = runner.reserve(64, ALL).orElseThrow();
            StageRun theirs = runner.begin(List.of(tokensIn(usual, tokens(1, 5))));
            assertThatThrownBy(() -> theirs.advanceBeside(0, 1)).hasMessageContaining("reserveBestEffort");
            assertThatThrownBy(() -> theirs.advanceBeside(1, 1)).hasMessageContaining("no lane 1");
            theirs.advance(LAYERS);
            assertThatThrownBy(() -> theirs.advanceHeadBeside(0, 1)).hasMessageContaining("reserveBestEffort");
            assertThat(runner.lanes()).isOne();
        }
    }
}

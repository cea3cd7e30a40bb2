package io.sluice.runtime.onnx;

import static io.sluice.runtime.onnx.TinyStages.HIDDEN;
import static io.sluice.runtime.onnx.TinyStages.LAYERS;
import static io.sluice.runtime.onnx.TinyStages.copy;
import static io.sluice.runtime.onnx.TinyStages.hiddenIn;
import static io.sluice.runtime.onnx.TinyStages.runner;
import static io.sluice.runtime.onnx.TinyStages.solo;
import static io.sluice.runtime.onnx.TinyStages.tokens;
import static io.sluice.runtime.onnx.TinyStages.tokensIn;
import static io.sluice.runtime.onnx.TinyStages.withLogits;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.LayerRange;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.PromptChunks;
import io.sluice.runtime.ReadyLayers;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.runtime.StageRunner.StageRun;
import io.sluice.runtime.weights.SyntheticModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Batches that rest between layers and parts of the head while others run, against sessions run alone. Every comparison is of bits. */
final class InterleavedRunsTest extends OnWideStages {
    private static final LayerRange FRONT = new LayerRange(0, 3);
    private static final int RUNS_MAX = 3;
    private static final int CHUNK_MAX = 90;

    /** A session's tokens and what must come of them: the result after position {@code i} is {@code expected[i]}. */
    private record Script(LayerRange layers, int prompt, int[] tokens, float[][] expected) {}

    private static final class Session {
        final Script script;
        final KvSlot slot;

        Session(Script script, KvSlot slot) {
            this.script = script;
            this.slot = slot;
        }

        boolean isOver() {
            return slot.length() == script.tokens.length;
        }

        /** The rest of the prompt or a chunk of it, one step, or several steps at once. */
        StageInput next(SplittableRandom random) {
            int at = slot.length();
            boolean prompt = at < script.prompt;
            int left = (prompt ? script.prompt : script.tokens.length) - at;
            int most = prompt
                    ? random.nextInt(PromptChunks.MIN_CHUNK, CHUNK_MAX + 1)
                    : random.nextInt(4) == 0 ? random.nextInt(1, 6) : 1;
            int count = prompt ? PromptChunks.split(left, most).getFirst() : Math.min(left, most);
            int[] ids = Arrays.copyOfRange(script.tokens, at, at + count);
            boolean logits = script.layers.end() == LAYERS && at + count >= script.prompt;
            return new StageInput(slot, at, count, ids, null, 0, logits, !prompt);
        }

        /** Where prompts may be cut without another result: not so that a single position of it is left or runs alone. */
        int cut(SplittableRandom random) {
            int length = random.nextInt(slot.length() + 1);
            return length < script.prompt ? 0 : length;
        }

        void requireRight(StageInput input, StageOutput output, String when) {
            int end = input.position() + input.count();
            if (end < script.prompt) {
                return;
            }
            float[] got = output.logits() != null ? copy(output.logits()) : lastRow(copy(output.hidden()));
            assertThat(got).as("%s, after %d positions of %s", when, end, slot).isEqualTo(script.expected[end - 1]);
        }
    }

    private record Begun(StageRun run, List<Session> sessions, List<StageInput> inputs) {
        /** Whether it rests between two parts of the head. */
        boolean isInHead() {
            return run.headLeft() > 0 && run.headLeft() < TinyStages.WIDE_PARTS;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void shouldGiveEverySessionTheBitsItGetsAloneWhateverRunsBetweenItsLayers(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        // Hardly more than a few sessions take, so that pools give rows back and move slots.
        long budget = 1_000 * SyntheticModel.tiny().kvBytesPerTokenAndLayer() * LAYERS;
        List<Script> scripts = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            LayerRange layers = random.nextInt(3) == 0 ? FRONT : ALL;
            scripts.add(script(random.nextLong(), layers, 1 + random.nextInt(90), 1 + random.nextInt(40)));
        }
        int[] counts = new int[7];
        try (OnnxStageRunner shared = runner(weights, 0, LAYERS, budget)) {
            List<Session> sessions = new ArrayList<>();
            List<Begun> begun = new ArrayList<>();
            for (int step = 0; step < 2_500; step++) {
                String when = "seed " + seed + " step " + step;
                List<Session> free = sessions.stream()
                        .filter(s -> begun.stream().noneMatch(run -> run.sessions.contains(s)))
                        .toList();
                switch (random.nextInt(8)) {
                    case 0 -> {
                        Script script = scripts.get(random.nextInt(scripts.size()));
                        shared.reserve(script.tokens.length, script.layers)
                                .ifPresent(slot -> sessions.add(new Session(script, slot)));
                    }
                    case 1, 2 -> {
                        List<Session> ready = some(free, random);
                        List<StageInput> inputs =
                                ready.stream().map(s -> s.next(random)).toList();
                        List<StageOutput> outputs = shared.run(inputs);
                        for (int i = 0; i < ready.size(); i++) {
                            ready.get(i).requireRight(inputs.get(i), outputs.get(i), when);
                            counts[0]++;
                            counts[5] += begun.stream().anyMatch(Begun::isInHead) ? 1 : 0;
                        }
                    }
                    case 3 -> {
                        List<Session> ready = some(free, random);
                        if (begun.size() < RUNS_MAX && !ready.isEmpty()) {
                            List<StageInput> inputs =
                                    ready.stream().map(s -> s.next(random)).toList();
                            begun.add(new Begun(shared.begin(inputs), new ArrayList<>(ready), inputs));
                        }
                    }
                    case 4, 5, 6 -> {
                        if (!begun.isEmpty()) {
                            Begun one = begun.get(random.nextInt(begun.size()));
                            if (one.run.layersLeft() > 0) {
                                one.run.advance(1 + random.nextInt(3));
                            } else if (one.run.headLeft() > 0 && random.nextInt(4) > 0) {
                                one.run.advanceHead(1 + random.nextInt(2));
                            } else {
                                List<StageOutput> outputs = one.run.finish();
                                for (int i = 0; i < one.inputs.size(); i++) {
                                    Session session =
                                            session(one, one.inputs.get(i).slot());
                                    if (session != null) {
                                        session.requireRight(one.inputs.get(i), outputs.get(i), when + " resumed");
                                        counts[1]++;
                                    } else {
                                        assertThat(outputs.get(i)).isEqualTo(new StageOutput(null, null));
                                    }
                                }
                                begun.remove(one);
                            }
                        }
                    }
                    default -> disturb(shared, sessions, begun, random, counts);
                }
                for (Session session : List.copyOf(sessions)) {
                    if (session.isOver() && begun.stream().noneMatch(run -> run.sessions.contains(session))) {
                        shared.release(session.slot);
                        sessions.remove(session);
                    }
                }
                assertThat(shared.kvAllocatedBytes()).isLessThanOrEqualTo(budget);
            }
        }
        assertThat(Arrays.stream(counts).min().orElseThrow())
                .as("everything has happened: %s", Arrays.toString(counts))
                .isGreaterThan(3);
    }

    /** A session leaves, is cut or dropped from its batch, or a batch is abandoned. */
    private static void disturb(
            OnnxStageRunner shared, List<Session> sessions, List<Begun> begun, SplittableRandom random, int[] counts) {
        if (sessions.isEmpty()) {
            return;
        }
        Session session = sessions.get(random.nextInt(sessions.size()));
        Optional<Begun> of =
                begun.stream().filter(run -> run.sessions.contains(session)).findFirst();
        boolean inHead =
                of.isPresent() && of.get().isInHead() && of.get().sessions.size() > 1;
        int gone = counts[2] + counts[3];
        switch (random.nextInt(6)) {
            case 0 -> {
                shared.release(session.slot);
                sessions.remove(session);
                of.ifPresent(run -> run.sessions.remove(session));
                counts[2] += of.isPresent() ? 1 : 0;
            }
            case 1, 2 -> {
                shared.truncate(session.slot, session.cut(random));
                of.ifPresent(run -> run.sessions.remove(session));
                counts[3] += of.isPresent() ? 1 : 0;
            }
            case 3 ->
                of.ifPresent(run -> {
                    run.run.drop(session.slot);
                    run.sessions.remove(session);
                });
            case 4 ->
                of.ifPresent(run -> {
                    run.run.abandon();
                    begun.remove(run);
                    counts[4]++;
                });
            default -> {
                // nothing
            }
        }
        counts[6] += inHead && counts[2] + counts[3] > gone ? 1 : 0;
    }

    private static Session session(Begun run, KvSlot slot) {
        return run.sessions.stream().filter(s -> s.slot == slot).findFirst().orElse(null);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void shouldGiveTheSameBitsWhereSessionsEnterAtDifferentLayers(int stride) {
        try (OnnxStageRunner back = runner(weights, 2, LAYERS)) {
            float[] x = floats(7, 5 * HIDDEN);
            float[] y = floats(8, HIDDEN);
            KvSlot early = back.reserve(64).orElseThrow();
            KvSlot late = back.reserve(64).orElseThrow();
            List<StageInput> batch = List.of(withLogits(hiddenIn(early, x, 2)), withLogits(hiddenIn(late, y, 4)));
            List<float[]> expected = back.run(batch).stream()
                    .map(output -> copy(output.logits()))
                    .toList();
            back.truncate(early, 0);
            back.truncate(late, 0);

            StageRun run = back.begin(batch);
            assertThat(run.nextLayer()).isEqualTo(2);
            assertThat(run.layersLeft()).isEqualTo(LAYERS - 2);
            assertThat(run.headLeft()).isEqualTo(TinyStages.WIDE_PARTS);
            int advanced = 0;
            while (run.layersLeft() > 0) {
                advanced += run.advance(stride);
            }
            assertThat(advanced).isEqualTo(LAYERS - 2);
            assertThat(List.of(early.length(), late.length())).containsExactly(0, 0);
            List<StageOutput> outputs = run.finish();
            for (int i = 0; i < 2; i++) {
                assertThat(copy(outputs.get(i).logits())).isEqualTo(expected.get(i));
            }
            assertThat(List.of(early.length(), late.length())).containsExactly(5, 1);
        }
    }

    @Test
    void shouldNotWriteIntoTheRowOfABatchThatRestsBetweenTwoRowsAtWork() {
        List<KvSlot> slots = new ArrayList<>();
        List<List<float[]>> expected = new ArrayList<>();
        for (int s = 0; s < 3; s++) {
            expected.add(solo(alone, tokens(s, 9), tokens(100 + s, 4)));
            slots.add(alone.reserve(64).orElseThrow());
            alone.run(List.of(tokensIn(slots.get(s), tokens(s, 9))));
        }
        StageRun resting = alone.begin(List.of(withLogits(tokensIn(slots.get(1), tokens(101, 4)[0]))));
        for (int step = 0; step < 4; step++) {
            resting.advance(1);
            List<StageOutput> outputs = alone.run(List.of(
                    withLogits(tokensIn(slots.get(0), tokens(100, 4)[step])),
                    withLogits(tokensIn(slots.get(2), tokens(102, 4)[step]))));
            assertThat(copy(outputs.get(0).logits())).isEqualTo(expected.get(0).get(step + 1));
            assertThat(copy(outputs.get(1).logits())).isEqualTo(expected.get(2).get(step + 1));
        }
        resting.advance(LAYERS);
        assertThat(copy(resting.finish().getFirst().logits()))
                .isEqualTo(expected.get(1).get(1));
        for (int step = 1; step < 4; step++) {
            float[] logits = TinyStages.logits(alone, tokensIn(slots.get(1), tokens(101, 4)[step]));
            assertThat(logits).as("step %d", step).isEqualTo(expected.get(1).get(step + 1));
        }
        slots.forEach(alone::release);
    }

    @Test
    void shouldKeepTheLayersOfABatchThatRestsAndNeedNoneOfOneWhoseSessionsAreGone() {
        try (OnnxStageRunner runner = runner(weights, 0, LAYERS)) {
            KvSlot slot = runner.reserve(64).orElseThrow();
            List<float[]> expected = solo(alone, tokens(5, 12), new int[0]);
            StageRun run = runner.begin(List.of(withLogits(tokensIn(slot, tokens(5, 12)))));
            run.advance(2);
            runner.serve(Optional.of(FRONT));
            assertThat(runner.retire(HeldLayers.NONE)).isEmpty();
            run.advance(LAYERS);
            assertThat(copy(run.finish().getFirst().logits())).isEqualTo(expected.getFirst());

            runner.truncate(slot, 0);
            StageRun orphan = runner.begin(List.of(withLogits(tokensIn(slot, tokens(5, 12)))));
            orphan.advance(2);
            runner.release(slot);
            Optional<ReadyLayers> retired = runner.retire(HeldLayers.NONE);
            assertThat(retired.orElseThrow().layers()).isEqualTo(HeldLayers.of(new LayerRange(3, LAYERS)));
            retired.get().close();
            assertThat(orphan.headLeft()).isZero();
            assertThat(orphan.advance(LAYERS)).isEqualTo(LAYERS - 2);
            assertThat(orphan.finish()).containsExactly(new StageOutput(null, null));
        }
    }

    @Test
    void shouldRefuseASessionThatIsInABatchUnderWay() {
        KvSlot slot = alone.reserve(64).orElseThrow();
        StageInput input = tokensIn(slot, 1, 2, 3);
        StageRun run = alone.begin(List.of(input));
        assertThatThrownBy(() -> alone.run(List.of(input))).hasMessageContaining("is in a batch that has begun");
        assertThatThrownBy(() -> alone.begin(List.of(input))).hasMessageContaining("is in a batch that has begun");
        assertThatThrownBy(run::finish).hasMessageContaining("6 layers to go");
        assertThatThrownBy(() -> run.advanceHead(1)).hasMessageContaining("6 layers to go");
        assertThatThrownBy(() -> run.advanceHead(0)).hasMessageContaining("at least 1");
        assertThatThrownBy(() -> run.advance(0)).hasMessageContaining("at least 1");
        run.abandon();
        run.abandon();
        assertThatThrownBy(() -> run.advance(1)).hasMessageContaining("the batch is over");
        assertThatThrownBy(run::finish).hasMessageContaining("the batch is over");
        alone.run(List.of(input));
        assertThat(slot.length()).isEqualTo(3);
        alone.release(slot);
    }

    @Test
    void shouldNotTouchMemoryThatIsGone() {
        OnnxStageRunner closed = runner(weights, 0, LAYERS);
        StageRun run = closed.begin(List.of(tokensIn(closed.reserve(8).orElseThrow(), 1, 2)));
        run.advance(1);
        closed.close();
        assertThatThrownBy(() -> run.advance(1)).hasMessageContaining("closed");
    }

    private static Script script(long seed, LayerRange layers, int prompt, int following) {
        int[] ids = tokens(seed, prompt + following);
        float[][] expected = new float[ids.length][];
        KvSlot slot = alone.reserve(ids.length, layers).orElseThrow();
        List<Integer> sizes = new ArrayList<>(PromptChunks.split(prompt, CHUNK_MAX));
        sizes.addAll(Collections.nCopies(following, 1));
        for (int size : sizes) {
            int end = slot.length() + size;
            StageInput input = tokensIn(slot, Arrays.copyOfRange(ids, slot.length(), end));
            boolean last = layers.end() == LAYERS;
            StageOutput output =
                    alone.run(List.of(last ? withLogits(input) : input)).getFirst();
            expected[end - 1] = last ? copy(output.logits()) : lastRow(copy(output.hidden()));
        }
        alone.release(slot);
        return new Script(layers, prompt, ids, expected);
    }

    private static float[] lastRow(float[] rows) {
        return Arrays.copyOfRange(rows, rows.length - HIDDEN, rows.length);
    }

    private static float[] floats(long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static <T> List<T> some(List<T> all, SplittableRandom random) {
        List<T> some = new ArrayList<>(all);
        some.removeIf(one -> random.nextInt(3) == 0);
        Collections.shuffle(some, new Random(random.nextLong()));
        return some;
    }
}

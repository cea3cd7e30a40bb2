package io.sluice.runtime;

import io.sluice.core.LayerRange;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageRun;
import io.sluice.runtime.onnx.OnnxStageRunner;
import io.sluice.runtime.weights.SafetensorsModel;
import io.sluice.runtime.weights.SyntheticModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/**
 * Prints what a machine gets done of as many batches as it has cores, each of other sessions: one after the other on all
 * cores, or side by side on a core each. Layers and head are timed apart; side by side both begin together and count until
 * the last one is done. A unit is a layer, or a part of the head, of one position (of one row, at the head). The model has the shape
 * of SmolLM-135M. One round is one way after the other; figures are over all rounds, after one that does not count.
 *
 * <pre>java … io.sluice.runtime.PoolBench [SECONDS] [ROUNDS]</pre>
 */
public final class PoolBench {
    private static final int CONTEXT = 128;
    /** Positions before each decode step. */
    private static final int BEFORE = 64;

    private final OnnxStageRunner runner;
    private final LayerRange all;
    private final List<Integer> cores;
    private final ExecutorService threads;
    private final SplittableRandom random = new SplittableRandom(1);
    private boolean bound = true;

    /** What a batch is: decode steps, or a chunk of a prompt. */
    private record Work(String name, int rows, int positions) {}

    /** Units done and how long that took, of layers and of the head. */
    private static final class Sums {
        long layers;
        long layerNanos;
        long parts;
        long partNanos;

        double layersPerSecond() {
            return layers / (layerNanos / 1e9);
        }

        double partsPerSecond() {
            return parts / (partNanos / 1e9);
        }
    }

    private PoolBench(OnnxStageRunner runner, List<Integer> cores) {
        this.runner = runner;
        this.cores = cores;
        all = runner.layers();
        threads = Executors.newFixedThreadPool(
                cores.size(), task -> Thread.ofPlatform().daemon().name("lane").unstarted(task));
    }

    /** @param args seconds of each way and round (2), rounds (3) */
    public static void main(String[] args) throws Exception {
        int seconds = args.length > 0 ? Integer.parseInt(args[0]) : 2;
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 3;
        List<Integer> cores = CoreAffinity.cores();
        Path folder = Files.createTempDirectory("sluice-bench");
        try (ModelWeights weights = SafetensorsModel.open(
                SyntheticModel.write(folder, SyntheticModel.smolLm135m(), ActivationDtype.FP16, 1))) {
            ModelConfig config = weights.config();
            long kvBytes = 80L * CONTEXT * config.kvBytesPerTokenAndLayer() * config.layerCount();
            RuntimeOptions options = new RuntimeOptions(cores.size(), kvBytes).withLanes(cores.size());
            try (OnnxStageRunner runner =
                    OnnxStageRunner.open(weights, new LayerRange(0, config.layerCount()), options)) {
                new PoolBench(runner, cores).run(seconds, rounds);
            }
        } finally {
            delete(folder);
        }
    }

    private void run(int seconds, int rounds) throws Exception {
        bindThreads();
        System.out.println("cores " + cores + ", lanes bound to them: " + bound);
        System.out.println(
                "units per second        layers: by turns  a core each  ratio   head: by turns  a core each  ratio");
        for (Work work : List.of(
                new Work("decode of 1 row", 1, 1),
                new Work("decode of 8 rows", 8, 1),
                new Work("decode of 32 rows", 32, 1),
                new Work("32 positions of a prompt", 1, 32))) {
            List<List<KvSlot>> sessions = reserve(work);
            Sums turns = new Sums();
            Sums lanes = new Sums();
            for (int round = -1; round < rounds; round++) {
                measure(work, sessions, false, seconds, round < 0 ? new Sums() : turns);
                measure(work, sessions, true, seconds, round < 0 ? new Sums() : lanes);
            }
            System.out.println(String.format(
                    Locale.ROOT,
                    "%-24s %16.0f %12.0f %6.2f %16.0f %12.0f %6.2f",
                    work.name(),
                    turns.layersPerSecond(),
                    lanes.layersPerSecond(),
                    lanes.layersPerSecond() / turns.layersPerSecond(),
                    turns.partsPerSecond(),
                    lanes.partsPerSecond(),
                    lanes.partsPerSecond() / turns.partsPerSecond()));
            sessions.forEach(slots -> slots.forEach(runner::release));
        }
    }

    private void bindThreads() throws Exception {
        CyclicBarrier together = new CyclicBarrier(cores.size());
        List<Future<Boolean>> answers = new ArrayList<>();
        for (int core : cores) {
            answers.add(threads.submit(() -> {
                together.await();
                return CoreAffinity.bind(core);
            }));
        }
        for (Future<Boolean> answer : answers) {
            bound &= answer.get();
        }
    }

    private List<List<KvSlot>> reserve(Work work) {
        List<List<KvSlot>> sessions = new ArrayList<>();
        for (int batch = 0; batch < cores.size(); batch++) {
            List<KvSlot> slots = new ArrayList<>();
            for (int row = 0; row < work.rows(); row++) {
                KvSlot slot = runner.reserveBestEffort(CONTEXT, all).orElseThrow();
                if (work.positions() == 1) {
                    runner.run(List.of(input(slot, BEFORE, false)));
                }
                slots.add(slot);
            }
            sessions.add(slots);
        }
        return sessions;
    }

    private void measure(Work work, List<List<KvSlot>> sessions, boolean onLanes, int seconds, Sums sums)
            throws Exception {
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        while (System.nanoTime() < end) {
            List<StageRun> runs = new ArrayList<>();
            for (List<KvSlot> slots : sessions) {
                List<StageInput> inputs = new ArrayList<>();
                for (KvSlot slot : slots) {
                    runner.truncate(slot, work.positions() == 1 ? BEFORE : 0);
                    inputs.add(input(slot, work.positions(), true));
                }
                runs.add(runner.begin(inputs));
            }
            long start = System.nanoTime();
            each(runs, onLanes, false);
            long middle = System.nanoTime();
            int parts = runs.stream().mapToInt(StageRun::headLeft).sum();
            each(runs, onLanes, true);
            sums.partNanos += System.nanoTime() - middle;
            sums.layerNanos += middle - start;
            sums.layers += (long) runs.size() * all.size() * work.rows() * work.positions();
            sums.parts += (long) parts * work.rows();
            runs.forEach(StageRun::finish);
        }
    }

    /** All layers of all batches, or all of their heads. */
    private void each(List<StageRun> runs, boolean onLanes, boolean head)
            throws InterruptedException, ExecutionException {
        List<Future<?>> done = new ArrayList<>();
        for (int lane = 0; lane < runs.size(); lane++) {
            StageRun run = runs.get(lane);
            int its = lane;
            if (onLanes) {
                done.add(threads.submit(() -> onLane(run, its, head)));
            } else {
                here(run, head);
            }
        }
        for (Future<?> future : done) {
            future.get();
        }
    }

    private static void here(StageRun run, boolean head) {
        while ((head ? run.headLeft() : run.layersLeft()) > 0) {
            if (head) {
                run.advanceHead(1);
            } else {
                run.advance(1);
            }
        }
    }

    private static void onLane(StageRun run, int lane, boolean head) {
        while ((head ? run.headLeft() : run.layersLeft()) > 0) {
            if (head) {
                run.advanceHeadBeside(lane, 1);
            } else {
                run.advanceBeside(lane, 1);
            }
        }
    }

    private StageInput input(KvSlot slot, int count, boolean logits) {
        int[] ids = random.ints(count, 0, runner.model().vocabSize()).toArray();
        return new StageInput(slot, slot.length(), count, ids, null, 0, logits);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}

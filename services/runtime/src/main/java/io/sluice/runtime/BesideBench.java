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
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Prints what a batch costs an interactive session by where its layers run: in the gaps between the session's decode steps,
 * on one core beside them, or both by turns. The session rests after each step for as long as a step takes alone (half
 * load). The batch's logits are computed in the gaps in every mode. One round is one mode after the other; the figures are
 * over all rounds.
 *
 * <pre>java … io.sluice.runtime.BesideBench [SECONDS] [ROUNDS] [ROWS]</pre>
 */
public final class BesideBench {
    private static final int CONTEXT = 512;
    private static final int PROMPT = 32;

    private final OnnxStageRunner runner;
    private final LayerRange all;
    private final List<KvSlot> rows = new ArrayList<>();
    private final KvSlot interactive;
    private final SplittableRandom random = new SplittableRandom(1);
    private final AtomicLong tokens = new AtomicLong();
    /** The batch under way; whoever of the two threads works on it owns it. */
    private StageRun batch;

    private boolean bound;

    /** Where the batch's layers run. */
    private enum Mode {
        ALONE,
        GAPS,
        /** With the priority of any thread. */
        BESIDE_EQUAL,
        /** Only while nobody else wants the core. */
        BESIDE,
        /** As {@link #BESIDE} during steps, and in the gaps as {@link #GAPS}. */
        BOTH
    }

    private BesideBench(OnnxStageRunner runner, int batchRows) {
        this.runner = runner;
        all = runner.layers();
        interactive = runner.reserve(CONTEXT, all).orElseThrow();
        for (int i = 0; i < batchRows; i++) {
            rows.add(runner.reserveBestEffort(CONTEXT, all).orElseThrow());
        }
    }

    /** @param args seconds of each mode and round (5), rounds (3), rows of the batch (8) */
    public static void main(String[] args) throws IOException, InterruptedException {
        int seconds = args.length > 0 ? Integer.parseInt(args[0]) : 5;
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 3;
        int rows = args.length > 2 ? Integer.parseInt(args[2]) : 8;
        Path folder = Files.createTempDirectory("sluice-bench");
        try (ModelWeights weights = SafetensorsModel.open(
                SyntheticModel.write(folder, SyntheticModel.smolLm135m(), ActivationDtype.FP16, 1))) {
            ModelConfig config = weights.config();
            long kvBytes = 2L * (rows + 2) * CONTEXT * config.kvBytesPerTokenAndLayer() * config.layerCount();
            RuntimeOptions options =
                    new RuntimeOptions(Runtime.getRuntime().availableProcessors(), kvBytes).withLanes(1);
            try (OnnxStageRunner runner =
                    OnnxStageRunner.open(weights, new LayerRange(0, config.layerCount()), options)) {
                new BesideBench(runner, rows).run(seconds, rounds);
            }
        } finally {
            delete(folder);
        }
    }

    private void run(int seconds, int rounds) throws InterruptedException {
        double restNanos = 0;
        double[][] steps = new double[Mode.values().length][0];
        long[] computed = new long[Mode.values().length];
        double[] spent = new double[Mode.values().length];
        for (int round = -1; round < rounds; round++) {
            for (Mode mode : Mode.values()) {
                tokens.set(0);
                long start = System.nanoTime();
                double[] times = measure(mode, seconds, restNanos);
                double elapsed = (System.nanoTime() - start) / 1e9;
                if (mode == Mode.ALONE) {
                    restNanos = median(times);
                }
                if (round >= 0) {
                    double[] before = steps[mode.ordinal()];
                    steps[mode.ordinal()] = Arrays.copyOf(before, before.length + times.length);
                    System.arraycopy(times, 0, steps[mode.ordinal()], before.length, times.length);
                    computed[mode.ordinal()] += tokens.get();
                    spent[mode.ordinal()] += elapsed;
                }
            }
        }
        System.out.println("side thread bound to its core: " + bound);
        for (Mode mode : Mode.values()) {
            double[] sorted = steps[mode.ordinal()].clone();
            Arrays.sort(sorted);
            System.out.println(String.format(
                    Locale.ROOT,
                    "%-12s steps %5d  p50 %7.2f ms  p99 %7.2f ms  mean %7.2f ms  batch %7.1f tokens/s",
                    mode.name().toLowerCase(Locale.ROOT).replace('_', '-'),
                    sorted.length,
                    median(sorted) / 1e6,
                    sorted[(int) Math.ceil(0.99 * sorted.length) - 1] / 1e6,
                    Arrays.stream(sorted).average().orElse(0) / 1e6,
                    computed[mode.ordinal()] / spent[mode.ordinal()]));
        }
    }

    /** Response times of the interactive session's steps, ns: from when one is due to its end. */
    private double[] measure(Mode mode, int seconds, double restNanos) throws InterruptedException {
        List<Double> times = new ArrayList<>();
        AtomicBoolean over = new AtomicBoolean();
        Side side = mode == Mode.ALONE || mode == Mode.GAPS ? null : new Side(over, mode != Mode.BESIDE_EQUAL);
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        long due = System.nanoTime();
        while (System.nanoTime() < end) {
            if (side != null) {
                side.let(true);
            }
            step();
            long now = System.nanoTime();
            times.add((double) (now - due));
            due = now + (long) restNanos;
            if (mode == Mode.BOTH) {
                side.let(false);
            }
            while (System.nanoTime() < due) {
                if (mode == Mode.GAPS || mode == Mode.BOTH) {
                    unit(begun());
                } else if (side == null || !side.turn()) {
                    Thread.sleep(0, 100_000);
                }
            }
        }
        over.set(true);
        if (side != null) {
            side.join();
            bound = side.bound;
        }
        return times.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private void step() {
        if (interactive.length() == CONTEXT) {
            runner.truncate(interactive, 0);
        }
        int count = interactive.length() == 0 ? PROMPT : 1;
        runner.run(List.of(input(interactive, count, true)));
    }

    private StageRun begun() {
        if (batch == null) {
            List<StageInput> inputs = new ArrayList<>();
            for (KvSlot slot : rows) {
                if (slot.length() == CONTEXT) {
                    runner.truncate(slot, 0);
                }
                inputs.add(input(slot, 1, true));
            }
            batch = runner.begin(inputs);
        }
        return batch;
    }

    private void unit(StageRun run) {
        if (run.layersLeft() > 0) {
            run.advance(1);
        } else if (run.headLeft() > 1) {
            run.advanceHead(1);
        } else {
            run.finish();
            tokens.addAndGet(rows.size());
            batch = null;
        }
    }

    private synchronized StageInput input(KvSlot slot, int count, boolean logits) {
        int[] ids = random.ints(count, 0, runner.model().vocabSize()).toArray();
        return new StageInput(slot, slot.length(), count, ids, null, 0, logits);
    }

    /** The thread beside: works on the batch while it may. */
    private final class Side extends Thread {
        private final AtomicBoolean over;
        private final boolean givesWay;
        private boolean may;
        private boolean atWork;
        private volatile boolean bound;

        Side(AtomicBoolean over, boolean givesWay) {
            super("beside");
            this.givesWay = givesWay;
            this.over = over;
            setDaemon(true);
            start();
        }

        /** Lets it work, or waits until it has stopped. */
        synchronized void let(boolean work) throws InterruptedException {
            may = work;
            notifyAll();
            while (!work && atWork) {
                wait();
            }
        }

        @Override
        public void run() {
            List<Integer> cores = CoreAffinity.cores();
            bound = cores.size() > 1 && CoreAffinity.bind(cores.getLast()) && (!givesWay || CoreAffinity.giveWay());
            while (!over.get()) {
                if (!begins()) {
                    continue;
                }
                try {
                    batch.advanceBeside(0, 1);
                } finally {
                    ends();
                }
            }
        }

        private synchronized boolean begins() {
            try {
                if (!may || batch == null || batch.layersLeft() == 0) {
                    wait(1);
                }
            } catch (InterruptedException e) {
                return false;
            }
            atWork = may && batch != null && batch.layersLeft() > 0;
            return atWork;
        }

        /** The owner's part: ends a batch whose layers are done and begins the next one; false when there was nothing to do. */
        private synchronized boolean turn() {
            if (atWork || (batch != null && batch.layersLeft() > 0)) {
                return false;
            }
            if (batch != null) {
                unit(batch);
            }
            begun();
            return true;
        }

        private synchronized void ends() {
            atWork = false;
            notifyAll();
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}

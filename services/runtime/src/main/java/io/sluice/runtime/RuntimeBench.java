package io.sluice.runtime;

import io.sluice.core.LayerRange;
import io.sluice.runtime.InProcessGenerator.Request;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
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
import java.util.stream.Stream;

/**
 * Prints what the runtime does on this machine: prefill and decode tokens/s for one and eight sessions, the best of
 * some rounds, the time of one layer call, and the process's memory. Without a model it makes one of SmolLM2-135M's
 * shape.
 *
 * <pre>java … io.sluice.runtime.RuntimeBench [FOLDER|tiny] [THREADS] [ROUNDS]</pre>
 */
public final class RuntimeBench {
    private static final int PROMPT = 64;
    private static final int DECODE = 64;

    private RuntimeBench() {}

    /** @param args model folder (or {@code 135m}, {@code tiny}: made for the run), threads, rounds */
    public static void main(String[] args) throws IOException {
        String model = args.length > 0 ? args[0] : "135m";
        int threads = args.length > 1
                ? Integer.parseInt(args[1])
                : Runtime.getRuntime().availableProcessors();
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 3;
        Path made = null;
        Path folder = Path.of(model);
        if (!Files.isDirectory(folder)) {
            made = Files.createTempDirectory("sluice-bench");
            ModelConfig shape = model.equals("tiny") ? SyntheticModel.tiny() : SyntheticModel.smolLm135m();
            folder = SyntheticModel.write(made, shape, ActivationDtype.FP16, 1);
        }
        try {
            run(folder, threads, rounds);
        } finally {
            if (made != null) {
                delete(made);
            }
        }
    }

    private static void run(Path folder, int threads, int rounds) throws IOException {
        try (ModelWeights weights = SafetensorsModel.open(folder)) {
            ModelConfig config = weights.config();
            long kvBytes = 16 * 128 * config.kvBytesPerTokenAndLayer() * config.layerCount();
            long start = System.nanoTime();
            LayerRange all = new LayerRange(0, config.layerCount());
            try (OnnxStageRunner runner = OnnxStageRunner.open(weights, all, new RuntimeOptions(threads, kvBytes))) {
                print("load", (System.nanoTime() - start) / 1e6, "ms");
                printMemory();
                for (int sessions : new int[] {1, 8}) {
                    measure(runner, sessions, rounds);
                }
                measureLayerCall(runner);
                printMemory();
            }
        }
    }

    private static void measure(OnnxStageRunner runner, int sessions, int rounds) {
        InProcessGenerator generator = new InProcessGenerator(List.of(runner));
        SplittableRandom random = new SplittableRandom(1);
        List<Request> prompts = new ArrayList<>();
        List<Request> texts = new ArrayList<>();
        for (int i = 0; i < sessions; i++) {
            int[] ids = random.ints(PROMPT, 0, runner.model().vocabSize()).toArray();
            prompts.add(new Request(ids, 1, SamplingParams.GREEDY, false));
            texts.add(new Request(ids, 1 + DECODE, SamplingParams.GREEDY, false));
        }
        double prefill = Double.MAX_VALUE;
        double whole = Double.MAX_VALUE;
        double prefillCpu = Double.MAX_VALUE;
        double wholeCpu = Double.MAX_VALUE;
        for (int round = 0; round <= rounds; round++) {
            double start = cpuSeconds();
            prefill = Math.min(prefill, seconds(() -> generator.generateAll(prompts, PROMPT)));
            double middle = cpuSeconds();
            whole = Math.min(whole, seconds(() -> generator.generateAll(texts, PROMPT)));
            prefillCpu = Math.min(prefillCpu, middle - start);
            wholeCpu = Math.min(wholeCpu, cpuSeconds() - middle);
        }
        print("prefill of " + sessions, sessions * PROMPT / prefill, "tokens/s");
        print("decode of " + sessions, sessions * DECODE / (whole - prefill), "tokens/s");
        print("decode of " + sessions, 1e3 * (wholeCpu - prefillCpu) / (sessions * DECODE), "ms of CPU time per token");
    }

    /** A single position through all layers without the head: the median time per layer. */
    private static void measureLayerCall(OnnxStageRunner runner) {
        KvSlot slot = runner.reserve(PROMPT).orElseThrow();
        long[] nanos = new long[PROMPT];
        for (int i = 0; i < nanos.length; i++) {
            long start = System.nanoTime();
            runner.run(List.of(new StageInput(slot, i, 1, new int[] {i}, null, 0, false)));
            nanos[i] = System.nanoTime() - start;
        }
        runner.release(slot);
        Arrays.sort(nanos);
        print(
                "one layer, one position",
                nanos[PROMPT / 2] / 1e3 / runner.layers().size(),
                "us");
    }

    /** Tells more than the clock where other processes keep the cores busy. */
    private static double cpuSeconds() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .map(duration -> duration.toNanos() / 1e9)
                .orElse(Double.NaN);
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    private static void printMemory() throws IOException {
        Path rollup = Path.of("/proc/self/smaps_rollup");
        if (Files.isReadable(rollup)) {
            try (Stream<String> lines = Files.lines(rollup)) {
                lines.filter(line -> line.startsWith("Pss:"))
                        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                        .forEach(kib -> print("memory (PSS)", kib / 1024.0, "MiB"));
            }
        }
    }

    private static void print(String name, double value, String unit) {
        System.out.println(String.format(Locale.ROOT, "%-26s %10.1f %s", name, value, unit));
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}

package io.sluice.launcher.bench;

import io.sluice.launcher.demo.LoadRun;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.InferenceRequest;
import io.sluice.runtime.InProcessGenerator;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.SamplingParams;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Decode throughput of a pipeline of three worker processes against the runtime in one process on the same cores, with one
 * and with eight sessions; on SmolLM2, where it is set up, against llama.cpp as well.
 */
final class PipelineBench implements Bench {
    private static final int STAGES = 3;
    private static final int PROMPT = 16;
    private static final int TOKENS = 64;
    private static final int WARM_UP_RUNS = 4;
    private static final int WARM_UP_TOKENS = 400;
    private static final int PREFILL_CHUNK = 128;
    private static final long KV_BYTES = 256L << 20;
    private static final int THREADS = Runtime.getRuntime().availableProcessors();

    /** A model to measure. */
    private record Subject(String name, Path path, Optional<LlamaCpp> peer) {}

    @Override
    public void run(Setting setting, BenchReport report) throws Exception {
        List<Subject> subjects = new ArrayList<>();
        subjects.add(new Subject("psalm", BenchStacks.psalmModel(), Optional.empty()));
        subjects.add(new Subject("layers-of-135m", BenchStacks.layersOf135m(setting), Optional.empty()));
        Optional<LlamaCpp> peer = LlamaCpp.find(StackFolder.repository());
        if (peer.isPresent()) {
            subjects.add(new Subject("smollm2", peer.get().model(), peer));
        } else {
            report.note(
                    "SmolLM2 and llama.cpp are not set up here, so their rows are missing: run infra/checks/smollm2.py");
        }
        for (Subject subject : subjects) {
            measure(setting, report, subject);
        }
        report.note(STAGES + " worker processes and the one-process baseline take turns on the same " + THREADS
                + " cores; fp32 weights, fp16 activations between processes, worker JVMs warmed up by "
                + WARM_UP_RUNS * WARM_UP_TOKENS + " steps; layers-of-135m has random weights, the layer"
                + " shape of SmolLM2-135M and psalm's vocabulary");
    }

    private static void measure(Setting setting, BenchReport report, Subject subject) throws Exception {
        int layers;
        List<Double> alone1 = new ArrayList<>();
        List<Double> alone8 = new ArrayList<>();
        List<Double> pipe1 = new ArrayList<>();
        List<Double> pipe8 = new ArrayList<>();
        List<Double> llama = new ArrayList<>();
        try (ModelWeights weights = ModelFiles.weights(subject.path())) {
            layers = weights.config().layerCount();
        }
        setting.progress(subject.name() + ": starting " + STAGES + " workers");
        try (EmbeddedStack stack = EmbeddedStack.start(
                BenchStacks.chain(setting.data(), subject.path(), subject.name(), layers, STAGES), Progress.SILENT)) {
            warmUp(setting, stack, subject.name());
            for (int round = 0; round < setting.rounds(); round++) {
                setting.progress(subject.name() + ": round " + (round + 1) + " of " + setting.rounds());
                inProcess(subject.path(), alone1, alone8);
                if (subject.peer().isPresent()) {
                    llama.addAll(subject.peer().get().decode(THREADS, PROMPT, TOKENS));
                }
                pipe1.add(pipeline(stack, subject.name(), 1, TOKENS, "one" + round));
                pipe8.add(pipeline(stack, subject.name(), 8, TOKENS, "eight" + round));
            }
        }
        String name = subject.name() + ".";
        report.add(name + "pipeline.1_session", "tokens/s", Medians.median(pipe1), Medians.median(alone1), ">= 0.8");
        report.add(name + "pipeline.8_sessions", "tokens/s", Medians.median(pipe8), Medians.median(alone8), ">= 0.8");
        if (!llama.isEmpty()) {
            double peer = Medians.median(llama);
            report.add(name + "vs_llama_cpp.1_session", "tokens/s", Medians.median(pipe1), peer, ">= 0.75");
            report.add(name + "vs_llama_cpp.8_sessions", "tokens/s", Medians.median(pipe8), peer, ">= 2");
        }
    }

    /** Fresh worker JVMs interpret at first: their hops take several milliseconds until the JIT compiler is through. */
    private static void warmUp(Setting setting, EmbeddedStack stack, String model) throws InterruptedException {
        setting.progress(model + ": warming up with " + WARM_UP_RUNS * WARM_UP_TOKENS + " steps");
        for (int run = 0; run < WARM_UP_RUNS; run++) {
            pipeline(stack, model, 1, WARM_UP_TOKENS, "warm" + run);
        }
        pipeline(stack, model, 8, TOKENS, "warm8");
    }

    /** Decode tokens/s in one process, with one and with eight sessions. */
    private static void inProcess(Path model, List<Double> one, List<Double> eight) {
        try (ModelWeights weights = ModelFiles.weights(model);
                InProcessGenerator generator =
                        InProcessGenerator.open(weights, new RuntimeOptions(THREADS, KV_BYTES))) {
            decode(generator, 8, TOKENS / 4);
            one.add(decode(generator, 1, TOKENS));
            eight.add(decode(generator, 8, TOKENS));
        }
    }

    private static double decode(InProcessGenerator generator, int sessions, int tokens) {
        List<InProcessGenerator.Request> first = requests(sessions, 1);
        List<InProcessGenerator.Request> all = requests(sessions, tokens);
        long start = System.nanoTime();
        generator.generateAll(first, PREFILL_CHUNK);
        long prefilled = System.nanoTime();
        generator.generateAll(all, PREFILL_CHUNK);
        long end = System.nanoTime();
        // The second run repeats the prompts; what it took longer is the decoding.
        return sessions * (tokens - 1) / (((end - prefilled) - (prefilled - start)) / 1e9);
    }

    private static List<InProcessGenerator.Request> requests(int sessions, int tokens) {
        return IntStream.range(0, sessions)
                .mapToObj(i -> new InProcessGenerator.Request(prompt(i), tokens, SamplingParams.GREEDY, false))
                .toList();
    }

    private static int[] prompt(int session) {
        return IntStream.range(0, PROMPT).map(i -> 100 + i + 7 * session).toArray();
    }

    /** Decode tokens/s through the stack, from the moment every session has its first token. */
    private static double pipeline(EmbeddedStack stack, String model, int sessions, int tokens, String run)
            throws InterruptedException {
        String runId = run + Long.toString(System.nanoTime(), 36);
        List<LoadPlan.Planned> planned = IntStream.range(0, sessions)
                .mapToObj(i -> new LoadPlan.Planned(
                        0,
                        InferenceRequest.newBuilder()
                                .setRequestId(runId + "-" + i)
                                .setModel(model)
                                .setPromptTokenIds(
                                        IntStream.of(prompt(i)).boxed().toList())
                                .setMaxTokens(tokens)
                                .setIgnoreEos(true)
                                .build()))
                .toList();
        LoadRun.Result result = LoadRun.play(
                stack.description(),
                new LoadPlan(planned),
                sessions,
                Duration.ofMinutes(5),
                new LoadGenerator.Listener() {});
        List<RequestOutcome> outcomes = result.run().outcomes();
        for (RequestOutcome outcome : outcomes) {
            if (!outcome.completed()) {
                throw new IllegalStateException("request " + outcome.request().getRequestId() + " did not complete: "
                        + Objects.requireNonNullElse(outcome.failure(), "no answer"));
            }
        }
        long allDecode = outcomes.stream()
                .mapToLong(o -> o.tokenNanos().getFirst())
                .max()
                .orElseThrow();
        long last =
                outcomes.stream().mapToLong(o -> o.tokenNanos().getLast()).max().orElseThrow();
        long counted = outcomes.stream()
                .flatMapToLong(o -> o.tokenNanos().stream().mapToLong(Long::longValue))
                .filter(nanos -> nanos > allDecode)
                .count();
        return counted / ((last - allDecode) / 1e9);
    }
}

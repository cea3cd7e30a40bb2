package io.sluice.launcher.bench;

import io.sluice.embedded.WanShape;
import io.sluice.launcher.bench.WanRuns.Seen;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.runtime.ActivationChoice;
import io.sluice.runtime.ActivationDtype;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Element types of activations on slow links: a model with activations of 4 KiB in fp16, three stages. */
final class WanPayloadPart {
    private static final int STAGES = 3;
    private static final int SESSIONS = 8;
    private static final int LONG_PROMPT = 768;
    private static final List<ActivationChoice> TYPES =
            List.of(ActivationDtype.FP16, ActivationDtype.INT8_BLOCK, ActivationChoice.AUTO);

    private final Bench.Setting setting;
    private final BenchReport report;
    private final Path model;
    private final List<WanShape> shapes;
    private final Map<String, List<Result>> results = new LinkedHashMap<>();

    private record Result(double one, double many, double firstTokenMillis) {}

    WanPayloadPart(Bench.Setting setting, BenchReport report, Path model) {
        this.setting = setting;
        this.report = report;
        this.model = model;
        this.shapes =
                setting.quick() ? List.of(WanShape.of(20, 10)) : List.of(WanShape.of(20, 10), WanShape.of(20, 100));
    }

    void run() throws InterruptedException {
        for (WanShape shape : shapes) {
            for (ActivationChoice type : TYPES) {
                measure(shape, type);
            }
        }
        report();
    }

    /** A stack of its own, because workers are told at their start what their link takes. */
    private void measure(WanShape shape, ActivationChoice type) throws InterruptedException {
        setting.progress("payload: starting a stack across " + shape + " with activations " + type);
        try (EmbeddedStack stack = EmbeddedStack.start(
                BenchStacks.chain(setting.data(), model, "wide", STAGES, STAGES)
                        .withActivations(type)
                        .withWan(shape),
                Progress.SILENT)) {
            setting.progress("payload: warming up");
            stack.setWan(WanShape.of(0, 0));
            WanRuns.generate(stack, "wide", 1, LONG_PROMPT, 100);
            WanRuns.generate(stack, "wide", SESSIONS, 16, 100);
            stack.setWan(shape);
            // Prompts beside decode steps are what bandwidth is measured by; a choice takes a few looks of a second.
            for (int i = 0; i < 4; i++) {
                WanRuns.generate(stack, "wide", 2, LONG_PROMPT / 4, 24);
            }
            for (int round = 0; round < (setting.quick() ? 1 : setting.rounds()); round++) {
                setting.progress("payload: " + type + ", " + shape + ", round " + (round + 1));
                Seen one = WanRuns.generate(stack, "wide", 1, 16, 48);
                Seen many = WanRuns.generate(stack, "wide", SESSIONS, 16, 48);
                Seen prompt = WanRuns.generate(stack, "wide", 1, LONG_PROMPT, 2);
                results.computeIfAbsent(key(shape, type), key -> new ArrayList<>())
                        .add(new Result(one.tokensPerSecond(), many.tokensPerSecond(), prompt.firstTokenMillis()));
            }
        }
    }

    /** Adds the rows of all types, each against fp16 on the same network. */
    private void report() {
        for (WanShape shape : shapes) {
            Result fp16 = median(results.get(key(shape, ActivationDtype.FP16)));
            for (ActivationChoice type : TYPES.subList(1, TYPES.size())) {
                Result other = median(results.get(key(shape, type)));
                String name = String.format(
                        Locale.ROOT,
                        "%s.rtt%.0fms.%.0fmbit.",
                        type,
                        shape.roundTripNanos() / 1e6,
                        shape.bitsPerSecond() / 1e6);
                report.add(name + "1_session", "steps/s", other.one, fp16.one, null);
                report.add(name + "8_sessions", "tokens/s", other.many, fp16.many, null);
                report.add(
                        name + "prompt_of_" + LONG_PROMPT, "ms", other.firstTokenMillis, fp16.firstTokenMillis, null);
            }
        }
        report.note(
                "payload: random weights, 3 layers of hidden size 2048, so 4096 bytes a position in fp16 and 2112 in int8"
                        + " blocks; baseline: the same with fp16; auto begins with fp16 and chooses by what it measures");
    }

    private static String key(WanShape shape, ActivationChoice type) {
        return shape + " " + type;
    }

    private static Result median(List<Result> results) {
        return new Result(
                Medians.median(results.stream().map(Result::one).toList()),
                Medians.median(results.stream().map(Result::many).toList()),
                Medians.median(results.stream().map(Result::firstTokenMillis).toList()));
    }
}

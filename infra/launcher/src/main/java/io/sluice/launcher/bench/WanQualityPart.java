package io.sluice.launcher.bench;

import io.sluice.core.LayerRange;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.loadgen.LoadPlan;
import io.sluice.runtime.ActivationCodec;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.runtime.onnx.OnnxStageRunner;
import io.sluice.runtime.text.Tokenizer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What an element type of activations does to the distribution of the next token: the Kullback-Leibler divergence of it
 * from that with exact activations, over the same text, three stages in this process. The text is the bundled prompts and
 * what the exact pipeline writes after each.
 */
final class WanQualityPart {
    private static final int STAGES = 3;
    private static final int CONTINUATION = 24;
    private static final long KV_BYTES = 64L << 20;

    private final Bench.Setting setting;
    private final BenchReport report;

    WanQualityPart(Bench.Setting setting, BenchReport report) {
        this.setting = setting;
        this.report = report;
    }

    void run() {
        Map<String, Path> models = new LinkedHashMap<>();
        models.put("psalm", BenchStacks.psalmModel());
        LlamaCpp.find(StackFolder.repository()).ifPresent(smol -> models.put("smollm2", smol.model()));
        models.forEach(this::measure);
        report.note("quality: KL(fp32 || type) of the next token, natural logarithm, over every position of "
                + prompts() + " prompts and " + CONTINUATION + " greedy tokens each; types at both borders of " + STAGES
                + " stages");
    }

    private int prompts() {
        return setting.quick() ? 10 : LoadPlan.bundledPrompts().size();
    }

    private void measure(String name, Path path) {
        setting.progress("quality: " + name);
        try (ModelWeights weights = ModelFiles.weights(path);
                Tokenizer tokenizer = ModelFiles.tokenizer(path);
                Chain chain = new Chain(weights)) {
            Map<ActivationDtype, Divergence> found = new LinkedHashMap<>();
            found.put(ActivationDtype.FP16, new Divergence());
            found.put(ActivationDtype.INT8_BLOCK, new Divergence());
            for (String prompt : LoadPlan.bundledPrompts().subList(0, prompts())) {
                List<Integer> ids = new ArrayList<>();
                for (int id : tokenizer.encode(prompt)) {
                    ids.add(id);
                }
                List<double[]> exact = chain.write(ids, ids.size() + CONTINUATION);
                found.forEach((type, divergence) -> {
                    List<double[]> logs = chain.read(ids, type);
                    for (int i = 0; i < logs.size(); i++) {
                        divergence.add(exact.get(i), logs.get(i));
                    }
                });
            }
            found.forEach((type, divergence) -> {
                report.add(name + ".kl." + type + ".mean", "nats", divergence.sum / divergence.count);
                report.add(name + ".kl." + type + ".max", "nats", divergence.largest);
                report.add(name + ".other_best_token." + type, "%", 100.0 * divergence.otherBest / divergence.count);
            });
        }
    }

    /** Sums over positions. */
    private static final class Divergence {
        private double sum;
        private double largest;
        private long otherBest;
        private long count;

        void add(double[] exact, double[] other) {
            double divergence = 0;
            for (int i = 0; i < exact.length; i++) {
                divergence += Math.exp(exact[i]) * (exact[i] - other[i]);
            }
            sum += divergence;
            largest = Math.max(largest, divergence);
            otherBest += best(exact) == best(other) ? 0 : 1;
            count++;
        }
    }

    private static int best(double[] logs) {
        int best = 0;
        for (int i = 1; i < logs.length; i++) {
            best = logs[i] > logs[best] ? i : best;
        }
        return best;
    }

    /** Three stages in this process, whose borders have an element type. */
    private static final class Chain implements AutoCloseable {
        private final List<StageRunner> stages = new ArrayList<>();
        private final int hidden;

        Chain(ModelWeights weights) {
            int layers = weights.config().layerCount();
            hidden = weights.config().hiddenSize();
            RuntimeOptions options = new RuntimeOptions(1, KV_BYTES);
            for (int stage = 0; stage < STAGES; stage++) {
                LayerRange range = new LayerRange(stage * layers / STAGES, (stage + 1) * layers / STAGES);
                stages.add(OnnxStageRunner.open(weights, range, options));
            }
        }

        /** Adds the likeliest token until there are so many; log-probabilities after every token but the last. */
        List<double[]> write(List<Integer> ids, int length) {
            List<KvSlot> slots = reserve(length);
            List<double[]> logs = new ArrayList<>();
            for (int position = 0; position < length - 1; position++) {
                logs.add(step(slots, position, ids.get(position), ActivationDtype.FP32));
                if (position + 1 == ids.size()) {
                    ids.add(best(logs.getLast()));
                }
            }
            release(slots);
            return logs;
        }

        /** Log-probabilities after every token but the last. */
        List<double[]> read(List<Integer> ids, ActivationDtype type) {
            List<KvSlot> slots = reserve(ids.size());
            List<double[]> logs = new ArrayList<>();
            for (int position = 0; position < ids.size() - 1; position++) {
                logs.add(step(slots, position, ids.get(position), type));
            }
            release(slots);
            return logs;
        }

        private double[] step(List<KvSlot> slots, int position, int id, ActivationDtype type) {
            FloatBuffer entering = null;
            StageOutput output = null;
            for (int s = 0; s < STAGES; s++) {
                StageRunner stage = stages.get(s);
                boolean last = s == STAGES - 1;
                output = stage.run(List.of(new StageInput(
                                slots.get(s),
                                position,
                                1,
                                s == 0 ? new int[] {id} : null,
                                entering,
                                stage.layers().first(),
                                last)))
                        .getFirst();
                if (!last) {
                    entering = ActivationCodec.decode(
                            ActivationCodec.encode(output.hidden(), 1, hidden, type), 1, hidden, type);
                }
            }
            return logSoftmax(output.logits());
        }

        private List<KvSlot> reserve(int tokens) {
            return stages.stream()
                    .map(stage -> stage.reserve(tokens).orElseThrow())
                    .toList();
        }

        private void release(List<KvSlot> slots) {
            for (int s = 0; s < STAGES; s++) {
                stages.get(s).release(slots.get(s));
            }
        }

        @Override
        public void close() {
            stages.forEach(StageRunner::close);
        }
    }

    private static double[] logSoftmax(FloatBuffer logits) {
        double[] logs = new double[logits.remaining()];
        double largest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < logs.length; i++) {
            logs[i] = logits.get(logits.position() + i);
            largest = Math.max(largest, logs[i]);
        }
        double sum = 0;
        for (double log : logs) {
            sum += Math.exp(log - largest);
        }
        double norm = largest + Math.log(sum);
        for (int i = 0; i < logs.length; i++) {
            logs[i] -= norm;
        }
        return logs;
    }
}

package io.sluice.launcher.bench.recovery;

import io.sluice.core.LayerRange;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.RecoveryCosts;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.runtime.onnx.OnnxStageRunner;
import java.util.ArrayList;
import java.util.List;

/** A pipeline's stages in this process, layers split evenly, and what a prompt costs on each. Not thread-safe. */
public final class StageRow implements AutoCloseable {
    private static final int PROBE_TOKENS = 256;
    private static final int PROBES = 3;

    private final List<StageRunner> runners = new ArrayList<>();
    private final double[] secondsPerToken;

    private StageRow(int stages) {
        secondsPerToken = new double[stages];
    }

    /** Opens the stages and measures how long each takes for a position of a prompt. */
    public static StageRow open(ModelWeights weights, int stages, RuntimeOptions options) {
        StageRow row = new StageRow(stages);
        int layers = weights.config().layerCount();
        try {
            for (int stage = 0; stage < stages; stage++) {
                row.runners.add(OnnxStageRunner.open(
                        weights, new LayerRange(stage * layers / stages, (stage + 1) * layers / stages), options));
            }
            row.measure();
            return row;
        } catch (RuntimeException | Error e) {
            row.close();
            throw e;
        }
    }

    private void measure() {
        for (int i = 0; i < runners.size(); i++) {
            StageRunner runner = runners.get(i);
            double best = Double.POSITIVE_INFINITY;
            for (int probe = 0; probe < PROBES; probe++) {
                KvSlot slot = runner.reserve(PROBE_TOKENS).orElseThrow();
                long begin = System.nanoTime();
                for (int at = 0; at < PROBE_TOKENS; at += Generation.PREFILL_CHUNK) {
                    runner.run(List.of(probe(runner, slot, at)));
                }
                best = Math.min(best, (System.nanoTime() - begin) / 1e9);
                runner.release(slot);
            }
            secondsPerToken[i] = best / PROBE_TOKENS;
        }
    }

    private StageInput probe(StageRunner runner, KvSlot slot, int at) {
        int first = runner.layers().first();
        int count = Generation.PREFILL_CHUNK;
        return new StageInput(
                slot,
                at,
                count,
                first == 0 ? new int[count] : null,
                first == 0 ? null : java.nio.FloatBuffer.allocate(count * model().hiddenSize()),
                first,
                false);
    }

    public ModelConfig model() {
        return runners.getFirst().model();
    }

    int size() {
        return runners.size();
    }

    StageRunner runner(int stage) {
        return runners.get(stage);
    }

    Stage stage(int index, WorkerId worker) {
        return new Stage(worker, runners.get(index).layers());
    }

    /** Positions of a prompt that one stage computes in a second. */
    public double promptTokensPerSecond(int stage) {
        return 1 / secondsPerToken[stage];
    }

    /** What was measured when the stages were opened; the log is in memory, so that a transfer costs nothing. */
    RecoveryCosts costs() {
        return new RecoveryCosts() {
            @Override
            public double computeSeconds(Stage stage, int tokens) {
                for (int i = 0; i < runners.size(); i++) {
                    if (runners.get(i).layers().equals(stage.layers())) {
                        return tokens * secondsPerToken[i];
                    }
                }
                throw new IllegalArgumentException("no stage here has the layers of " + stage);
            }

            @Override
            public double transferSeconds(WorkerId to, int tokens) {
                return 0;
            }
        };
    }

    @Override
    public void close() {
        runners.forEach(StageRunner::close);
    }
}

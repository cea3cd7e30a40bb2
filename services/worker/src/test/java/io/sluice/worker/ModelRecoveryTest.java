package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.core.LayerRange;
import io.sluice.core.Pipeline;
import io.sluice.core.Stage;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.RecoveryPlan;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ElasticStageRunner;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.RuntimeOptions;
import io.sluice.runtime.StageRunner.StageOutput;
import io.sluice.runtime.onnx.OnnxStageRunner;
import io.sluice.runtime.text.Tokenizer;
import io.sluice.worker.device.CpuDevice;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Stages die at every step on the real runner with the model of this repository; the text is that of the reference. */
final class ModelRecoveryTest {
    private static final Path MODEL = Path.of("../../models/psalm");
    private static final RuntimeOptions OPTIONS = new RuntimeOptions(1, 16 << 20);
    private static final int TOKENS = 24;
    private static final List<LayerRange> RANGES =
            List.of(new LayerRange(0, 2), new LayerRange(2, 4), new LayerRange(4, 6));

    private static ModelWeights weights;
    private static Tokenizer tokenizer;
    private static List<Integer> prompt;
    private static List<Integer> expected;
    /** Runners by layers; a worker that takes another's place takes the next one. */
    private static final Map<LayerRange, List<ElasticStageRunner>> RUNNERS = new HashMap<>();
    /** Logits of every run that asked for some. */
    private static final List<float[]> LOGITS = new ArrayList<>();

    private LocalCluster cluster;
    private LocalRouter router;
    private final List<Member> dead = new ArrayList<>();
    private int born;

    @BeforeAll
    static void openModel() throws IOException {
        Path reference = MODEL.resolve("reference.json");
        assumeTrue(Files.exists(reference), () -> reference + " is missing");
        JsonNode first =
                new ObjectMapper().readTree(reference.toFile()).get("cases").get(0);
        prompt = WorkerStack.ids(first.get("prompt_token_ids"));
        expected = WorkerStack.ids(first.get("greedy_token_ids")).subList(0, TOKENS);
        weights = ModelFiles.weights(MODEL);
        tokenizer = ModelFiles.tokenizer(MODEL);
        for (LayerRange range : RANGES) {
            List<ElasticStageRunner> same = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                same.add(recording(OnnxStageRunner.open(weights, range, OPTIONS)));
            }
            RUNNERS.put(range, same);
        }
    }

    @AfterAll
    static void closeModel() {
        RUNNERS.values().forEach(same -> same.forEach(ElasticStageRunner::close));
        if (weights != null) {
            weights.close();
        }
    }

    @Test
    void shouldRepeatTheReferenceWhicheverStageDiesAtWhicheverStep() {
        for (int stage = 0; stage < RANGES.size(); stage++) {
            for (int step = 0; step < TOKENS; step++) {
                start(false);
                runUntil(step, step % 3);
                RecoveryPlan plan = replace(Set.of(stage), false);
                finish("stage " + stage + " after token " + step + ": " + plan.reason());
            }
        }
    }

    @Test
    void shouldRepeatTheReferenceWhenTwoStagesDieAndThenTheReplacementToo() {
        for (Set<Integer> lost : List.of(Set.of(0, 1), Set.of(0, 2), Set.of(1, 2))) {
            for (int step : List.of(1, 7, 15)) {
                start(false);
                runUntil(step, 1);
                replace(lost, false);
                cluster.rounds(step % 4); // the rebuild has been ordered, has been read, or runs
                RecoveryPlan plan = replace(Set.of(lost.iterator().next()), false);
                finish(lost + " after token " + step + ": " + plan.reason());
            }
        }
    }

    @Test
    void shouldHaveTheSameBitsWhereRebuildsAreExactAndNearlySoElse() {
        start(true);
        LOGITS.clear();
        finish("undisturbed");
        List<float[]> undisturbed = List.copyOf(LOGITS);
        for (int stage = 0; stage < RANGES.size(); stage++) {
            for (boolean exact : List.of(true, false)) {
                start(exact);
                LOGITS.clear();
                runUntil(13, 0);
                List<float[]> disturbed = new ArrayList<>(LOGITS.subList(0, 13));
                LOGITS.clear();
                replace(Set.of(stage), exact);
                finish("stage " + stage);
                disturbed.addAll(LOGITS);
                assertThat(disturbed).hasSize(TOKENS);
                for (int i = 0; i < TOKENS; i++) {
                    if (exact) {
                        assertThat(disturbed.get(i))
                                .as("stage %d token %d", stage, i)
                                .isEqualTo(undisturbed.get(i));
                    } else {
                        assertThat(distance(disturbed.get(i), undisturbed.get(i)))
                                .as("stage %d token %d", stage, i)
                                .isLessThan(1e-4);
                    }
                }
            }
        }
    }

    /** The dead hold KV cache in runners that others use again. */
    @AfterEach
    void bury() {
        dead.forEach(member -> member.deliver(LocalCluster.drop("r1", 99)));
        dead.clear();
    }

    private void start(boolean exact) {
        bury();
        born = 0;
        cluster = new LocalCluster();
        List<Stage> stages = new ArrayList<>();
        for (LayerRange range : RANGES) {
            stages.add(new Stage(add(range, 0, exact).id, range));
        }
        router = new LocalRouter(cluster, "r1", prompt, cluster.setup(prompt.size(), TOKENS));
        router.start(new Pipeline(stages));
    }

    private Member add(LayerRange range, int spare, boolean exact) {
        LoopSettings settings = LocalCluster.settings(range.first() + "-" + born++, ActivationDtype.FP32, 16, exact);
        return cluster.add(settings, RUNNERS.get(range).get(spare), new CpuDevice(), tokenizer);
    }

    private void runUntil(int tokens, int more) {
        while (router.ids.size() < tokens) {
            cluster.rounds(1);
        }
        for (int i = 0; i < more && router.ids.size() < TOKENS - 1; i++) {
            cluster.rounds(1);
        }
    }

    private RecoveryPlan replace(Set<Integer> lost, boolean exact) {
        List<Stage> stages = new ArrayList<>();
        Set<WorkerId> gone = new HashSet<>();
        for (int i = 0; i < RANGES.size(); i++) {
            Stage stage = router.pipeline().stages().get(i);
            if (lost.contains(i)) {
                gone.add(stage.worker());
                Member member = cluster.members.remove(stage.worker());
                dead.add(member);
                int spare = RUNNERS.get(RANGES.get(i)).indexOf(member.runner) + 1;
                stage = new Stage(add(RANGES.get(i), spare, exact).id, RANGES.get(i));
            }
            stages.add(stage);
        }
        return router.recover(new Pipeline(stages), gone);
    }

    private void finish(String why) {
        cluster.settle();
        assertThat(router.ids).as("%s; reported %s", why, cluster.failures).isEqualTo(expected);
        assertThat(router.text.toString()).as(why).isEqualTo(text());
        cluster.members.values().forEach(member -> assertThat(member.runner.kvReservedTokens())
                .isZero());
    }

    private static String text() {
        return tokenizer.decode(expected.stream().mapToInt(id -> id).toArray());
    }

    private static double distance(float[] a, float[] b) {
        double most = 0;
        for (int i = 0; i < a.length; i++) {
            most = Math.max(most, Math.abs(a[i] - b[i]));
        }
        return most;
    }

    /** The runner, whose logits are noted. */
    private static ElasticStageRunner recording(ElasticStageRunner runner) {
        return (ElasticStageRunner) Proxy.newProxyInstance(
                ModelRecoveryTest.class.getClassLoader(),
                new Class<?>[] {ElasticStageRunner.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("equals")) {
                        return proxy == arguments[0];
                    }
                    try {
                        Object result = method.invoke(runner, arguments);
                        if (method.getName().equals("run")) {
                            for (Object output : (List<?>) result) {
                                note((StageOutput) output);
                            }
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static void note(StageOutput output) {
        if (output.logits() != null) {
            float[] logits = new float[output.logits().remaining()];
            output.logits().duplicate().get(logits);
            LOGITS.add(logits);
        }
    }
}

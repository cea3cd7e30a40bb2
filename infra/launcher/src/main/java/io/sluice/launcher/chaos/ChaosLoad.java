package io.sluice.launcher.chaos;

import io.sluice.launcher.UserException;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.loadgen.Trace;
import io.sluice.records.InferenceRequest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The requests of a chaos run: a few prompts of the bundled trace, half of them greedy and half sampled from a seed, first
 * each once undisturbed, then again and again. Not thread-safe.
 */
final class ChaosLoad {
    private static final int TEMPLATES = 24;
    private static final double LENGTH_SCALE = 0.1;
    private static final float WARM = 0.8f;
    private static final double UNDISTURBED_PER_SECOND = 4;
    private static final int MOST_IN_FLIGHT = 400;
    private static final Duration UNDISTURBED_TIMEOUT = Duration.ofMinutes(3);
    /** How long a request may wait for a pipeline; longer than any fault lasts. */
    private static final Duration DEADLINE = Duration.ofMinutes(2);

    private final EmbeddedStack stack;
    private final List<InferenceRequest> templates;
    private final long seed;
    private final String runId;
    private final List<List<Integer>> expected = new ArrayList<>();

    /** @param runId prefix of request ids, new for every run on the same data */
    ChaosLoad(EmbeddedStack stack, int maxTokens, long seed, String runId) {
        this.stack = stack;
        this.seed = seed;
        this.runId = runId;
        this.templates = templates(maxTokens, seed);
    }

    private static List<InferenceRequest> templates(int maxTokens, long seed) {
        LoadPlan.Shape shape = new LoadPlan.Shape(ChaosStack.MODEL, "template", maxTokens, 0, seed);
        List<InferenceRequest> made = new ArrayList<>();
        for (LoadPlan.Planned planned : LoadPlan.ofTrace(Trace.bundled(), TEMPLATES, 1, LENGTH_SCALE, shape)
                .requests()) {
            made.add(InferenceRequest.newBuilder(planned.request())
                    .setTemperature(made.size() % 2 == 0 ? 0 : WARM)
                    .setMaxTokens(Math.max(maxTokens / 2, planned.request().getMaxTokens()))
                    .setIgnoreEos(true)
                    .setDeadlineMs(DEADLINE.toMillis())
                    .build());
        }
        return made;
    }

    /**
     * Sends every prompt once, while nothing is hurt, and remembers what came.
     *
     * @throws UserException when one of them does not complete
     */
    void rehearse() throws InterruptedException {
        LoadPlan plan = LoadPlan.ofTemplates(
                templates, runId + "-undisturbed", UNDISTURBED_PER_SECOND, TEMPLATES / UNDISTURBED_PER_SECOND, seed);
        try (LoadGenerator generator = generator()) {
            LoadGenerator.Run run =
                    generator.run(plan, MOST_IN_FLIGHT, UNDISTURBED_TIMEOUT, new LoadGenerator.Listener() {});
            for (RequestOutcome outcome : run.outcomes()) {
                if (!outcome.completed()) {
                    throw new UserException("request " + outcome.request().getRequestId()
                            + " did not complete before any fault (" + outcome.failure()
                            + "): look at the logs in " + stack.description().logs());
                }
                expected.add(List.copyOf(outcome.completion().getTokenIds()));
            }
        }
    }

    /** The load as it will be, undisturbed: afterwards code is compiled, pools and heaps have the size that it needs. */
    void warmUp(double perSecond, Duration length) throws InterruptedException {
        LoadPlan plan = LoadPlan.ofTemplates(templates, runId + "-warm-up", perSecond, length.toMillis() / 1e3, seed);
        try (LoadGenerator generator = generator()) {
            generator.run(plan, MOST_IN_FLIGHT, length.plus(UNDISTURBED_TIMEOUT), new LoadGenerator.Listener() {});
        }
    }

    /** Sends requests for so long and waits until all have ended, at most {@code quiet} more. */
    LoadGenerator.Run play(double perSecond, Duration length, Duration quiet, LoadGenerator.Listener listener)
            throws InterruptedException {
        LoadPlan plan = LoadPlan.ofTemplates(templates, runId, perSecond, length.toMillis() / 1e3, seed);
        try (LoadGenerator generator = generator()) {
            return generator.run(plan, MOST_IN_FLIGHT, length.plus(quiet), listener);
        }
    }

    private LoadGenerator generator() {
        return new LoadGenerator(stack.settings(), stack.schemas(), InstantSource.system());
    }

    /** The tokens that each of these requests gets when nothing is hurt. */
    Map<String, List<Integer>> undisturbed(List<RequestOutcome> outcomes) {
        Map<String, List<Integer>> byRequest = new LinkedHashMap<>();
        for (RequestOutcome outcome : outcomes) {
            String id = outcome.request().getRequestId();
            int index = Integer.parseInt(id.substring(id.lastIndexOf('-') + 1));
            byRequest.put(id, expected.get(index % expected.size()));
        }
        return byRequest;
    }
}

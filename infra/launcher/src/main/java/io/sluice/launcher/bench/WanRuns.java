package io.sluice.launcher.bench;

import io.sluice.launcher.demo.LoadRun;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.loadgen.LatencySummary;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.InferenceRequest;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/** Generations through a stack, as its client sees them. */
final class WanRuns {
    private static final Duration TIMEOUT = Duration.ofMinutes(5);

    private WanRuns() {}

    /**
     * What was seen.
     *
     * @param tokensPerSecond decode tokens of all sessions
     * @param medianTokenMillis between two tokens of a session
     * @param fastTokenMillis a tenth of these times are shorter: what a busy machine adds to the others is not in it
     * @param firstTokenMillis from the request to the first token, median
     */
    record Seen(double tokensPerSecond, double medianTokenMillis, double fastTokenMillis, double firstTokenMillis) {}

    /** As many sessions at once, each with a prompt and an output of so many tokens. */
    static Seen generate(EmbeddedStack stack, String model, int sessions, int promptTokens, int tokens)
            throws InterruptedException {
        String run = "wan" + Long.toString(System.nanoTime(), 36);
        List<LoadPlan.Planned> planned = IntStream.range(0, sessions)
                .mapToObj(i -> new LoadPlan.Planned(
                        0,
                        InferenceRequest.newBuilder()
                                .setRequestId(run + "-" + i)
                                .setModel(model)
                                .setPromptTokenIds(IntStream.range(0, promptTokens)
                                        .map(t -> 100 + (t * 31 + 7 * i) % 800)
                                        .boxed()
                                        .toList())
                                .setMaxTokens(tokens)
                                .setIgnoreEos(true)
                                .build()))
                .toList();
        List<RequestOutcome> outcomes = LoadRun.play(
                        stack.description(), new LoadPlan(planned), sessions, TIMEOUT, new LoadGenerator.Listener() {})
                .run()
                .outcomes();
        for (RequestOutcome outcome : outcomes) {
            if (!outcome.completed()) {
                throw new IllegalStateException("request " + outcome.request().getRequestId() + " did not complete: "
                        + Objects.requireNonNullElse(outcome.failure(), "no answer"));
            }
        }
        return seen(outcomes);
    }

    private static Seen seen(List<RequestOutcome> outcomes) {
        long begin = outcomes.stream()
                .mapToLong(o -> o.tokenNanos().getFirst())
                .max()
                .orElseThrow();
        long end =
                outcomes.stream().mapToLong(o -> o.tokenNanos().getLast()).max().orElseThrow();
        long counted = outcomes.stream()
                .flatMap(o -> o.tokenNanos().stream())
                .filter(nanos -> nanos > begin)
                .count();
        List<Double> gaps = outcomes.stream()
                .flatMap(o -> Arrays.stream(o.interTokenMs()).boxed())
                .toList();
        List<Double> first = outcomes.stream().map(RequestOutcome::ttftMs).toList();
        return new Seen(
                end > begin ? counted / ((end - begin) / 1e9) : 0,
                gaps.isEmpty() ? 0 : Medians.median(gaps),
                gaps.isEmpty()
                        ? 0
                        : LatencySummary.percentile(
                                gaps.stream()
                                        .mapToDouble(Double::doubleValue)
                                        .sorted()
                                        .toArray(),
                                10),
                Medians.median(first));
    }
}

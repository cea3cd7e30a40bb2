package io.sluice.launcher.bench;

import io.sluice.launcher.demo.LoadRun;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.loadgen.LatencySummary;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.HopTiming;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Token;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;

/** Generations through a stack, as its client sees them. */
final class WanRuns {
    private static final Duration TIMEOUT = Duration.ofMinutes(5);

    private WanRuns() {}

    /**
     * What was seen.
     *
     * @param tokensPerSecond decode tokens of all sessions, while all of them decoded
     * @param medianTokenMillis between two tokens of a session
     * @param fastTokenMillis a tenth of these times are shorter: what a busy machine adds to the others is not in it
     * @param firstTokenMillis from the request to the first token, median
     * @param transferMillis of a token's way round, as its hops say, medians: between workers
     * @param queueMillis waiting at workers
     * @param computeMillis computing
     * @param batch sessions computed together, median over hops
     * @param lateMillis a crossing of the emulated network took so much longer than asked for, mean
     */
    record Seen(
            double tokensPerSecond,
            double medianTokenMillis,
            double fastTokenMillis,
            double firstTokenMillis,
            double transferMillis,
            double queueMillis,
            double computeMillis,
            double batch,
            double lateMillis) {}

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
        List<Token> decoded = new ArrayList<>();
        LoadGenerator.Listener listener = new LoadGenerator.Listener() {
            @Override
            public void onToken(RequestOutcome outcome, Token token) {
                if (token.getIndex() > 0) {
                    decoded.add(token);
                }
            }
        };
        List<RequestOutcome> outcomes = LoadRun.play(
                        stack.description(), new LoadPlan(planned), sessions, TIMEOUT, listener)
                .run()
                .outcomes();
        for (RequestOutcome outcome : outcomes) {
            if (!outcome.completed()) {
                throw new IllegalStateException("request " + outcome.request().getRequestId() + " did not complete: "
                        + Objects.requireNonNullElse(outcome.failure(), "no answer"));
            }
        }
        return seen(outcomes, decoded, stack.wanLateMillis());
    }

    private static Seen seen(List<RequestOutcome> outcomes, List<Token> decoded, double lateMillis) {
        long begin = outcomes.stream()
                .mapToLong(o -> o.tokenNanos().getFirst())
                .max()
                .orElseThrow();
        long end =
                outcomes.stream().mapToLong(o -> o.tokenNanos().getLast()).min().orElseThrow();
        long counted = outcomes.stream()
                .flatMap(o -> o.tokenNanos().stream())
                .filter(nanos -> nanos > begin && nanos <= end)
                .count();
        List<Double> gaps = outcomes.stream()
                .flatMap(o -> Arrays.stream(o.interTokenMs()).boxed())
                .toList();
        List<Double> first = outcomes.stream().map(RequestOutcome::ttftMs).toList();
        return new Seen(
                end > begin ? counted / ((end - begin) / 1e9) : 0,
                median(gaps),
                gaps.isEmpty()
                        ? 0
                        : LatencySummary.percentile(
                                gaps.stream()
                                        .mapToDouble(Double::doubleValue)
                                        .sorted()
                                        .toArray(),
                                10),
                Medians.median(first),
                perToken(decoded, HopTiming::getTransferUs),
                perToken(decoded, HopTiming::getQueueUs),
                perToken(decoded, HopTiming::getComputeUs),
                median(decoded.stream()
                        .flatMap(token -> token.getHops().stream())
                        .map(hop -> (double) hop.getBatchSize())
                        .toList()),
                lateMillis);
    }

    /** Median over tokens of the sum over a token's hops, milliseconds. */
    private static double perToken(List<Token> tokens, ToLongFunction<HopTiming> micros) {
        return median(tokens.stream()
                .map(token -> token.getHops().stream().mapToLong(micros).sum() / 1e3)
                .toList());
    }

    private static double median(List<Double> values) {
        return values.isEmpty() ? 0 : Medians.median(values);
    }
}

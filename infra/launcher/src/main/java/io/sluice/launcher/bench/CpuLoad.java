package io.sluice.launcher.bench;

import io.sluice.launcher.demo.LoadRun;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.records.InferenceRequest;
import io.sluice.records.ServiceClass;
import io.sluice.records.Token;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/** Short interactive requests and a batch on one stack. Not thread-safe. */
final class CpuLoad {
    static final int PROMPT = 8;
    static final int TOKENS = 8;
    /** What is under way when a batch is stopped ends within this time. */
    static final Duration REST = Duration.ofSeconds(4);

    private static final int CALIBRATION_REQUESTS = 40;
    /** More than any machine this is for gets through in a window. */
    private static final int BATCH_REQUESTS = 5_000;

    /** One after the other, before anything is measured: a fresh JVM needs some 1,500 steps until it is as fast as it gets. */
    private static final int WARM_UP_REQUESTS = 200;

    private static final Duration PAUSE = Duration.ofMillis(200);

    private static final int IN_FLIGHT = 64;

    /** Times in a round that each way has requests: machines change their speed within a minute, so ways take turns sooner. */
    static final int TURNS = 4;

    private static final int WARM_UP_WINDOWS = 8;

    private final EmbeddedStack stack;
    private final String model;
    private final Duration window;
    private int runs;

    /** @param window how long {@link #poisson} sends requests at a time; slices are warmed up for {@value #WARM_UP_WINDOWS} of them */
    CpuLoad(EmbeddedStack stack, String model, Duration window) {
        this.stack = stack;
        this.model = model;
        this.window = window;
    }

    /** One of {@link #TURNS}: 15 s, or half of it. */
    static Duration window(boolean quick) {
        return Duration.ofMillis(quick ? 7_500 : 15_000);
    }

    /** Something that takes its time. */
    interface Work {
        Work NONE = () -> {};

        void run() throws InterruptedException;
    }

    /** Requests and a batch until the JVM is as fast as it gets. */
    void warmUp() throws InterruptedException {
        play(0, 1, IN_FLIGHT, 2 * IN_FLIGHT);
        play(0, 1, 1, WARM_UP_REQUESTS);
        // Slices are code of their own, and so is what gives way: the compiler is busy with them for up to two minutes.
        Duration slices = window.multipliedBy(WARM_UP_WINDOWS);
        batch(ServiceClass.BEST_EFFORT, 1, slices, () -> {
            long end = System.nanoTime() + slices.toNanos();
            while (System.nanoTime() < end) {
                play(0, 1, 1, 1);
                Thread.sleep(PAUSE);
            }
        });
        Thread.sleep(REST);
    }

    /** For how long a request keeps the workers busy, seconds. */
    double requestSeconds() throws InterruptedException {
        return busySeconds(play(0, 1, 1, CALIBRATION_REQUESTS)) / CALIBRATION_REQUESTS;
    }

    /** Keeps a batch of so many tenants going beside {@code meanwhile}, for so long; tokens that came in this time. */
    double batch(ServiceClass serviceClass, int tenants, Duration duration, Work meanwhile)
            throws InterruptedException {
        String run = "batch" + runs++ + "-" + Long.toString(System.nanoTime(), 36);
        List<LoadPlan.Planned> planned = IntStream.range(0, BATCH_REQUESTS)
                .mapToObj(i -> new LoadPlan.Planned(
                        0,
                        request(run + "-" + i, BatchShape.prompt(BatchShape.PROMPT, i), BatchShape.TOKENS)
                                .setServiceClass(serviceClass)
                                .setTenant("bench" + i % tenants)
                                .build()))
                .toList();
        AtomicLong tokens = new AtomicLong();
        long end = System.nanoTime() + duration.toNanos();
        Thread batch = Thread.ofPlatform().name("bench-batch").start(() -> {
            try {
                LoadRun.play(
                        stack.description(),
                        new LoadPlan(planned),
                        BatchShape.SESSIONS,
                        duration,
                        new LoadGenerator.Listener() {
                            @Override
                            public void onToken(RequestOutcome outcome, Token token) {
                                if (System.nanoTime() < end) {
                                    tokens.incrementAndGet();
                                }
                            }
                        });
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        meanwhile.run();
        batch.join();
        return tokens.get();
    }

    /** Requests of a Poisson process, for a window; the same seed gives the same. */
    List<RequestOutcome> poisson(double perSecond, long seed) throws InterruptedException {
        SplittableRandom random = new SplittableRandom(seed);
        String run = "live" + runs++ + "-" + Long.toString(System.nanoTime(), 36);
        List<LoadPlan.Planned> planned = new ArrayList<>();
        double at = 0;
        while (true) {
            at += -Math.log(1 - random.nextDouble()) / perSecond * 1e3;
            if (at >= window.toMillis()) {
                return played(planned, IN_FLIGHT);
            }
            int index = planned.size();
            planned.add(new LoadPlan.Planned(
                    at,
                    request(run + "-" + index, BatchShape.prompt(PROMPT, index), TOKENS)
                            .build()));
        }
    }

    /** {@code count} requests, {@code inFlight} at once. */
    List<RequestOutcome> play(double gapMillis, int first, int inFlight, int count) throws InterruptedException {
        String run = "calm" + runs++ + "-" + Long.toString(System.nanoTime(), 36);
        List<LoadPlan.Planned> planned = IntStream.range(0, count)
                .mapToObj(i -> new LoadPlan.Planned(
                        i * gapMillis,
                        request(run + "-" + i, BatchShape.prompt(PROMPT, first + i), TOKENS)
                                .build()))
                .toList();
        return played(planned, inFlight);
    }

    private List<RequestOutcome> played(List<LoadPlan.Planned> planned, int inFlight) throws InterruptedException {
        List<RequestOutcome> outcomes = LoadRun.play(
                        stack.description(),
                        new LoadPlan(planned),
                        inFlight,
                        Duration.ofMinutes(5),
                        new LoadGenerator.Listener() {})
                .run()
                .outcomes();
        for (RequestOutcome outcome : outcomes) {
            if (!outcome.completed()) {
                throw new IllegalStateException("request " + outcome.request().getRequestId() + " did not complete: "
                        + (outcome.failure() == null ? "no answer" : outcome.failure()));
            }
        }
        return outcomes;
    }

    private InferenceRequest.Builder request(String id, int[] prompt, int tokens) {
        return InferenceRequest.newBuilder()
                .setRequestId(id)
                .setModel(model)
                .setPromptTokenIds(IntStream.of(prompt).boxed().toList())
                .setMaxTokens(tokens)
                .setIgnoreEos(true);
    }

    /** Time that batches with these requests took, each one's own count. */
    static double busySeconds(List<RequestOutcome> outcomes) {
        return outcomes.stream()
                .flatMap(outcome -> outcome.completion().getHops().stream())
                .mapToDouble(hop -> hop.getComputeUs() / 1e6)
                .sum();
    }
}

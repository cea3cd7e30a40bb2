package io.sluice.launcher.bench;

import io.sluice.core.routing.RoutingPolicy;
import io.sluice.launcher.demo.LoadRun;
import io.sluice.launcher.demo.WorkerShares;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.loadgen.LatencySummary;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.loadgen.Trace;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Four unlike emulated devices carry 200 requests twice: by flow weights and by round robin. Shows that each worker's share
 * follows the plan, and what the plan is worth.
 */
final class SharesBench implements Bench {
    private static final int REQUESTS = 200;
    private static final int IN_FLIGHT = 32;
    private static final Duration TIMEOUT = Duration.ofMinutes(10);

    @Override
    public void run(Setting setting, BenchReport report) throws InterruptedException {
        Outcome flow = play(setting, RoutingPolicy.MAX_FLOW);
        Outcome turns = play(setting, RoutingPolicy.ROUND_ROBIN);
        double worst = 0;
        for (WorkerShares.Share share : flow.shares()) {
            report.add("share." + share.worker(), "ratio", share.measured(), share.planned(), null);
            worst = Math.max(worst, Math.abs(share.measured() / share.planned() - 1));
        }
        report.add("share.worst_error", "ratio", worst, null, "<= 0.15");
        for (String key : List.of("duration", "mean_ttft_ms", "p99_ttft_ms", "mean_tpot_ms", "p99_tpot_ms")) {
            report.add(
                    "max_flow." + key,
                    key.equals("duration") ? "s" : "ms",
                    number(flow, key),
                    number(turns, key),
                    key.equals("duration") ? "<= 0.9" : null);
        }
        report.add(
                "max_flow.output_throughput",
                "tokens/s",
                number(flow, "output_throughput"),
                number(turns, "output_throughput"),
                null);
        report.note(
                "baseline of share.* is the planned share; baseline of max_flow.* is round robin under the same load of "
                        + REQUESTS + " requests, at most " + IN_FLIGHT + " in flight; devices are emulated");
    }

    private record Outcome(List<WorkerShares.Share> shares, Map<String, Object> summary) {}

    private static double number(Outcome outcome, String key) {
        return ((Number) outcome.summary().get(key)).doubleValue();
    }

    private static Outcome play(Setting setting, RoutingPolicy policy) throws InterruptedException {
        setting.progress("stack with policy " + policy);
        try (EmbeddedStack stack = EmbeddedStack.start(BenchStacks.unlike(setting.data(), policy), Progress.SILENT)) {
            LoadPlan.Shape shape =
                    new LoadPlan.Shape("psalm", "shares" + Long.toString(System.currentTimeMillis(), 36), 32, 0f, 1);
            // All at once: what limits is the number in flight, so that the time tells what the policy is worth.
            LoadPlan plan = LoadPlan.ofTrace(Trace.bundled(), REQUESTS, 1000, 0.1, shape);
            LoadRun.Result result =
                    LoadRun.play(stack.description(), plan, IN_FLIGHT, TIMEOUT, new LoadGenerator.Listener() {
                        @Override
                        public void onEnd(RequestOutcome outcome, int ended, int total) {
                            if (ended % 50 == 0) {
                                setting.progress(ended + "/" + total + " requests");
                            }
                        }
                    });
            if (result.run().outcomes().stream().anyMatch(o -> !o.completed())) {
                throw new IllegalStateException("not every request completed: "
                        + result.run().outcomes().stream()
                                .filter(o -> !o.completed())
                                .map(o -> Objects.requireNonNullElse(o.failure(), "no answer"))
                                .findFirst()
                                .orElseThrow());
            }
            return new Outcome(
                    WorkerShares.of(
                            result.run().outcomes().stream()
                                    .map(RequestOutcome::completion)
                                    .toList(),
                            result.allocations()),
                    LatencySummary.of(result.run().outcomes(), result.run().durationSeconds()));
        }
    }
}

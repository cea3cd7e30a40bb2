package io.sluice.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.planning.live.PlacementPolicy;
import io.sluice.core.routing.RoutingPolicy;
import io.sluice.core.slo.Slo;
import io.sluice.launcher.demo.LoadRun;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.loadgen.Trace;
import io.sluice.records.Completion;
import io.sluice.runtime.ActivationDtype;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** The launcher's whole stack in two stages under the repository's model, and a load for it. */
final class PsalmStack {
    private static final int STAGES = 2;
    private static final int MAX_TOKENS = 32;
    /** All requests are due at once: the number in flight is what limits. */
    private static final double AT_ONCE = 1000;

    private static final double LENGTH_SCALE = 0.1;
    private static final Duration PATIENCE = Duration.ofMinutes(4);

    private PsalmStack() {}

    /** A stack whose placement stays as it is. */
    static EmbeddedStack start(Path data, List<WorkerSpec> workers) {
        return EmbeddedStack.start(config(data, workers), Progress.on(System.out));
    }

    /** A stack whose placement follows its workers. */
    static EmbeddedStack startLive(Path data, List<WorkerSpec> workers, PlacementPolicy policy) {
        return EmbeddedStack.start(config(data, workers).withPlacement(policy), Progress.on(System.out));
    }

    private static StackConfig config(Path data, List<WorkerSpec> workers) {
        return new StackConfig(
                ReferenceModel.folder(),
                ReferenceModel.NAME,
                workers,
                STAGES,
                RoutingPolicy.MAX_FLOW,
                ActivationDtype.FP16,
                data,
                StackConfig.Ports.FREE);
    }

    /** Sends {@code requests} of the bundled trace, at most {@code inFlight} unanswered at once, to their end. */
    static LoadRun.Result play(
            EmbeddedStack stack, String runId, int requests, int inFlight, LoadGenerator.Listener listener)
            throws InterruptedException {
        return play(stack, runId, requests, inFlight, PATIENCE, listener);
    }

    /** As the other; what has not ended in time is reported as it stands. */
    static LoadRun.Result play(
            EmbeddedStack stack,
            String runId,
            int requests,
            int inFlight,
            Duration patience,
            LoadGenerator.Listener listener)
            throws InterruptedException {
        LoadPlan.Shape shape = new LoadPlan.Shape(ReferenceModel.NAME, runId, MAX_TOKENS, 0f, 1);
        LoadPlan plan = LoadPlan.ofTrace(Trace.bundled(), requests, AT_ONCE, LENGTH_SCALE, shape)
                .withSlo(Slo.MOST_MS, Slo.MOST_MS);
        return LoadRun.play(stack.description(), plan, inFlight, patience, listener);
    }

    /** The completions of a load of which every request must have completed. */
    static List<Completion> completions(LoadRun.Result result, int requests) {
        List<RequestOutcome> outcomes = result.run().outcomes();
        assertThat(outcomes).hasSize(requests);
        assertThat(outcomes).allSatisfy(outcome -> assertThat(outcome.completed())
                .as("%s completed; its error: %s", outcome.request().getRequestId(), outcome.failure())
                .isTrue());
        assertThat(outcomes).filteredOn(RequestOutcome::hasSlo).allSatisfy(outcome -> {
            assertThat(outcome.sloMet()).as("within a day, by the client").isTrue();
            assertThat(outcome.completion().getSloMet()).as("by the router").isTrue();
            assertThat(outcome.completion().getTtftMs()).isNotNegative();
        });
        return outcomes.stream().map(RequestOutcome::completion).toList();
    }
}

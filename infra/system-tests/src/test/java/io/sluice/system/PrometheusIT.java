package io.sluice.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.RunningStack;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.records.Completion;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A real Prometheus scrapes every endpoint of a running stack, and its queries give what was served. Skipped with a
 * message where {@code SLUICE_TEST_PROMETHEUS} names no binary; {@code infra/ci/prometheus.sh} provides one.
 */
class PrometheusIT {
    private static final Logger LOG = LoggerFactory.getLogger(PrometheusIT.class);
    private static final String SETTING = "SLUICE_TEST_PROMETHEUS";
    private static final int REQUESTS = 8;
    private static final int IN_FLIGHT = 4;
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    @Test
    void shouldTellPrometheusWhatWasServed() throws Exception {
        String named = System.getenv(SETTING);
        assumeTrue(
                named != null && !named.isBlank(),
                SETTING + " names no prometheus binary: get one with infra/ci/prometheus.sh install FOLDER");
        Path program = Path.of(named);
        assertThat(Files.isExecutable(program))
                .as("%s=%s must be an executable", SETTING, named)
                .isTrue();

        List<WorkerSpec> workers = List.of(WorkerSpec.of("one", "emulated:a100"), WorkerSpec.of("two", "emulated:l4"));
        PrometheusServer server;
        try (EmbeddedStack stack = PsalmStack.start(folder.resolve("stack"), workers)) {
            Map<String, URI> targets = targets(stack.description());
            server = PrometheusServer.start(program, targets, folder.resolve("prometheus"));
            try (server) {
                List<Completion> served = PsalmStack.completions(
                        PsalmStack.play(stack, "prometheus", REQUESTS, IN_FLIGHT, new LoadGenerator.Listener() {}),
                        REQUESTS);
                check(server, targets.size(), served);
            }
        }
        assertThat(server.isAlive()).isFalse();
    }

    private static Map<String, URI> targets(RunningStack stack) {
        Map<String, URI> targets = new TreeMap<>();
        targets.put("router", URI.create(stack.metrics()));
        targets.put("flink", URI.create(stack.flinkMetrics()));
        stack.workers()
                .forEach(worker -> targets.put("worker-" + worker.id(), URI.create(worker.metrics() + "/metrics")));
        return targets;
    }

    private static void check(PrometheusServer server, int targets, List<Completion> served) {
        double prompts = served.stream().mapToInt(Completion::getPromptTokens).sum();
        double generated =
                served.stream().mapToInt(Completion::getCompletionTokens).sum();
        // The endpoints themselves, then the router's figures, the workers', the devices' and the planner's.
        expect(server, "up", targets, up -> up == 1);
        expect(server, "sum(sluice_router_requests_total{outcome='completed'})", 1, sum -> sum == REQUESTS);
        expect(server, "sum(sluice_router_prompt_tokens_total)", 1, sum -> sum == prompts);
        expect(server, "sum(sluice_router_generation_tokens_total)", 1, sum -> sum == generated);
        expect(server, "sum(sluice_router_time_to_first_token_seconds_count)", 1, sum -> sum == REQUESTS);
        expect(
                server,
                "histogram_quantile(0.5, sum by (le) (sluice_router_e2e_request_latency_seconds_bucket))",
                1,
                seconds -> seconds > 0 && seconds < 120);
        expect(server, "sluice_router_active_sessions", 1, sessions -> sessions == 0);
        expect(server, "sluice_router_allocation_epoch", 1, epoch -> epoch >= 1);
        expect(server, "sluice_stack_start_seconds", 1, seconds -> seconds > 0);
        expect(server, "sum by (worker) (sluice_worker_batch_sessions_count)", 2, batches -> batches > 0);
        expect(server, "sum by (worker) (sluice_worker_tokens_total{phase='prefill'})", 2, sum -> sum == prompts);
        expect(server, "sum(sluice_worker_tokens_sampled_total)", 1, sum -> sum == generated);
        expect(server, "sluice_worker_busy_seconds_total", 2, seconds -> seconds > 0);
        expect(server, "gen_ai_server_time_per_output_token_seconds_count{worker='two'}", 1, count -> count > 0);
        expect(server, "DCGM_FI_DEV_GPU_UTIL{emulated='true'}", 2, percent -> percent >= 0 && percent <= 100);
        expect(server, "max(max_over_time(DCGM_FI_DEV_GPU_UTIL[5m]))", 1, percent -> percent > 0);
        expect(server, "DCGM_FI_DEV_FB_USED", 2, mib -> mib > 0);
        expect(server, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{emulated='true'}", 2, millijoules -> millijoules > 0);
        expect(server, "{__name__=~'flink_.*_sluice_model_allocation_epoch'}", 1, epoch -> epoch >= 1);
        expect(server, "{__name__=~'flink_.*_allocation_max_flow_tokens_per_second'}", 1, flow -> flow > 0);
        expect(server, "{__name__=~'flink_.*_allocation_workers'}", 1, workers -> workers == 2);
        expect(server, "flink_jobmanager_numRunningJobs", 1, jobs -> jobs == 1);
    }

    /** Scrapes are a second apart, so that a figure may come a little later than what it tells of. */
    private static void expect(PrometheusServer server, String promql, int series, Predicate<Double> plausible) {
        await(promql).atMost(PATIENCE).untilAsserted(() -> {
            List<Double> values = server.query(promql);
            assertThat(values).as("%s; targets %s", promql, server.targets()).hasSize(series);
            assertThat(values).as(promql).allMatch(plausible);
        });
        try {
            LOG.info("query={} values={}", promql, server.query(promql));
        } catch (java.io.IOException e) {
            throw new AssertionError(promql, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(promql, e);
        }
    }
}

package io.sluice.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.routing.RoutingPolicy;
import io.sluice.core.sharing.ConformalQuota;
import io.sluice.launcher.demo.LoadRun;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.launcher.stack.StackConfig;
import io.sluice.launcher.stack.WorkerSpec;
import io.sluice.loadgen.LoadGenerator;
import io.sluice.loadgen.LoadPlan;
import io.sluice.loadgen.RequestOutcome;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.InferenceRequest;
import io.sluice.records.Limits;
import io.sluice.records.ServiceClass;
import io.sluice.records.SharingReport;
import io.sluice.records.Token;
import io.sluice.runtime.ActivationDtype;
import io.sluice.schemas.Topics;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.apache.kafka.common.IsolationLevel;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Best-effort work beside interactive requests in a running stack: the Flink job's limits let it have an idle device, a step
 * of interactive load lowers them and its end raises them again, on the topic and on the worker's metrics; a tenant with huge
 * prompts does not break the bound; and without the job everything stops when the lease ends.
 */
@Tag("long")
class SharingIT {
    private static final Logger LOG = LoggerFactory.getLogger(SharingIT.class);
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final Duration SILENCE = Duration.ofSeconds(3);
    private static final String WORKER = "t4";
    private static final int LAYERS = 6;
    private static final int HUGE_PROMPT = 400;
    private static final Pattern QUOTA = Pattern.compile("(?m)^sluice_worker_sharing_quota\\{[^}]*} (\\S+)$");

    @TempDir
    Path folder;

    @Test
    void shouldFollowTheLoadAndEndWithTheJob() throws Exception {
        StackConfig config = new StackConfig(
                ReferenceModel.folder(),
                ReferenceModel.NAME,
                List.of(WorkerSpec.of(WORKER, "emulated:t4")),
                1,
                RoutingPolicy.MAX_FLOW,
                ActivationDtype.FP16,
                folder,
                StackConfig.Ports.FREE);
        try (EmbeddedStack stack = EmbeddedStack.start(config, Progress.on(System.out));
                Records records = new Records(stack)) {
            Batch honest = Batch.start(stack, "honest", 16);
            Batch hostile = Batch.start(stack, "hostile", HUGE_PROMPT);
            records.await("limits that give an idle device away", () -> records.quota() >= 0.9);
            records.await("best-effort tokens", () -> honest.tokens.get() > 100 && hostile.tokens.get() > 0);
            double idle = records.quota();

            Interactive load = Interactive.start(stack);
            records.await("limits that interactive load has lowered", () -> records.quota() <= idle / 2);
            LOG.info(
                    "event=lowered quota={} after={} reason=\"{}\"",
                    records.quota(),
                    idle,
                    records.newest().getReason());
            records.await("the worker's own figure follows", () -> workerQuota(stack) <= idle / 2);
            load.finish();
            double low = records.quota();
            records.await("limits that a lull has raised again", () -> records.quota() >= Math.min(0.9, low + 0.3));
            records.await("the worker's own figure follows", () -> workerQuota(stack) >= Math.min(0.9, low + 0.3) / 2);
            records.assertBound();

            long before = honest.tokens.get();
            records.await("best-effort work goes on", () -> honest.tokens.get() > before);
            cancelJobs(stack);
            records.awaitEndOfLease();
            // What the device was at may still come out.
            Thread.sleep(SILENCE);
            long atTheEnd = honest.tokens.get() + hostile.tokens.get();
            Thread.sleep(SILENCE);
            assertThat(honest.tokens.get() + hostile.tokens.get())
                    .as("no best-effort token without limits")
                    .isEqualTo(atTheEnd);
            honest.stop();
            hostile.stop();
        }
    }

    /** The control topics and the telemetry, from their beginning. */
    private static final class Records implements AutoCloseable {
        private final TopicTail<Limits> limitsTail;
        private final TopicTail<GpuTelemetry> telemetryTail;
        private final List<Limits> limits = new ArrayList<>();
        private long requests;
        private long violations;

        Records(EmbeddedStack stack) {
            limitsTail = TopicTail.fromBeginning(
                    stack.settings(), stack.schemas(), Topics.LIMITS, IsolationLevel.READ_COMMITTED);
            telemetryTail = TopicTail.fromBeginning(
                    stack.settings(), stack.schemas(), Topics.GPU_TELEMETRY, IsolationLevel.READ_COMMITTED);
        }

        private void poll() {
            limitsTail.poll(Duration.ofMillis(20)).stream().map(Tailed::value).forEach(limits::add);
            telemetryTail.poll(Duration.ofMillis(20)).stream()
                    .map(Tailed::value)
                    .map(GpuTelemetry::getSharing)
                    .filter(report -> report != null)
                    .forEach(this::count);
        }

        private void count(SharingReport report) {
            requests += report.getRequests();
            violations += report.getViolations();
        }

        Limits newest() {
            return limits.getLast();
        }

        double quota() {
            return limits.isEmpty() ? 0 : newest().getQuota();
        }

        void await(String what, Check check) {
            org.awaitility.Awaitility.await(what)
                    .atMost(PATIENCE)
                    .pollInterval(Duration.ofMillis(20))
                    .until(() -> {
                        poll();
                        return check.holds();
                    });
            LOG.info("event=seen what=\"{}\" quota={} requests={} violations={}", what, quota(), requests, violations);
        }

        /** The law's own bound over all steps so far; what lulls may have raised is at most one quota each, and there were two. */
        void assertBound() {
            poll();
            assertThat(requests).as("latency-critical steps were judged").isPositive();
            assertThat((double) violations / requests)
                    .as("%d of %d steps missed the objective", violations, requests)
                    .isLessThanOrEqualTo(ConformalQuota.usual(0.01).bound(requests, 2));
        }

        void awaitEndOfLease() {
            poll();
            await("the end of the lease", () -> System.currentTimeMillis() > newest().getValidUntilMs());
            int seen = limits.size();
            poll();
            assertThat(limits).as("nobody renews the limits").hasSize(seen);
        }

        @Override
        public void close() {
            limitsTail.close();
            telemetryTail.close();
        }
    }

    private interface Check {
        boolean holds() throws Exception;
    }

    /** Best-effort requests of one tenant, eight at a time, until it is stopped. */
    private static final class Batch {
        private final AtomicLong tokens = new AtomicLong();
        private Thread thread;

        static Batch start(EmbeddedStack stack, String tenant, int promptTokens) {
            Batch batch = new Batch();
            List<LoadPlan.Planned> planned = IntStream.range(0, 2_000)
                    .mapToObj(i -> request(tenant + "-" + i, promptTokens, i, request -> request.setServiceClass(
                                    ServiceClass.BEST_EFFORT)
                            .setTenant(tenant)))
                    .toList();
            batch.thread = Thread.ofPlatform().daemon().name(tenant).start(() -> {
                try {
                    play(stack, planned, 8, new LoadGenerator.Listener() {
                        @Override
                        public void onToken(RequestOutcome outcome, Token token) {
                            batch.tokens.incrementAndGet();
                        }
                    });
                } catch (InterruptedException e) {
                    // stopped
                }
            });
            return batch;
        }

        void stop() throws InterruptedException {
            thread.interrupt();
            thread.join();
        }
    }

    /** Interactive requests, four at a time, round after round until it is finished. */
    private record Interactive(AtomicBoolean enough, CompletableFuture<Void> done) {
        static Interactive start(EmbeddedStack stack) {
            Interactive load = new Interactive(new AtomicBoolean(), new CompletableFuture<>());
            Thread.ofPlatform().daemon().name("interactive").start(() -> {
                try {
                    for (int round = 0; !load.enough.get(); round++) {
                        String run = "live-" + round + "-";
                        List<LoadPlan.Planned> planned = IntStream.range(0, 8)
                                .mapToObj(i -> request(run + i, 16, i, request -> {}))
                                .toList();
                        LoadRun.Result result = play(stack, planned, 4, new LoadGenerator.Listener() {});
                        PsalmStack.completions(result, planned.size());
                    }
                    load.done.complete(null);
                } catch (InterruptedException | RuntimeException | Error e) {
                    load.done.completeExceptionally(e);
                }
            });
            return load;
        }

        void finish() throws Exception {
            enough.set(true);
            done.get(PATIENCE.toSeconds(), java.util.concurrent.TimeUnit.SECONDS);
        }
    }

    private static LoadRun.Result play(
            EmbeddedStack stack, List<LoadPlan.Planned> planned, int inFlight, LoadGenerator.Listener listener)
            throws InterruptedException {
        return LoadRun.play(stack.description(), new LoadPlan(planned), inFlight, PATIENCE.multipliedBy(4), listener);
    }

    private static LoadPlan.Planned request(
            String id, int promptTokens, int index, Consumer<InferenceRequest.Builder> more) {
        InferenceRequest.Builder request = InferenceRequest.newBuilder()
                .setRequestId(id)
                .setModel(ReferenceModel.NAME)
                .setPromptTokenIds(IntStream.range(0, promptTokens)
                        .map(i -> 100 + (i + 7 * index) % 800)
                        .boxed()
                        .toList())
                .setMaxTokens(16)
                .setIgnoreEos(true);
        more.accept(request);
        return new LoadPlan.Planned(0, request.build());
    }

    private static double workerQuota(EmbeddedStack stack) throws Exception {
        String url = stack.description().workers().getFirst().metrics() + "/metrics";
        try (HttpClient http = HttpClient.newHttpClient()) {
            String text = http.send(
                            HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString())
                    .body();
            Matcher quota = QUOTA.matcher(text);
            assertThat(quota.find()).as("the worker says its quota").isTrue();
            return Double.parseDouble(quota.group(1));
        }
    }

    private static void cancelJobs(EmbeddedStack stack) throws Exception {
        String flink = stack.description().flink();
        try (HttpClient http = HttpClient.newHttpClient()) {
            String jobs = http.send(
                            HttpRequest.newBuilder(URI.create(flink + "/jobs")).build(),
                            HttpResponse.BodyHandlers.ofString())
                    .body();
            Matcher running = Pattern.compile("\"id\":\"([0-9a-f]+)\",\"status\":\"RUNNING\"")
                    .matcher(jobs);
            assertThat(running.find()).as("a running job in %s", jobs).isTrue();
            HttpResponse<String> cancelled = http.send(
                    HttpRequest.newBuilder(URI.create(flink + "/jobs/" + running.group(1) + "?mode=cancel"))
                            .method("PATCH", HttpRequest.BodyPublishers.noBody())
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            assertThat(cancelled.statusCode()).as(cancelled.body()).isEqualTo(202);
        }
    }
}

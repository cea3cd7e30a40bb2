package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.core.LayerRange;
import io.sluice.messaging.TopicTail;
import io.sluice.records.ActivationChunk;
import io.sluice.records.GpuTelemetry;
import io.sluice.records.GroupPool;
import io.sluice.records.Limits;
import io.sluice.records.ServiceClass;
import io.sluice.records.SharingReport;
import io.sluice.records.Stage;
import io.sluice.records.TenantUse;
import io.sluice.records.Token;
import io.sluice.records.WorkerStatus;
import io.sluice.schemas.Topics;
import io.sluice.worker.sharing.SharingSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Best-effort requests at a real worker on a real broker; the test is the planner of limits. */
final class SharingIT extends OnWorkerStack {
    private static final LayerRange ALL = new LayerRange(0, 6);
    private static final Duration LEASE = Duration.ofSeconds(2);
    /** Wide enough for a layer on any machine that has other work. */
    private static final long SLICE_NANOS = 50_000_000;

    private static long epoch;

    private TopicTail<Token> tokens;
    private TopicTail<GpuTelemetry> telemetry;
    private final List<Token> generated = new ArrayList<>();
    private final List<GpuTelemetry> reports = new ArrayList<>();

    @BeforeEach
    void openTails() {
        tokens = stack.tail(Topics.TOKENS);
        telemetry = stack.tail(Topics.GPU_TELEMETRY);
    }

    @Test
    void shouldWaitForLimitsAndThenServeTheSameText() {
        long incarnation = start("patient", "cpu");
        JsonNode known = WorkerStack.referenceCases().get(0);
        send("patient", "late", known, 64, ServiceClass.BEST_EFFORT);
        seen("patient", sharing -> waits(sharing) && !sharing.getLimitsFresh());
        // Of another incarnation, of the past, and nonsense: none of them lets anything start.
        publish(limits("patient", incarnation - 1, 1).build());
        publish(limits("patient", incarnation, 1)
                .setAtMs(System.currentTimeMillis() - 60_000)
                .setValidUntilMs(System.currentTimeMillis() - 50_000)
                .build());
        publish(limits("patient", incarnation, Double.NaN).build());
        long quick = reports.getLast().getSequence() + 4;
        send("patient", "now", known, 64, ServiceClass.LATENCY_CRITICAL);
        await().atMost(WorkerStack.PATIENCE).until(() -> of("now").size() == 64);
        seen("patient", quick, sharing -> waits(sharing) && !sharing.getLimitsFresh());
        assertThat(of("late")).isEmpty();

        await().atMost(WorkerStack.PATIENCE).until(() -> {
            publish(limits("patient", incarnation, 1).build());
            return of("late").size() == 64;
        });

        List<Integer> reference = WorkerStack.ids(known.get("greedy_token_ids"));
        assertThat(of("late")).extracting(Token::getTokenId).isEqualTo(reference);
        assertThat(of("now")).extracting(Token::getTokenId).isEqualTo(reference);
        int prompt = known.get("prompt_token_ids").size();
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            of("late");
            return uses("patient").mapToLong(TenantUse::getTokens).sum() == prompt + 63;
        });
        assertThat(uses("patient").mapToDouble(TenantUse::getRunNs).sum()).isPositive();
    }

    @Test
    void shouldStopWithinTheLeaseWhenLimitsStopAndGoOnWhenTheyComeAgain() {
        // 400 tokens take it several leases.
        long incarnation = start("obedient", "emulated:t4@2");
        JsonNode known = WorkerStack.referenceCases().get(0);
        send("obedient", "long", known, 400, ServiceClass.BEST_EFFORT);
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            publish(limits("obedient", incarnation, 1).build());
            return of("long").size() > 10;
        });
        long published = System.currentTimeMillis();

        long stopped = seen("obedient", sharing -> !sharing.getLimitsFresh()).getSequence();
        seen("obedient", stopped + 2, sharing -> waits(sharing) && !sharing.getLimitsFresh());
        int before = of("long").size();
        assertThat(before).as("the request is too long to end within the lease").isBetween(11, 399);
        seen("obedient", stopped + 8, sharing -> waits(sharing) && !sharing.getLimitsFresh());
        assertThat(of("long")).as("nothing comes any more").hasSize(before);
        // A slice that is under way ends late where the machine stands still; the request would take longer still.
        assertThat(of("long")).extracting(Token::getEmittedMs).allMatch(at -> at <= published + 2 * LEASE.toMillis());

        await().atMost(WorkerStack.PATIENCE).until(() -> {
            publish(limits("obedient", incarnation, 1).build());
            return of("long").size() == 400;
        });
    }

    @Test
    void shouldServeInteractiveRequestsBesideABatch() {
        long incarnation = start("shared", "cpu");
        JsonNode cases = WorkerStack.referenceCases();
        for (int i = 0; i < 4; i++) {
            send("shared", "batch" + i, cases.get(i % cases.size()), 64, ServiceClass.BEST_EFFORT);
        }
        for (int i = 0; i < 4; i++) {
            send("shared", "chat" + i, cases.get(i % cases.size()), 64, ServiceClass.LATENCY_CRITICAL);
        }
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            publish(limits("shared", incarnation, 1).build());
            boolean all = true;
            for (int i = 0; i < 4; i++) {
                all &= of("batch" + i).size() == 64 && of("chat" + i).size() == 64;
            }
            return all;
        });
        for (int i = 0; i < 4; i++) {
            List<Integer> reference =
                    WorkerStack.ids(cases.get(i % cases.size()).get("greedy_token_ids"));
            assertThat(of("batch" + i)).extracting(Token::getTokenId).isEqualTo(reference);
            assertThat(of("chat" + i)).extracting(Token::getTokenId).isEqualTo(reference);
        }
    }

    @Test
    void shouldRunTwoTenantsOnACoreEachWhereTheLimitsSaySo() {
        int cores = LaneThread.processCores().size();
        assumeThat(cores).as("cores of this process").isGreaterThan(1);
        long incarnation = start(stack.config("pooled", ALL, "cpu")
                .with(draft -> draft.sharing = SharingSettings.DEFAULT.withCores(cores)));
        List<GroupPool> groups = Stream.of("t0", "t1")
                .flatMap(
                        tenant -> Stream.of("prefill", "steps", "decode").map(group -> new GroupPool(tenant, group, 1)))
                .toList();
        JsonNode cases = WorkerStack.referenceCases();
        for (int i = 0; i < 6; i++) {
            send("pooled", "pooled" + i, "t" + i % 2, cases.get(i % cases.size()), 64, ServiceClass.BEST_EFFORT);
        }
        // Latency-critical work comes as soon as both tenants are at work.
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            publish(limits("pooled", incarnation, 1).setGroups(groups).build());
            return !of("pooled0").isEmpty() && !of("pooled1").isEmpty();
        });
        send("pooled", "pooled-chat", cases.get(0), 64, ServiceClass.LATENCY_CRITICAL);
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            publish(limits("pooled", incarnation, 1).setGroups(groups).build());
            return of("pooled-chat").size() == 64
                    && IntStream.range(0, 6).allMatch(i -> of("pooled" + i).size() == 64);
        });
        assertThat(of("pooled-chat"))
                .extracting(Token::getTokenId)
                .isEqualTo(WorkerStack.ids(cases.get(0).get("greedy_token_ids")));
        for (int i = 0; i < 6; i++) {
            assertThat(of("pooled" + i))
                    .extracting(Token::getTokenId)
                    .isEqualTo(WorkerStack.ids(cases.get(i % cases.size()).get("greedy_token_ids")));
        }
        SharingReport report = seen(
                        "pooled", 0, sharing -> sharing.getGroups().stream().anyMatch(use -> use.getLanes() == 1))
                .getSharing();
        assertThat(report.getPoolLanes()).containsExactly(1, cores);
        assertThat(report.getGroups()).allSatisfy(use -> {
            assertThat(use.getTenant()).isIn("t0", "t1");
            assertThat(use.getGroup()).isIn("prefill", "steps", "decode");
            assertThat(use.getUnits()).isPositive();
            assertThat(use.getRunNs()).isPositive();
        });
    }

    /** Starts a worker; its incarnation. */
    private long start(String id, String device) {
        return start(stack.config(id, ALL, device));
    }

    private static long start(WorkerConfig config) {
        String id = config.id().value();
        TopicTail<WorkerStatus> statuses = stack.tail(Topics.WORKERS);
        stack.start(config);
        return stack.status(statuses, id, status -> true).getIncarnation();
    }

    private static Limits.Builder limits(String worker, long incarnation, double quota) {
        long now = System.currentTimeMillis();
        return Limits.newBuilder()
                .setWorker(worker)
                .setIncarnation(incarnation)
                .setEpoch(++epoch)
                .setQuota(quota)
                .setSliceNs(SLICE_NANOS)
                .setLanes(1)
                .setAtMs(now)
                .setValidUntilMs(now + LEASE.toMillis());
    }

    private static void publish(Limits limits) {
        stack.publish(Topics.LIMITS, limits.getWorker(), limits);
    }

    private static void send(String worker, String session, JsonNode known, int maxTokens, ServiceClass serviceClass) {
        send(worker, session, "default", known, maxTokens, serviceClass);
    }

    private static void send(
            String worker, String session, String tenant, JsonNode known, int maxTokens, ServiceClass serviceClass) {
        ActivationChunk chunk = WorkerStack.prompt(
                session,
                WorkerStack.ids(known.get("prompt_token_ids")),
                maxTokens,
                List.of(new Stage(worker, ALL.first(), ALL.end())));
        chunk.getSetup().setServiceClass(serviceClass);
        chunk.getSetup().setTenant(tenant);
        stack.send(worker, chunk);
    }

    private List<Token> of(String session) {
        tokens.poll(Duration.ofMillis(50)).forEach(token -> generated.add(token.value()));
        telemetry.poll(Duration.ofMillis(10)).forEach(report -> reports.add(report.value()));
        return generated.stream()
                .filter(token -> token.getRequestId().equals(session))
                .toList();
    }

    private Stream<TenantUse> uses(String worker) {
        return reports.stream()
                .filter(report -> report.getWorker().equals(worker))
                .flatMap(report -> report.getSharing().getTenants().stream());
    }

    private static boolean waits(SharingReport sharing) {
        return sharing.getTenants().stream().anyMatch(tenant -> tenant.getWaiting() > 0);
    }

    private GpuTelemetry seen(String worker, Predicate<SharingReport> wanted) {
        long newest = reports.stream()
                .filter(report -> report.getWorker().equals(worker))
                .mapToLong(GpuTelemetry::getSequence)
                .max()
                .orElse(-1);
        return seen(worker, newest + 1, wanted);
    }

    /** Waits for a report of the worker, not before that sequence number, which is as wanted. */
    private GpuTelemetry seen(String worker, long sequence, Predicate<SharingReport> wanted) {
        Predicate<GpuTelemetry> right = report -> report.getWorker().equals(worker)
                && report.getSequence() >= sequence
                && report.getSharing() != null
                && wanted.test(report.getSharing());
        await().atMost(WorkerStack.PATIENCE).until(() -> {
            of("");
            return reports.stream().anyMatch(right);
        });
        return reports.stream().filter(right).findFirst().orElseThrow();
    }
}

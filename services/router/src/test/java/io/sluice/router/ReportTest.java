package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.ErrorReason;
import io.sluice.records.FinishReason;
import io.sluice.records.ResumeMode;
import io.sluice.records.Session;
import io.sluice.records.SessionReport;
import io.sluice.records.SessionState;
import io.sluice.records.StageResume;
import io.sluice.records.StageTrouble;
import io.sluice.schemas.Topics;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A stage that cannot go on reports it; the router tries again elsewhere or ends the session, once. */
class ReportTest {
    private RouterHarness router = new RouterHarness();

    @AfterEach
    void close() {
        router.close();
    }

    /** A session on a and c that has two tokens. */
    @BeforeEach
    void start() {
        router.alive(1, "a", "b", "c", "d");
        router.allocate(TestAllocations.diamond(1, 10_000));
        router.send(RouterHarness.request("r1"));
        router.send(router.token("r1", 0, null, "a", "c"));
        router.send(router.token("r1", 1, null, "a", "c"));
        readAll();
    }

    private void readAll() {
        router.sessions();
        List.of("a", "b", "c", "d").forEach(router::chunks);
    }

    private double read(String result) {
        return router.counted("sluice.router.reports", "result", result);
    }

    private static SessionReport report(int attempt, String worker, StageTrouble trouble) {
        SessionReport report = RouterHarness.report("r1", worker, trouble);
        report.setAttempt(attempt);
        return report;
    }

    private List<ResumeMode> modes(String first) {
        return router.sentTo(first).getFirst().getSetup().getResume().getStages().stream()
                .map(StageResume::getMode)
                .toList();
    }

    private List<String> pipeline() {
        return RouterHarness.workers(router.sessions().getLast().getPipeline());
    }

    @ParameterizedTest
    @EnumSource(
            value = StageTrouble.class,
            names = {"INPUT_MISSING", "UNDELIVERED"})
    void shouldKeepEveryCacheWhereOnlyARecordIsMissing(StageTrouble trouble) {
        router.send(report(1, "c", trouble));
        assertThat(pipeline()).containsExactly("a", "c");
        assertThat(modes("a")).containsExactly(ResumeMode.KEEP, ResumeMode.KEEP);
        assertThat(router.sentTo("c")).extracting(ActivationChunk::getKind).containsExactly(ChunkKind.PREPARE);
    }

    @ParameterizedTest
    @EnumSource(
            value = StageTrouble.class,
            names = {"STATE_LOST", "UNSPECIFIED"})
    void shouldRebuildInPlaceWhatAStageHasLost(StageTrouble trouble) {
        router.send(report(1, "c", trouble));
        router.advance(Duration.ofMillis(50));
        assertThat(pipeline()).containsExactly("a", "c");
        assertThat(modes("a")).containsExactly(ResumeMode.KEEP, ResumeMode.REBUILD);
    }

    @Test
    void shouldTakeReportsOfSeveralStagesTogether() {
        router.send(report(1, "c", StageTrouble.STATE_LOST));
        router.send(report(1, "a", StageTrouble.STATE_LOST));
        router.advance(Duration.ofMillis(50));
        assertThat(router.sessions()).hasSize(1);
        assertThat(modes("a")).containsExactly(ResumeMode.FRESH, ResumeMode.REBUILD);
    }

    @ParameterizedTest
    @EnumSource(
            value = StageTrouble.class,
            names = {"LAYERS_NOT_HELD", "NO_CAPACITY", "COMPUTE_FAILED"})
    void shouldGoElsewhereWhereTheWorkerIsTheTrouble(StageTrouble trouble) {
        router.send(report(1, "c", trouble));
        assertThat(pipeline()).containsExactly("a", "d");
        assertThat(modes("a")).containsExactly(ResumeMode.KEEP, ResumeMode.REBUILD);
        assertThat(router.sentTo("c")).extracting(ActivationChunk::getKind).containsExactly(ChunkKind.DROP);
    }

    @Test
    void shouldSendEverythingAgainWhereAChunkWasOfNoUse() {
        router.send(report(1, "c", StageTrouble.MALFORMED_INPUT));
        assertThat(pipeline()).containsExactly("a", "c");
        assertThat(modes("a")).containsExactly(ResumeMode.FRESH, ResumeMode.FRESH);
    }

    @Test
    void shouldReplayWhenTheLogNoLongerReachesBack() {
        router.gone(1, "c");
        readAll();
        router.send(report(2, "d", StageTrouble.LOG_GONE));
        assertThat(router.sessions().getLast().getReason()).contains("the log no longer reaches back");
        assertThat(modes("a")).containsExactly(ResumeMode.FRESH, ResumeMode.FRESH);
    }

    @Test
    void shouldTryTheSameWorkerAgainAfterAWhileWhenThereIsNoOther() {
        router.gone(1, "d");
        router.send(report(1, "c", StageTrouble.NO_CAPACITY));
        assertThat(router.sessions()).as("not at once").isEmpty();
        router.advance(Duration.ofMillis(600));
        assertThat(pipeline()).containsExactly("a", "c");
    }

    @Test
    void shouldEndWithTheStagesMessageWhenTheSessionCannotBeComputed() {
        router.send(report(1, "c", StageTrouble.COMPUTE_FAILED));
        readAll();
        router.send(report(2, "d", StageTrouble.COMPUTE_FAILED));
        assertThat(router.errors()).singleElement().satisfies(error -> {
            assertThat(error.getReason()).isEqualTo(ErrorReason.WORKER_FAILED);
            assertThat(error.getMessage()).isEqualTo("COMPUTE_FAILED at d; a remedy");
            assertThat(error.getService()).isEqualTo("router");
        });
        assertThat(router.sessions()).extracting(Session::getState).containsExactly(SessionState.REJECTED);
        for (String worker : List.of("a", "d")) {
            assertThat(router.sentTo(worker))
                    .as(worker)
                    .extracting(ActivationChunk::getKind)
                    .containsExactly(ChunkKind.DROP);
        }
        assertThat(router.gauge("sluice.router.active.sessions")).isZero();
        router.send(report(2, "d", StageTrouble.COMPUTE_FAILED));
        router.send(router.token("r1", 2, FinishReason.LENGTH));
        router.advance(Duration.ofMinutes(3));
        assertThat(router.errors()).isEmpty();
        assertThat(router.completions()).isEmpty();
        router.send(RouterHarness.request("r1"));
        assertThat(router.errors()).singleElement().satisfies(e -> assertThat(e.getReason())
                .isEqualTo(ErrorReason.DUPLICATE_REQUEST));
    }

    @Test
    void shouldEndWithNoCapacityWhenNobodyEverHasRoom() {
        router.send(report(1, "c", StageTrouble.NO_CAPACITY));
        List<Integer> attempts = new ArrayList<>();
        for (int step = 0; step < 600 && router.gauge("sluice.router.active.sessions") > 0; step++) {
            for (Session session : router.sessions()) {
                attempts.add(session.getAttempt());
                String last = RouterHarness.workers(session.getPipeline()).getLast();
                router.send(report(session.getAttempt(), last, StageTrouble.NO_CAPACITY));
            }
            router.advance(Duration.ofMillis(100));
        }
        assertThat(attempts).as("the first one had led to tokens").containsExactly(2, 3, 4, 5, 6, 7, 8, 9);
        assertThat(router.errors()).singleElement().satisfies(error -> {
            assertThat(error.getReason()).isEqualTo(ErrorReason.NO_CAPACITY);
            assertThat(error.getMessage()).startsWith("NO_CAPACITY at");
        });
    }

    @Test
    void shouldIgnoreWhatIsSentTwiceOrIsAboutNobody() {
        router.send(report(1, "c", StageTrouble.UNDELIVERED));
        readAll();
        router.send(report(1, "c", StageTrouble.UNDELIVERED));
        router.send(RouterHarness.report("nobody", "c", StageTrouble.UNDELIVERED));
        SessionReport zombie = report(2, "c", StageTrouble.STATE_LOST);
        zombie.setIncarnation(0);
        router.send(zombie);
        assertThat(router.sessions()).isEmpty();
        assertThat(read("used")).isEqualTo(1);
        assertThat(read("stale_attempt")).isEqualTo(1);
        assertThat(read("stray")).isEqualTo(1);
        assertThat(read("zombie")).isEqualTo(1);
        assertThat(router.errors()).isEmpty();
    }

    @Test
    void shouldAdmitWhoWaitsWhenASessionEnds() {
        router.allocate(TestAllocations.diamond(2, 64));
        router.gone(1, "b");
        router.send(RouterHarness.request("r2"));
        router.send(report(1, "a", StageTrouble.MALFORMED_INPUT));
        readAll();
        router.send(report(2, "a", StageTrouble.MALFORMED_INPUT));
        assertThat(router.sessions())
                .extracting(Session::getState)
                .containsExactly(SessionState.REJECTED, SessionState.ASSIGNED);
    }

    @Test
    void shouldReportBadRecordsAndGoOn() {
        byte[] sound = router.bytes(report(1, "nobody", StageTrouble.UNDELIVERED));
        router.sendRaw(Topics.REPORTS, "r1", null);
        router.sendRaw(Topics.REPORTS, null, new byte[0]);
        router.sendRaw(Topics.REPORTS, "r1", Arrays.copyOf(sound, 9));
        router.sendRaw(
                Topics.REPORTS,
                "r1",
                ByteBuffer.allocate(20).put((byte) 0).putInt(987_654).array());
        router.sendRaw(Topics.REPORTS, "r1", "{\"reason\": \"json\"}".getBytes(StandardCharsets.UTF_8));
        router.send(report(1, "No Such Name", StageTrouble.UNDELIVERED));
        assertThat(router.errors()).hasSize(6).allSatisfy(error -> assertThat(error.getOriginTopic())
                .isEqualTo(Topics.REPORTS.name()));
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 1000; i++) {
            byte[] bytes = router.bytes(RouterHarness.report("nobody", "c", StageTrouble.UNDELIVERED));
            for (int flips = random.nextInt(4); flips >= 0; flips--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            router.sendRaw(Topics.REPORTS, "r1", bytes);
        }
        router.finish("r1");
        router.send(router.token("r1", 2, FinishReason.LENGTH));
        assertThat(router.completions()).hasSize(1);
    }

    @Test
    void shouldNoticeAReportOnAWrongPartition() {
        router.close();
        router = new RouterHarness(config -> config, 64);
        router.send(report(1, "c", StageTrouble.UNDELIVERED));
        assertThat(read("misplaced")).isEqualTo(1);
        assertThat(router.errors()).isEmpty();
    }
}

package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.messaging.ErrorPublisher;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import io.sluice.schemas.Topics;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A worker that cannot go on tells the client itself; the router ends the session and says nothing more. */
class WorkerErrorTest {
    private static final Duration STALL = Duration.ofSeconds(5);

    private RouterHarness router =
            new RouterHarness(config -> config.withSessionTimes(STALL, Duration.ofSeconds(600)), 1);

    @BeforeEach
    void allocate() {
        router.allocate(TestAllocations.single(1, "a", 70));
    }

    @AfterEach
    void close() {
        router.close();
    }

    private double read(String result) {
        return router.counted("sluice.router.errors.read", "result", result);
    }

    private void start(String... ids) {
        for (String id : ids) {
            router.send(RouterHarness.request(id));
        }
        router.chunks("a");
        router.sessions();
    }

    @Test
    void shouldEndTheSessionOnceAndAdmitWhoWaits() {
        start("r1", "r2");
        router.send(router.token("r1", 0, null));
        router.send(router.workerError("r1"));

        assertThat(router.sessions())
                .satisfiesExactly(
                        ended -> {
                            assertThat(ended.getRequestId()).isEqualTo("r1");
                            assertThat(ended.getState()).isEqualTo(SessionState.REJECTED);
                            assertThat(ended.getPipeline()).isNotEmpty();
                        },
                        next -> {
                            assertThat(next.getRequestId()).isEqualTo("r2");
                            assertThat(next.getState()).isEqualTo(SessionState.ASSIGNED);
                        });
        List<ActivationChunk> chunks = router.chunks("a").stream()
                .flatMap(batch -> batch.getChunks().stream())
                .toList();
        assertThat(chunks).extracting(ActivationChunk::getKind).containsExactly(ChunkKind.RELEASE, ChunkKind.FORWARD);
        assertThat(chunks).extracting(ActivationChunk::getSessionId).containsExactly("r1", "r2");
        assertThat(router.driver.getKeyValueStore(RouterTopology.TOKENS_STORE).approximateNumEntries())
                .isZero();
        assertThat(router.gauge("sluice.router.active.sessions")).isEqualTo(1);
        assertThat(router.counted("sluice.router.requests", "outcome", "no_capacity"))
                .isEqualTo(1);

        router.finish("r2");
        router.advance(STALL.multipliedBy(3));
        router.send(router.token("r1", 1, FinishReason.LENGTH));
        assertThat(router.completions()).hasSize(1);
        assertThat(router.errors()).as("the worker has told the client").isEmpty();
    }

    @Test
    void shouldIgnoreWhatIsSentTwiceOrIsAboutNobody() {
        start("r1");
        router.send(router.workerError("r1"));
        router.sessions();
        router.send(router.workerError("r1"));
        router.send(router.workerError("nobody"));
        router.send(router.workerError("no id at all"));
        start("r2");
        router.finish("r2");
        router.sessions();
        router.send(router.workerError("r2"));

        assertThat(router.sessions()).isEmpty();
        assertThat(router.errors()).isEmpty();
        assertThat(router.completions()).hasSize(1);
        assertThat(read("used")).isEqualTo(1);
        assertThat(read("stray")).isEqualTo(4);
    }

    @Test
    void shouldKeepTheIdOfAnEndedRequestInUse() {
        start("r1");
        router.send(router.workerError("r1"));
        router.send(RouterHarness.request("r1"));
        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.DUPLICATE_REQUEST);
            assertThat(e.getMessage()).contains("failed");
        });
    }

    @Test
    void shouldIgnoreItsOwnRecordsAndThoseOfOthers() {
        start("r1");
        // Refused as a duplicate: an error record with the id of a session that goes on.
        router.send(RouterHarness.request("r1"));
        assertThat(read("own")).isEqualTo(1);
        router.send(ErrorPublisher.refusal("r1", ErrorReason.UNSPECIFIED, "?", "planner", 0));
        router.send(ErrorPublisher.refusal("r1", ErrorReason.UNSPECIFIED, "?", "workers", 0));
        ErrorRecord deadLetter = router.workerError("r1");
        deadLetter.setRequestId(null);
        router.send(deadLetter);
        assertThat(read("other")).isEqualTo(3);

        router.finish("r1");
        assertThat(router.completions()).hasSize(1);
        assertThat(router.sessions()).extracting(Session::getState).containsExactly(SessionState.FINISHED);
    }

    @Test
    void shouldCountBadRecordsAndAnswerNone() {
        byte[] sound = router.bytes(router.workerError("r1"));
        start("r1");
        router.sendRaw(Topics.ERRORS, "r1", null);
        router.sendRaw(Topics.ERRORS, null, new byte[0]);
        router.sendRaw(Topics.ERRORS, "r1", Arrays.copyOf(sound, 9));
        router.sendRaw(
                Topics.ERRORS,
                "r1",
                ByteBuffer.allocate(20).put((byte) 0).putInt(987_654).array());
        router.sendRaw(Topics.ERRORS, "r1", "{\"reason\": \"json\"}".getBytes(StandardCharsets.UTF_8));
        assertThat(read("unreadable")).isEqualTo(5);
        SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < 1000; i++) {
            byte[] bytes = router.bytes(router.workerError("nobody"));
            for (int flips = random.nextInt(4); flips >= 0; flips--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            router.sendRaw(Topics.ERRORS, "r1", bytes);
        }
        assertThat(router.errors()).isEmpty();
        router.finish("r1");
        assertThat(router.completions()).hasSize(1);
    }

    @Test
    void shouldNoticeAnErrorOnAWrongPartition() {
        router.close();
        router = new RouterHarness(config -> config, 64);
        router.send(router.workerError("r1"));
        assertThat(read("misplaced")).isEqualTo(1);
        assertThat(router.errors()).isEmpty();
    }
}

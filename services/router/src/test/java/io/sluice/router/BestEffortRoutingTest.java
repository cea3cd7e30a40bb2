package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.records.FinishReason;
import io.sluice.records.InferenceRequest;
import io.sluice.records.ServiceClass;
import io.sluice.records.Session;
import io.sluice.records.SessionSetup;
import io.sluice.records.SessionState;
import io.sluice.records.Token;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Best-effort requests beside interactive ones, and requests that are cancelled. A reservation is 64 tokens here. */
class BestEffortRoutingTest {
    private final RouterHarness router = new RouterHarness(
            config -> config.withQueue(3, Duration.ofSeconds(10)).withHighWater(1), 1);

    @AfterEach
    void close() {
        router.close();
    }

    private static InferenceRequest.Builder bestEffort(String id) {
        return RouterHarness.request(id)
                .setServiceClass(ServiceClass.BEST_EFFORT)
                .setTenant("night")
                .setWeight(2.5);
    }

    private List<String> assigned() {
        return router.sessions().stream()
                .filter(s -> s.getState() == SessionState.ASSIGNED)
                .map(Session::getRequestId)
                .toList();
    }

    private void cancel(String id) {
        router.sendRaw(Topics.REQUESTS, id, null);
    }

    @Test
    void shouldTellWorkersClassTenantAndWeight() {
        router.allocate(TestAllocations.single(1, "a", 1000));
        router.send(bestEffort("b1"));
        SessionSetup setup = router.sentTo("a").getFirst().getSetup();
        assertThat(setup.getServiceClass()).isEqualTo(ServiceClass.BEST_EFFORT);
        assertThat(setup.getTenant()).isEqualTo("night");
        assertThat(setup.getWeight()).isEqualTo(2.5);
    }

    @Test
    void shouldServeInteractiveRequestsFirstWhereBothWait() {
        router.send(bestEffort("b1"));
        router.send(bestEffort("b2"));
        router.send(RouterHarness.request("i1"));
        router.send(RouterHarness.request("i2"));
        router.allocate(TestAllocations.single(1, "a", 1000));
        assertThat(assigned()).containsExactly("i1", "i2", "b1", "b2");
    }

    @Test
    void shouldHoldBestEffortSessionsToTheirShareOfTheCache() {
        router.allocate(TestAllocations.single(1, "a", 256));
        for (int i = 1; i <= 4; i++) {
            router.send(bestEffort("b" + i));
        }
        assertThat(assigned()).as("half of 256 is two").containsExactly("b1", "b2");
        router.send(RouterHarness.request("i1"));
        router.send(RouterHarness.request("i2"));
        router.send(RouterHarness.request("i3"));
        assertThat(assigned()).containsExactly("i1", "i2");
        router.finish("b1");
        assertThat(assigned()).as("the interactive one goes before b3").containsExactly("i3");
        router.finish("b2");
        assertThat(assigned()).containsExactly("b3");
    }

    @Test
    void shouldLetABestEffortRequestWaitForAsLongAsItTakesUnlessItSaysOtherwise() {
        router.send(bestEffort("patient"));
        router.send(bestEffort("hurried").setDeadlineMs(20_000L));
        router.advance(Duration.ofMinutes(30));
        assertThat(router.errors()).extracting(ErrorRecord::getRequestId).containsExactly("hurried");
        router.allocate(TestAllocations.single(1, "a", 1000));
        assertThat(assigned()).containsExactly("patient");
    }

    @Test
    void shouldBearTheSilenceOfABestEffortSession() {
        router.allocate(TestAllocations.single(1, "a", 1000));
        router.send(bestEffort("patient"));
        router.sessions();
        router.advance(Duration.ofSeconds(110));
        assertThat(router.sessions()).as("nobody is in a hurry").isEmpty();
        router.advance(Duration.ofMinutes(30));
        assertThat(router.errors()).isEmpty();
        assertThat(router.sessions())
                .as("asked for after 2, 4, 8 and 16 minutes")
                .hasSize(4)
                .extracting(Session::getState)
                .containsOnly(SessionState.REASSIGNED);
        Token last = router.token("patient", 0, FinishReason.STOP, "a");
        last.setAttempt(5);
        router.send(last);
        assertThat(router.completions()).hasSize(1);
    }

    @Test
    void shouldEndABestEffortRequestThatNoWorkerCouldEverTake() {
        router.allocate(TestAllocations.single(1, "a", 100));
        router.send(bestEffort("large"));
        router.send(RouterHarness.request("i1"));
        assertThat(assigned()).as("64 tokens are above half of 100").containsExactly("i1");
        router.advance(Duration.ofSeconds(9));
        assertThat(router.errors()).isEmpty();
        router.advance(Duration.ofSeconds(2));
        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.NO_CAPACITY);
            assertThat(e.getMessage()).contains("--best-effort-kv-share");
        });
    }

    @Test
    void shouldNotCountBestEffortRequestsAgainstTheQueueOfInteractiveOnes() {
        for (int i = 1; i <= 4; i++) {
            router.send(bestEffort("b" + i));
        }
        assertThat(router.errors()).extracting(ErrorRecord::getRequestId).containsExactly("b4");
        router.send(RouterHarness.request("i1"));
        assertThat(router.errors()).isEmpty();
    }

    @Test
    void shouldCancelARequestThatWaits() {
        router.send(RouterHarness.request("r1"));
        cancel("r1");
        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.CANCELLED);
            assertThat(e.getRequestId()).isEqualTo("r1");
        });
        router.allocate(TestAllocations.single(1, "a", 1000));
        assertThat(assigned()).isEmpty();
        router.send(RouterHarness.request("r1"));
        assertThat(assigned()).as("the id is free again").containsExactly("r1");
    }

    @Test
    void shouldFreeEveryStageOfACancelledSessionAndServeTheNext() {
        router.alive(1, "a", "b", "c", "d");
        router.allocate(TestAllocations.diamond(1, 64));
        router.send(RouterHarness.request("r1").setAllowedRegions(List.of("eu")));
        router.send(RouterHarness.request("r2").setAllowedRegions(List.of("eu")));
        router.send(router.token("r1", 0, null, "a", "c"));
        assertThat(assigned()).containsExactly("r1");
        router.chunks("a");
        cancel("r1");
        assertThat(router.errors()).extracting(ErrorRecord::getReason).containsExactly(ErrorReason.CANCELLED);
        assertThat(router.sentTo("c")).extracting(ActivationChunk::getKind).containsExactly(ChunkKind.DROP);
        assertThat(router.sentTo("a"))
                .extracting(ActivationChunk::getKind)
                .containsExactly(ChunkKind.DROP, ChunkKind.FORWARD);
        assertThat(router.sessions())
                .extracting(Session::getRequestId, Session::getState)
                .containsExactly(
                        org.assertj.core.api.Assertions.tuple("r1", SessionState.REJECTED),
                        org.assertj.core.api.Assertions.tuple("r2", SessionState.ASSIGNED));
        router.send(router.token("r1", 1, null, "a", "c"));
        assertThat(router.completions()).isEmpty();
        cancel("r1");
        assertThat(router.errors()).as("one end").isEmpty();
    }

    @Test
    void shouldPassOverACancellationOfWhatItDoesNotKnow() {
        cancel("nobody");
        assertThat(router.errors()).isEmpty();
        assertThat(router.counted("sluice.router.requests", "outcome", "cancelled_in_vain"))
                .isEqualTo(1);
        router.sendRaw(Topics.REQUESTS, "not an id", null);
        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.MALFORMED_RECORD);
            assertThat(new String(e.getOriginKey().array(), StandardCharsets.UTF_8))
                    .isEqualTo("not an id");
        });
    }
}

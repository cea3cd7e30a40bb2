package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.routing.RoutingPolicy;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChatMessage;
import io.sluice.records.ChunkKind;
import io.sluice.records.Completion;
import io.sluice.records.DType;
import io.sluice.records.ErrorReason;
import io.sluice.records.FinishReason;
import io.sluice.records.HopSummary;
import io.sluice.records.Session;
import io.sluice.records.SessionState;
import io.sluice.schemas.Topics;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RouterTopologyTest {
    private RouterHarness router = new RouterHarness();

    @AfterEach
    void close() {
        router.close();
    }

    private void restartWith(UnaryOperator<RouterConfig> changed, int partitions) {
        router.close();
        router = new RouterHarness(changed, partitions);
    }

    @Test
    void shouldSendThePromptToTheFirstStageWithItsSetup() {
        router.allocate(TestAllocations.diamond(3, 1000));
        router.send(RouterHarness.request("r1")
                .setTemperature(0.5f)
                .setTopK(7)
                .setTopP(0.9f)
                .setSeed(42)
                .setIgnoreEos(true));

        var batch = router.chunks("a").getFirst();
        assertThat(batch.getSender()).isEqualTo("router");
        assertThat(batch.getSentUs()).isEqualTo(router.nowMs() * 1000);
        ActivationChunk chunk = batch.getChunks().getFirst();
        assertThat(chunk.getSessionId()).isEqualTo("r1");
        assertThat(chunk.getAttempt()).isEqualTo(1);
        assertThat(chunk.getKind()).isEqualTo(ChunkKind.FORWARD);
        assertThat(chunk.getPosition()).isZero();
        assertThat(chunk.getCount()).isEqualTo(4);
        assertThat(chunk.getEnterLayer()).isZero();
        assertThat(chunk.getDtype()).isEqualTo(DType.TOKEN_IDS);
        assertThat(chunk.getLastOfPrompt()).isTrue();
        assertThat(chunk.getHops()).isEmpty();
        int[] ids = new int[4];
        chunk.getPayload().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(ids);
        assertThat(ids).containsExactly('a', 'b', 'c', 'd');
        var setup = chunk.getSetup();
        assertThat(setup.getEpoch()).isEqualTo(3);
        assertThat(RouterHarness.workers(setup.getPipeline())).containsExactly("a", "c");
        assertThat(setup.getPromptTokens()).isEqualTo(4);
        assertThat(setup.getMaxTokens()).isEqualTo(4);
        assertThat(setup.getKvTokens())
                .as("4 + 4, rounded up to the smallest reservation")
                .isEqualTo(64);
        assertThat(setup.getTemperature()).isEqualTo(0.5f);
        assertThat(setup.getTopK()).isEqualTo(7);
        assertThat(setup.getTopP()).isEqualTo(0.9f);
        assertThat(setup.getSeed()).isEqualTo(42);
        assertThat(setup.getIgnoreEos()).isTrue();

        Session assigned = router.sessions().getFirst();
        assertThat(assigned.getState()).isEqualTo(SessionState.ASSIGNED);
        assertThat(assigned.getAttempt()).isEqualTo(1);
        assertThat(assigned.getPipeline()).isEqualTo(setup.getPipeline());
        assertThat(router.errors()).isEmpty();
    }

    @Test
    void shouldTurnTokensIntoOneCompletion() {
        router.allocate(TestAllocations.diamond(1, 1000));
        router.send(RouterHarness.request("r1").setTenant("choir"));
        long assignedMs = router.nowMs();
        router.advance(Duration.ofMillis(70));
        long firstMs = router.nowMs();
        router.send(router.token("r1", 0, null, "a", "c"));
        router.advance(Duration.ofMillis(30));
        router.send(router.token("r1", 1, null, "a", "c"));
        assertThat(router.completions()).isEmpty();
        router.send(router.token("r1", 2, FinishReason.STOP, "a", "c"));

        List<Completion> completions = router.completions();
        assertThat(completions).hasSize(1);
        Completion completion = completions.getFirst();
        assertThat(completion.getText()).isEqualTo("[0][1][2]");
        assertThat(completion.getTokenIds()).containsExactly(50, 51, 52);
        assertThat(completion.getPromptTokenIds()).containsExactly(97, 98, 99, 100);
        assertThat(completion.getPromptTokens()).isEqualTo(4);
        assertThat(completion.getCompletionTokens()).isEqualTo(3);
        assertThat(completion.getFinishReason()).isEqualTo(FinishReason.STOP);
        assertThat(completion.getTenant()).isEqualTo("choir");
        assertThat(completion.getAttempt()).isEqualTo(1);
        assertThat(completion.getEpoch()).isEqualTo(1);
        assertThat(RouterHarness.workers(completion.getPipeline())).containsExactly("a", "c");
        assertThat(completion.getArrivalMs()).isEqualTo(assignedMs);
        assertThat(completion.getAssignedMs()).isEqualTo(assignedMs);
        assertThat(completion.getFirstTokenMs()).isEqualTo(firstMs);
        assertThat(completion.getFinishedMs()).isEqualTo(firstMs + 30);
        assertThat(completion.getHops())
                .containsExactly(new HopSummary("a", 3, 30L, 60L, 90L), new HopSummary("c", 3, 30L, 60L, 90L));
        assertThat(router.sessions())
                .extracting(Session::getState)
                .containsExactly(SessionState.ASSIGNED, SessionState.FINISHED);
        assertThat(router.driver.getKeyValueStore(RouterTopology.TOKENS_STORE).approximateNumEntries())
                .isZero();
        assertThat(router.gauge("sluice.router.active.sessions")).isZero();
        assertThat(router.counted("sluice.router.requests", "outcome", "completed"))
                .isEqualTo(1);
    }

    @Test
    void shouldDropRepeatedStaleAndStrayTokens() {
        router.allocate(TestAllocations.single(1, "a", 1000));
        router.send(RouterHarness.request("r1"));
        router.send(router.token("r1", 0, null));
        router.send(router.token("r1", 0, null));
        var old = router.token("r1", 1, null);
        old.setAttempt(0);
        router.send(old);
        router.send(router.token("r1", 2, FinishReason.LENGTH));
        router.send(router.token("nobody", 0, FinishReason.LENGTH));
        assertThat(router.completions()).as("token 1 is missing").isEmpty();
        router.send(router.token("r1", 1, null));
        router.send(router.token("r1", 2, FinishReason.LENGTH));
        router.send(router.token("r1", 2, FinishReason.LENGTH));

        assertThat(router.completions()).singleElement().satisfies(c -> assertThat(c.getText())
                .isEqualTo("[0][1][2]"));
        assertThat(router.counted("sluice.router.tokens", "result", "accepted")).isEqualTo(3);
        assertThat(router.counted("sluice.router.tokens", "result", "repeated")).isEqualTo(1);
        assertThat(router.counted("sluice.router.tokens", "result", "gap")).isEqualTo(1);
        assertThat(router.counted("sluice.router.tokens", "result", "stale_attempt"))
                .isEqualTo(3);
        assertThat(router.errors()).isEmpty();
    }

    @Test
    void shouldSplitSessionsLikeTheFlow() {
        router.allocate(TestAllocations.diamond(1, 1_000_000));
        Map<List<String>, Integer> used = use(40);
        assertThat(used.keySet()).containsExactlyInAnyOrder(List.of("a", "c"), List.of("b", "d"));
        assertThat(used.get(List.of("a", "c"))).isCloseTo(30, within(1));
        assertThat(router.counted("sluice.router.assigned.sessions", "worker", "a"))
                .isEqualTo((double) used.get(List.of("a", "c")));
    }

    @Test
    void shouldUseEveryEdgeAlikeUnderRoundRobin() {
        restartWith(config -> config.withPolicy(RoutingPolicy.ROUND_ROBIN), 1);
        router.allocate(TestAllocations.diamond(1, 1_000_000));
        assertThat(use(40)).hasSize(4).allSatisfy((pipeline, times) -> assertThat(times)
                .isEqualTo(10));
    }

    @Test
    void shouldKeepWhatIsInFlightLikeTheFlowUnderSluice() {
        restartWith(config -> config.withPolicy(RoutingPolicy.SLUICE), 1);
        router.allocate(TestAllocations.diamond(1, 1_000_000));
        Map<List<String>, Integer> used = use(40);
        assertThat(used.keySet()).containsExactlyInAnyOrder(List.of("a", "c"), List.of("b", "d"));
        assertThat(used.get(List.of("a", "c"))).isCloseTo(30, within(1));
    }

    @Test
    void shouldGoRoundABranchWhoseSessionsDoNotEndUnderSluice() {
        restartWith(config -> config.withPolicy(RoutingPolicy.SLUICE), 1);
        router.allocate(TestAllocations.diamond(1, 1_000_000));
        List<String> busy = List.of("a", "c");
        int usedBusy = 0;
        for (int i = 0; i < 40; i++) {
            router.send(RouterHarness.request("r" + i));
            List<String> pipeline =
                    RouterHarness.workers(router.sessions().getFirst().getPipeline());
            if (pipeline.equals(busy)) {
                usedBusy++;
            } else {
                assertThat(pipeline).containsExactly("b", "d");
                router.finish("r" + i);
                router.sessions();
            }
        }

        assertThat(usedBusy).as("by flow it would be 30 of 40").isBetween(1, 5);
    }

    private Map<List<String>, Integer> use(int requests) {
        for (int i = 0; i < requests; i++) {
            router.send(RouterHarness.request("r" + i));
        }
        Map<List<String>, Integer> used = new HashMap<>();
        router.sessions().forEach(s -> used.merge(RouterHarness.workers(s.getPipeline()), 1, Integer::sum));
        return used;
    }

    @Test
    void shouldKeepToTheAllowedRegions() {
        router.allocate(TestAllocations.diamond(1, 1_000_000));
        for (int i = 0; i < 5; i++) {
            router.send(RouterHarness.request("r" + i).setAllowedRegions(List.of("us")));
        }
        assertThat(router.sessions()).hasSize(5).allSatisfy(s -> assertThat(RouterHarness.workers(s.getPipeline()))
                .containsExactly("b", "d"));
    }

    @Test
    void shouldTakeTokenIdsAndConversationsToo() {
        router.allocate(TestAllocations.single(1, "a", 1000));
        router.send(RouterHarness.request("ids").setPrompt(null).setPromptTokenIds(List.of(5, 127)));
        router.send(RouterHarness.request("chat").setPrompt(null).setMessages(List.of(new ChatMessage("user", "hi"))));
        router.finish("ids");
        router.finish("chat");
        List<Completion> completions = router.completions();
        assertThat(completions.get(0).getPromptTokenIds()).containsExactly(5, 127);
        assertThat(completions.get(1).getPromptTokens()).isEqualTo("user:hi".length());
    }

    @Test
    void shouldClipTheOutputToWhatTheContextLeaves() {
        router.allocate(TestAllocations.single(1, "a", 1000));
        router.send(RouterHarness.request("r1").setMaxTokens(10_000));
        assertThat(router.sessions().getFirst().getMaxTokens()).isEqualTo(FakeCatalog.CONTEXT - 4);
    }

    @Test
    void shouldLeaveTheFirstUntouchedByADuplicate() {
        router.allocate(TestAllocations.single(1, "a", 1000));
        router.send(RouterHarness.request("r1"));
        router.send(router.token("r1", 0, null));
        router.send(RouterHarness.request("r1").setPrompt("other"));
        router.send(router.token("r1", 1, FinishReason.LENGTH));
        router.send(RouterHarness.request("r1"));

        assertThat(router.errors()).hasSize(2).allSatisfy(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.DUPLICATE_REQUEST);
            assertThat(e.getRequestId()).isEqualTo("r1");
            assertThat(e.getOriginTopic()).isEqualTo(Topics.REQUESTS.name());
        });
        assertThat(router.completions()).singleElement().satisfies(c -> {
            assertThat(c.getTokenIds()).containsExactly(50, 51);
            assertThat(c.getPromptTokens()).isEqualTo(4);
        });
        assertThat(router.sessions())
                .extracting(Session::getState)
                .containsExactly(SessionState.ASSIGNED, SessionState.FINISHED);
    }

    @Test
    void shouldForgetAnEndedRequestAfterItsRetention() {
        restartWith(config -> config.withSessionTimes(Duration.ofSeconds(60), Duration.ofSeconds(10)), 1);
        router.allocate(TestAllocations.single(1, "a", 1000));
        router.send(RouterHarness.request("r1"));
        router.finish("r1");
        router.advance(Duration.ofSeconds(9));
        router.send(RouterHarness.request("r1"));
        assertThat(router.errors()).hasSize(1);
        router.advance(Duration.ofSeconds(2));
        router.send(RouterHarness.request("r1"));
        assertThat(router.errors()).isEmpty();
        router.finish("r1");
        assertThat(router.completions()).hasSize(2);
    }

    @Test
    void shouldFailASessionWhosePipelineIsSilent() {
        restartWith(
                config -> config.withSessionTimes(Duration.ofSeconds(5), Duration.ofSeconds(60))
                        .withSilence(Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofMinutes(1)),
                1);
        router.allocate(TestAllocations.single(1, "a", 70));
        router.send(RouterHarness.request("r1"));
        router.send(RouterHarness.request("r2"));
        router.advance(Duration.ofSeconds(4));
        router.send(router.token("r1", 0, null));
        router.advance(Duration.ofSeconds(4));
        assertThat(router.errors()).isEmpty();
        router.chunks("a");
        router.advance(Duration.ofSeconds(2));

        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.WORKER_FAILED);
            assertThat(e.getRequestId()).isEqualTo("r1");
            assertThat(e.getMessage()).contains("after 1 of at most 4 tokens", "a[0, 4)");
        });
        List<ActivationChunk> chunks = router.chunks("a").stream()
                .flatMap(batch -> batch.getChunks().stream())
                .toList();
        assertThat(chunks).extracting(ActivationChunk::getKind).containsExactly(ChunkKind.DROP, ChunkKind.FORWARD);
        assertThat(chunks).extracting(ActivationChunk::getSessionId).containsExactly("r1", "r2");
        assertThat(router.sessions())
                .extracting(Session::getState)
                .containsExactly(SessionState.ASSIGNED, SessionState.REJECTED, SessionState.ASSIGNED);
        router.send(router.token("r1", 1, FinishReason.LENGTH));
        assertThat(router.completions()).as("a failed session stays failed").isEmpty();
    }

    @Test
    void shouldSendAMisplacedRequestToItsPartitionOnce() {
        restartWith(config -> config, 64);
        router.allocate(TestAllocations.single(1, "a", 100_000));
        // Murmur2 puts "r1" on none but one of 64 partitions, and the test driver knows partition 0 only: the request
        // comes back misplaced, as it would after somebody changed the partition count.
        router.send(RouterHarness.request("r1"));
        assertThat(router.read(Topics.REQUESTS)).singleElement().satisfies(r -> assertThat(r.getRequestId())
                .isEqualTo("r1"));
        assertThat(router.errors()).singleElement().satisfies(e -> {
            assertThat(e.getReason()).isEqualTo(ErrorReason.INVALID_REQUEST);
            assertThat(e.getMessage()).contains("restart the router");
        });
        assertThat(router.counted("sluice.router.requests", "outcome", "rehomed"))
                .isEqualTo(1);
        assertThat(router.sessions()).isEmpty();
    }
}

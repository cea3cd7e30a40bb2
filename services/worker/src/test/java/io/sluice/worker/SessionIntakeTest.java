package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.batching.BatchLimits;
import io.sluice.core.recovery.Trouble;
import io.sluice.records.ActivationChunk;
import io.sluice.records.Token;
import io.sluice.runtime.ActivationDtype;
import io.sluice.worker.Inbound.SessionKey;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SessionIntakeTest {
    private final LocalCluster cluster = new LocalCluster();

    @Test
    void shouldDropDuplicates() {
        cluster.stages(2);
        ActivationChunk chunk = cluster.prompt("r1", 1, ids(1, 10), 3);
        cluster.first().deliver(chunk, chunk);
        cluster.first().deliver(chunk);
        cluster.settle();

        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(ids(1, 10), 3));
        assertThat(cluster.dropped("a", "duplicate")).isEqualTo(2);
        cluster.first().deliver(chunk);
        assertThat(cluster.dropped("a", "fenced")).as("after the end").isEqualTo(1);
        assertThat(cluster.first().loop.untilReadyNanos() == 0).isFalse();
    }

    @Test
    void shouldDropOlderAttemptsAndRestartWithANewerOne() {
        cluster.stages(2);
        List<Integer> prompt = ids(1, 10);
        cluster.first().deliver(cluster.prompt("r1", 1, prompt, 5));
        cluster.first().loop.step();
        cluster.first().deliver(cluster.prompt("r1", 2, prompt, 5));
        cluster.first().deliver(cluster.prompt("r1", 1, prompt, 5));
        cluster.settle();

        assertThat(cluster.dropped("a", "fenced")).isEqualTo(1);
        assertThat(cluster.tokens.stream()
                        .filter(token -> token.getAttempt() == 2)
                        .map(Token::getTokenId))
                .isEqualTo(FakeStageRunner.expected(prompt, 5));
        assertThat(cluster.members.values())
                .allSatisfy(member -> assertThat(member.fake().live).isEmpty());
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldRestoreTheOrderOfChunksThatOvertookEachOther() {
        cluster.stages(2);
        Member second = cluster.second();
        cluster.members.remove(second.id); // chunks are delivered by hand
        cluster.first().deliver(LocalCluster.tokenChunk("r1", 1, 0, ids(1, 50), setupOver(second, 50, 1)));
        while (cluster.first().loop.step()) {
            // all pieces
        }
        List<ActivationChunk> pieces = List.copyOf(cluster.first().sent);
        second.deliver(pieces.get(2));
        second.deliver(pieces.get(1));
        assertThat(second.loop.untilReadyNanos() == 0).isFalse();
        second.deliver(pieces.get(0));
        second.deliver(pieces.get(3));
        while (second.loop.step()) {
            // all pieces
        }

        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(ids(1, 50), 1));
    }

    @Test
    void shouldFailASessionWhoseChunkNeverComes() {
        cluster.stages(2);
        cluster.first().deliver(LocalCluster.tokenChunk("lost", 1, 12, List.of(4), null));
        cluster.first().deliver(cluster.prompt("fine", 1, ids(1, 5), 2));
        cluster.settle();
        cluster.clock.addAndGet(Duration.ofSeconds(2).toNanos());
        cluster.first().loop.sweep();

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.session()).isEqualTo("lost");
            assertThat(failure.trouble()).as("nothing is known of it").isEqualTo(Trouble.STATE_LOST);
            assertThat(failure.message()).contains("misses the set-up");
        });
        assertThat(cluster.generated("fine")).hasSize(2);
        cluster.first().deliver(LocalCluster.tokenChunk("lost", 1, 13, List.of(4), null));
        cluster.clock.addAndGet(Duration.ofSeconds(4).toNanos());
        cluster.first().loop.sweep();
        assertThat(cluster.failures).as("told once").hasSize(1);
    }

    @Test
    void shouldLetASessionWaitForKvCacheUntilAnotherEnds() {
        cluster.fake("a", 0, 6, 64);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 10), 8), cluster.prompt("r2", 1, ids(2, 10), 8));

        cluster.first().loop.step();
        assertThat(cluster.first().fake().live).hasSize(1);
        cluster.settle();

        assertThat(cluster.generated("r1")).hasSize(8);
        assertThat(cluster.generated("r2")).isEqualTo(FakeStageRunner.expected(ids(2, 10), 8));
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldFailWhatWaitsTooLongOrFindsTheWaitingListFull() {
        LoopSettings tight = new LoopSettings(
                new WorkerId("b"),
                PayloadTypes.fixed(ActivationDtype.FP16),
                1 << 16,
                PromptChunking.fixed(16),
                new BatchLimits(8, 16, 1),
                1,
                Duration.ofSeconds(5),
                Duration.ofSeconds(3),
                Duration.ofSeconds(5),
                Duration.ofMinutes(10),
                false);
        cluster.fake("a", 0, 3, 10_000);
        Member b = cluster.fake(tight, 3, 6, 64);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 5), 50));
        cluster.first().deliver(cluster.prompt("r2", 1, ids(2, 5), 50), cluster.prompt("r3", 1, ids(3, 5), 50));
        cluster.first().loop.step();
        while (!b.topic.isEmpty()) {
            b.deliver(b.topic.poll());
        }

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.session()).isEqualTo("r3");
            assertThat(failure.trouble()).isEqualTo(Trouble.NO_CAPACITY);
        });
        cluster.clock.addAndGet(Duration.ofSeconds(6).toNanos());
        b.loop.sweep();
        assertThat(cluster.failures.stream().map(LocalCluster.Failure::session)).containsExactly("r3", "r2");
        assertThat(cluster.failures.getLast().message()).contains("--kv-mib");
        cluster.settle();
        assertThat(cluster.generated("r1")).hasSize(50);
        assertThat(cluster.first().fake().live)
                .as("the router tells the other stages")
                .hasSize(2);
    }

    @Test
    void shouldRefuseASessionThatCanNeverFit() {
        cluster.fake("a", 0, 6, 100);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 60), 60));

        assertThat(cluster.failures).singleElement().satisfies(failure -> assertThat(failure.message())
                .contains("KV cache for 100 tokens, the session reserves 128"));
    }

    @Test
    void shouldPassAReleaseAlongThePipelineButNotToTheLastStage() {
        cluster.fake("a", 0, 2, 1_000);
        cluster.fake("b", 2, 4, 1_000);
        cluster.fake("c", 4, 6, 1_000);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 5), 2));
        cluster.settle();

        assertThat(cluster.releases("c")).isEqualTo(1);
        assertThat(cluster.releases("a")).isEqualTo(1);
        assertThat(cluster.releases("b")).isZero();
        assertThat(cluster.members.values())
                .allSatisfy(member -> assertThat(member.fake().live).isEmpty());
    }

    @Test
    void shouldFreeTheStagesTheRouterNamesWhenItGivesUpAndNoOther() {
        cluster.stages(3);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 5), 500));
        cluster.rounds(2);
        assertThat(cluster.members.values())
                .allSatisfy(member -> assertThat(member.fake().live).hasSize(1));
        cluster.first().deliver(LocalCluster.drop("r1", 1));

        assertThat(cluster.first().fake().live).isEmpty();
        assertThat(cluster.second().fake().live).hasSize(1);
        cluster.members.values().forEach(member -> member.deliver(LocalCluster.drop("r1", 1)));
        cluster.settle();
        assertThat(cluster.members.values())
                .allSatisfy(member -> assertThat(member.fake().live).isEmpty());
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldNotDropANewerAttemptThanTheRouterNames() {
        cluster.stages(1);
        cluster.first().deliver(cluster.prompt("r1", 2, ids(1, 5), 4));
        cluster.first().deliver(LocalCluster.drop("r1", 1));
        cluster.settle();

        assertThat(cluster.generated("r1")).hasSize(4);
    }

    @Test
    void shouldReportOnceAndKeepItsCacheWhenChunksCannotBeDelivered() {
        cluster.stages(3);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 5), 500));
        cluster.rounds(3);
        SessionKey key = new SessionKey(new SessionId("r1"), 1);
        cluster.second().loop.accept(new Inbound.Undelivered(List.of(key), "broker gone"));
        cluster.second().loop.accept(new Inbound.Undelivered(List.of(key), "broker gone"));

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.trouble()).isEqualTo(Trouble.UNDELIVERED);
            assertThat(failure.message()).isEqualTo("broker gone");
        });
        assertThat(cluster.members.values())
                .allSatisfy(member -> assertThat(member.fake().live).hasSize(1));
    }

    @Test
    void shouldReportALastTokenThatWasLostAfterTheSessionHasEnded() {
        cluster.stages(1);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 5), 2));
        cluster.settle();
        SessionKey key = new SessionKey(new SessionId("r1"), 1);
        cluster.first().loop.accept(new Inbound.Undelivered(List.of(key), "broker gone"));

        assertThat(cluster.failures).singleElement().satisfies(failure -> assertThat(failure.trouble())
                .isEqualTo(Trouble.UNDELIVERED));
    }

    @Test
    void shouldRefuseChunksThatContradictTheirSetUp() {
        cluster.stages(1);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 10), 5));
        cluster.first().loop.step();
        List<Integer> tooMany = ids(4, 60);
        cluster.first().deliver(LocalCluster.tokenChunk("r1", 1, 11, tooMany, null));

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.trouble()).isEqualTo(Trouble.MALFORMED_INPUT);
            assertThat(failure.message()).contains("[11, 71)").contains("64 tokens");
        });
    }

    @Test
    void shouldRefuseAPromptThatSaysItEndsTooSoon() {
        cluster.stages(1);
        cluster.first().deliver(LocalCluster.tokenChunk("r1", 1, 0, ids(1, 9), cluster.setup(10, 5)));

        assertThat(cluster.failures).singleElement().satisfies(failure -> assertThat(failure.message())
                .contains("[0, 9)")
                .contains("a prompt of 10 tokens"));
        assertThat(cluster.tokens).isEmpty();
    }

    @Test
    void shouldDropAnIdleSession() {
        cluster.stages(2);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 5), 5));
        cluster.first().loop.step();
        cluster.clock.addAndGet(Duration.ofMinutes(11).toNanos());
        cluster.first().loop.sweep();

        assertThat(cluster.first().fake().live).isEmpty();
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldDropAnIdleSessionThoughItMissesAChunk() {
        cluster.stages(1);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 5), 8));
        cluster.first().loop.step();
        cluster.first().deliver(LocalCluster.tokenChunk("r1", 1, 9, List.of(4), null));
        for (int minute = 0; minute < 12; minute++) {
            cluster.clock.addAndGet(Duration.ofMinutes(1).toNanos());
            cluster.first().loop.sweep();
        }

        assertThat(cluster.first().fake().live).isEmpty();
        assertThat(cluster.failures).singleElement().satisfies(failure -> assertThat(failure.trouble())
                .isEqualTo(Trouble.INPUT_MISSING));
    }

    private io.sluice.records.SessionSetup setupOver(Member second, int promptTokens, int maxTokens) {
        cluster.members.put(second.id, second);
        var setup = cluster.setup(promptTokens, maxTokens);
        cluster.members.remove(second.id);
        return setup;
    }
}

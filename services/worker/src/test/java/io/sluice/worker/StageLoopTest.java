package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.batching.BatchLimits;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.ErrorReason;
import io.sluice.records.FinishReason;
import io.sluice.records.HopTiming;
import io.sluice.records.Token;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.StageRunner.StageInput;
import io.sluice.worker.Inbound.SessionKey;
import io.sluice.worker.LocalCluster.Member;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class StageLoopTest {
    private final LocalCluster cluster = new LocalCluster();

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 6})
    void shouldGenerateWhatOneProcessGenerates(int stages) {
        threeOf(stages);
        List<Integer> prompt = ids(5, 50);

        first().deliver(cluster.prompt("r1", 1, prompt, 20));
        cluster.settle();

        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(prompt, 20));
        assertThat(cluster.tokens.stream().map(Token::getIndex)).isEqualTo(IntStream.range(0, 20).boxed().toList());
        assertThat(cluster.tokens.getLast().getFinishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(cluster.tokens.subList(0, 19)).allSatisfy(token -> assertThat(token.getFinishReason()).isNull());
        assertThat(cluster.failures).isEmpty();
        assertThat(cluster.members.values()).allSatisfy(member -> assertThat(member.fake().live).isEmpty());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void shouldGenerateTheSameWithManySessionsAtOnce(long seed) {
        threeOf(3);
        SplittableRandom random = new SplittableRandom(seed);
        List<List<Integer>> prompts = IntStream.range(0, 12)
                .mapToObj(i -> ids(random.nextInt(), 1 + random.nextInt(90)))
                .toList();
        for (int i = 0; i < prompts.size(); i++) {
            first().deliver(cluster.prompt("r" + i, 1, prompts.get(i), 1 + i));
            if (random.nextBoolean()) {
                first().loop.step();
            }
        }
        cluster.settle();

        for (int i = 0; i < prompts.size(); i++) {
            assertThat(cluster.generated("r" + i))
                    .as("seed %d session %d", seed, i)
                    .isEqualTo(FakeStageRunner.expected(prompts.get(i), 1 + i));
        }
        Member last = cluster.members.values().stream().skip(2).findFirst().orElseThrow();
        assertThat(last.fake().batches).as("some batch held several sessions").anyMatch(batch -> batch.size() > 1);
    }

    @Test
    void shouldCutALongPromptAndSendEveryPieceOnAtOnce() {
        threeOf(2);
        first().deliver(cluster.prompt("r1", 1, ids(1, 50), 4));

        first().loop.step();

        ActivationChunk sent = first().sent.getFirst();
        assertThat(first().sent).hasSize(1);
        assertThat(sent.getCount()).isEqualTo(16);
        assertThat(sent.getLastOfPrompt()).isFalse();
        assertThat(sent.getSetup()).isNotNull();
        assertThat(sent.getEnterLayer()).isEqualTo(3);
        cluster.settle();
        assertThat(first().sent.stream().filter(chunk -> chunk.getSetup() != null)).hasSize(1);
        assertThat(first().sent.subList(1, 4).stream().map(ActivationChunk::getLastOfPrompt))
                .containsExactly(false, false, true);
        assertThat(first().sent.get(3).getPosition() + first().sent.get(3).getCount()).isEqualTo(50);
    }

    @Test
    void shouldRunDecodesOfOthersBetweenThePiecesOfAPrompt() {
        threeOf(1);
        first().deliver(cluster.prompt("short", 1, ids(1, 3), 30));
        first().loop.step();
        first().deliver(cluster.prompt("long", 1, ids(2, 64), 2));
        for (int i = 0; i < 8; i++) {
            first().loop.step();
        }

        List<Integer> counts =
                first().fake().batches.stream().map(batch -> batch.getFirst().count()).toList();
        assertThat(counts).startsWith(3, 1, 16, 1, 16, 1, 16, 1, 16);
    }

    @Test
    void shouldSplitWhatIsOverThePayloadBoundByPositions() {
        LoopSettings settings = new LoopSettings(
                new WorkerId("a"), ActivationDtype.FP32, 5 * FakeStageRunner.HIDDEN * 4, 16, new BatchLimits(8, 16, 1), 4,
                Duration.ofSeconds(1), Duration.ofSeconds(1), Duration.ofSeconds(1));
        cluster.fake(settings, 0, 3, 10_000);
        cluster.fake("b", 3, 6, 10_000);
        List<Integer> prompt = ids(7, 23);

        first().deliver(cluster.prompt("r1", 1, prompt, 3));
        cluster.settle();

        assertThat(first().sent.stream().filter(chunk -> chunk.getKind() == ChunkKind.FORWARD))
                .allSatisfy(chunk -> assertThat(chunk.getPayload().remaining()).isLessThanOrEqualTo(5 * 32));
        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(prompt, 3));
    }

    @Test
    void shouldDropDuplicates() {
        threeOf(2);
        ActivationChunk chunk = cluster.prompt("r1", 1, ids(1, 10), 3);
        first().deliver(chunk, chunk);
        first().deliver(chunk);
        cluster.settle();

        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(ids(1, 10), 3));
        assertThat(cluster.dropped("a", "duplicate")).isEqualTo(2);
        first().deliver(chunk);
        assertThat(cluster.dropped("a", "fenced")).as("after the end").isEqualTo(1);
        assertThat(first().loop.isReady()).isFalse();
    }

    @Test
    void shouldDropOlderAttemptsAndRestartWithANewerOne() {
        threeOf(2);
        List<Integer> prompt = ids(1, 10);
        first().deliver(cluster.prompt("r1", 1, prompt, 5));
        first().loop.step();
        first().deliver(cluster.prompt("r1", 2, prompt, 5));
        first().deliver(cluster.prompt("r1", 1, prompt, 5));
        cluster.settle();

        assertThat(cluster.dropped("a", "fenced")).isEqualTo(1);
        assertThat(cluster.tokens.stream().filter(token -> token.getAttempt() == 2).map(Token::getTokenId))
                .isEqualTo(FakeStageRunner.expected(prompt, 5));
        assertThat(cluster.members.values()).allSatisfy(member -> assertThat(member.fake().live).isEmpty());
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldRestoreTheOrderOfChunksThatOvertookEachOther() {
        threeOf(2);
        Member second = second();
        cluster.members.remove(second.id); // chunks are delivered by hand
        first().deliver(LocalCluster.tokenChunk("r1", 1, 0, ids(1, 50), setupOver(second, 50, 1)));
        while (first().loop.step()) {
            // all pieces
        }
        List<ActivationChunk> pieces = List.copyOf(first().sent);
        second.deliver(pieces.get(2));
        second.deliver(pieces.get(1));
        assertThat(second.loop.isReady()).isFalse();
        second.deliver(pieces.get(0));
        second.deliver(pieces.get(3));
        while (second.loop.step()) {
            // all pieces
        }

        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(ids(1, 50), 1));
    }

    @Test
    void shouldFailASessionWhoseChunkNeverComes() {
        threeOf(2);
        first().deliver(LocalCluster.tokenChunk("lost", 1, 12, List.of(4), null));
        first().deliver(cluster.prompt("fine", 1, ids(1, 5), 2));
        cluster.settle();
        cluster.clock.addAndGet(Duration.ofSeconds(4).toNanos());
        first().loop.sweep();

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.session()).isEqualTo("lost");
            assertThat(failure.reason()).isEqualTo(ErrorReason.WORKER_FAILED);
            assertThat(failure.message()).contains("misses the set-up");
        });
        assertThat(cluster.generated("fine")).hasSize(2);
        first().deliver(LocalCluster.tokenChunk("lost", 1, 13, List.of(4), null));
        cluster.clock.addAndGet(Duration.ofSeconds(4).toNanos());
        first().loop.sweep();
        assertThat(cluster.failures).as("told once").hasSize(1);
    }

    @Test
    void shouldLetASessionWaitForKvCacheUntilAnotherEnds() {
        cluster.fake("a", 0, 6, 64);
        first().deliver(cluster.prompt("r1", 1, ids(1, 10), 8), cluster.prompt("r2", 1, ids(2, 10), 8));

        first().loop.step();
        assertThat(first().fake().live).hasSize(1);
        cluster.settle();

        assertThat(cluster.generated("r1")).hasSize(8);
        assertThat(cluster.generated("r2")).isEqualTo(FakeStageRunner.expected(ids(2, 10), 8));
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldFailWhatWaitsTooLongOrFindsTheWaitingListFull() {
        LoopSettings tight = new LoopSettings(
                new WorkerId("b"), ActivationDtype.FP16, 1 << 16, 16, new BatchLimits(8, 16, 1), 1,
                Duration.ofSeconds(5), Duration.ofSeconds(3), Duration.ofMinutes(10));
        cluster.fake("a", 0, 3, 10_000);
        Member b = cluster.fake(tight, 3, 6, 64);
        first().deliver(cluster.prompt("r1", 1, ids(1, 5), 50));
        first().deliver(cluster.prompt("r2", 1, ids(2, 5), 50), cluster.prompt("r3", 1, ids(3, 5), 50));
        first().loop.step();
        while (!b.topic.isEmpty()) {
            b.deliver(b.topic.poll().toArray(ActivationChunk[]::new));
        }

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.session()).isEqualTo("r3");
            assertThat(failure.reason()).isEqualTo(ErrorReason.NO_CAPACITY);
        });
        cluster.clock.addAndGet(Duration.ofSeconds(6).toNanos());
        b.loop.sweep();
        assertThat(cluster.failures.stream().map(LocalCluster.Failure::session)).containsExactly("r3", "r2");
        assertThat(cluster.failures.getLast().message()).contains("--kv-mib");
        cluster.settle();
        assertThat(cluster.generated("r1")).hasSize(50);
        assertThat(first().fake().live).as("the other stages were told").isEmpty();
    }

    @Test
    void shouldRefuseASessionThatCanNeverFit() {
        cluster.fake("a", 0, 6, 100);
        first().deliver(cluster.prompt("r1", 1, ids(1, 60), 60));

        assertThat(cluster.failures).singleElement().satisfies(failure -> assertThat(failure.message())
                .contains("KV cache for 100 tokens, the session reserves 128"));
    }

    @Test
    void shouldPassAReleaseAlongThePipelineButNotToTheLastStage() {
        cluster.fake("a", 0, 2, 1_000);
        cluster.fake("b", 2, 4, 1_000);
        cluster.fake("c", 4, 6, 1_000);
        first().deliver(cluster.prompt("r1", 1, ids(1, 5), 2));
        cluster.settle();

        assertThat(releases("c")).isEqualTo(1);
        assertThat(releases("a")).isEqualTo(1);
        assertThat(releases("b")).isZero();
        assertThat(cluster.members.values()).allSatisfy(member -> assertThat(member.fake().live).isEmpty());
    }

    @Test
    void shouldFreeEveryStageWhenChunksCannotBeDelivered() {
        threeOf(3);
        first().deliver(cluster.prompt("r1", 1, ids(1, 5), 500));
        for (int i = 0; i < 3; i++) {
            cluster.members.values().forEach(member -> {
                while (!member.topic.isEmpty()) {
                    member.deliver(member.topic.poll().toArray(ActivationChunk[]::new));
                }
                member.loop.step();
            });
        }
        second().loop.accept(new Inbound.Undelivered(List.of(new SessionKey(new SessionId("r1"), 1)), "broker gone"));
        second().loop.accept(new Inbound.Undelivered(List.of(new SessionKey(new SessionId("r1"), 1)), "broker gone"));
        cluster.settle();

        assertThat(cluster.failures).singleElement().satisfies(failure -> assertThat(failure.message())
                .isEqualTo("broker gone"));
        assertThat(cluster.members.values()).allSatisfy(member -> assertThat(member.fake().live).isEmpty());
    }

    @Test
    void shouldFailOnlyTheSessionWhoseInputTheRunnerRefuses() {
        threeOf(2);
        second().fake().poison = (float) FakeStageRunner.VOCAB; // matches nothing
        first().fake().poison = 13f;
        first().deliver(
                cluster.prompt("bad", 1, List.of(13, 1), 3),
                cluster.prompt("good", 1, List.of(12, 1), 3),
                cluster.prompt("fine", 1, List.of(11, 1), 3));
        cluster.settle();

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.session()).isEqualTo("bad");
            assertThat(failure.message()).contains("positions [0, 2)").contains("poisoned input 13");
        });
        assertThat(cluster.generated("good")).isEqualTo(FakeStageRunner.expected(List.of(12, 1), 3));
        assertThat(cluster.generated("fine")).isEqualTo(FakeStageRunner.expected(List.of(11, 1), 3));
    }

    @Test
    void shouldRefuseChunksThatContradictTheirSetUp() {
        threeOf(1);
        first().deliver(cluster.prompt("r1", 1, ids(1, 10), 5));
        first().loop.step();
        List<Integer> tooMany = ids(4, 60);
        first().deliver(LocalCluster.tokenChunk("r1", 1, 11, tooMany, null));

        assertThat(cluster.failures).singleElement().satisfies(failure -> {
            assertThat(failure.reason()).isEqualTo(ErrorReason.MALFORMED_RECORD);
            assertThat(failure.message()).contains("[11, 71)").contains("64 tokens");
        });
    }

    @Test
    void shouldDropAnIdleSession() {
        threeOf(2);
        first().deliver(cluster.prompt("r1", 1, ids(1, 5), 5));
        first().loop.step();
        cluster.clock.addAndGet(Duration.ofMinutes(11).toNanos());
        first().loop.sweep();

        assertThat(first().fake().live).isEmpty();
        assertThat(cluster.failures).isEmpty();
    }

    @Test
    void shouldStopAtAnEndTokenUnlessIgnored() {
        threeOf(2);
        List<Integer> prompt = promptBeforeEndToken();
        var setup = cluster.setup(prompt.size(), 40);
        setup.setIgnoreEos(false);
        first().deliver(LocalCluster.tokenChunk("r1", 1, 0, prompt, setup));
        cluster.settle();

        Token last = cluster.tokens.getLast();
        assertThat(last.getFinishReason()).isEqualTo(FinishReason.STOP);
        assertThat(last.getTokenId()).isZero();
        assertThat(last.getText()).isEmpty();
        assertThat(cluster.tokens).hasSizeLessThan(40);
        cluster.tokens.clear();
        first().deliver(cluster.prompt("r2", 1, prompt, 40));
        cluster.settle();
        assertThat(cluster.tokens).hasSize(40);
    }

    @Test
    void shouldEndAtTheContextLength() {
        threeOf(2);
        List<Integer> prompt = ids(1, FakeStageRunner.CONTEXT - 3);
        var setup = cluster.setup(prompt.size(), 100);
        first().deliver(LocalCluster.tokenChunk("r1", 1, 0, prompt, setup));
        cluster.settle();

        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(prompt, 4));
        assertThat(cluster.tokens.getLast().getFinishReason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void shouldJoinTheTextsToTheWholeText() {
        threeOf(1);
        List<Integer> prompt = ids(9, 4);
        first().deliver(cluster.prompt("r1", 1, prompt, 200));
        cluster.settle();

        StringBuilder wanted = new StringBuilder();
        List<Integer> ids = FakeStageRunner.expected(prompt, 200);
        ids.forEach(id -> wanted.append(id == FakeTokenizer.HALF ? "" : id + " "));
        String text = String.join("", cluster.tokens.stream().map(Token::getText).toList());
        assertThat(text).isEqualTo(ids.getLast() == FakeTokenizer.HALF ? wanted + "\uFFFD" : wanted.toString());
    }

    @Test
    void shouldTellWhereTheTimeOfAStepWent() {
        threeOf(2);
        first().deliver(cluster.prompt("r1", 1, ids(1, 5), 2));
        cluster.clock.addAndGet(3_000_000);
        first().loop.step();
        cluster.clock.addAndGet(2_000_000);
        cluster.settle();

        List<HopTiming> hops = cluster.tokens.getFirst().getHops();
        assertThat(hops.stream().map(HopTiming::getWorker)).containsExactly("a", "b");
        assertThat(hops.getFirst().getTransferUs()).isEqualTo(40);
        assertThat(hops.getFirst().getQueueUs()).isEqualTo(3_000);
        assertThat(hops).allSatisfy(hop -> assertThat(hop.getBatchSize()).isEqualTo(1));
        assertThat(cluster.tokens.get(1).getHops()).as("a new step").hasSize(2);
    }

    @Test
    void shouldSayInTokensWhoSampledThem() {
        threeOf(2);
        first().deliver(cluster.prompt("r1", 1, ids(1, 5), 1));
        cluster.settle();

        Token token = cluster.tokens.getFirst();
        assertThat(token.getWorker()).isEqualTo("b");
        assertThat(token.getEmittedMs()).isEqualTo(77);
        assertThat(token.getAttempt()).isEqualTo(1);
    }

    @Test
    void shouldCountWhatTelemetryTells() {
        threeOf(1);
        first().deliver(cluster.prompt("r1", 1, ids(1, 20), 4));
        cluster.settle();
        first().loop.publishLevels(2);

        IntervalStats.Interval interval = first().stats.take(cluster.clock.get());
        assertThat(interval.prefillTokens()).isEqualTo(20);
        assertThat(interval.decodeTokens()).isEqualTo(3);
        assertThat(interval.batches()).isEqualTo(5);
        assertThat(interval.queueChunks()).isEqualTo(2);
        assertThat(interval.classes()).singleElement().satisfies(summary -> assertThat(summary.getSteps()).isEqualTo(5));
        assertThat(first().stats.take(cluster.clock.get()).batches()).isZero();
    }

    @Test
    void shouldKeepOneInputPerSessionInABatch() {
        threeOf(2);
        first().deliver(cluster.prompt("r1", 1, ids(1, 100), 3), cluster.prompt("r2", 1, ids(2, 100), 3));
        cluster.settle();

        assertThat(first().fake().batches).allSatisfy(batch -> assertThat(batch.stream().map(StageInput::slot))
                .doesNotHaveDuplicates());
    }

    private void threeOf(int stages) {
        int layers = FakeStageRunner.LAYERS / stages;
        for (int i = 0; i < stages; i++) {
            cluster.fake(String.valueOf((char) ('a' + i)), i * layers, (i + 1) * layers, 100_000);
        }
    }

    private Member first() {
        return cluster.members.values().iterator().next();
    }

    private Member second() {
        return cluster.members.values().stream().skip(1).findFirst().orElseThrow();
    }

    private io.sluice.records.SessionSetup setupOver(Member second, int promptTokens, int maxTokens) {
        cluster.members.put(second.id, second);
        var setup = cluster.setup(promptTokens, maxTokens);
        cluster.members.remove(second.id);
        return setup;
    }

    private long releases(String worker) {
        return cluster.members.get(new WorkerId(worker)).sent.stream()
                .filter(chunk -> chunk.getKind() == ChunkKind.RELEASE)
                .count();
    }

    private static List<Integer> promptBeforeEndToken() {
        for (int seed = 0; seed < 1_000; seed++) {
            List<Integer> prompt = ids(seed, 4);
            int at = FakeStageRunner.expected(prompt, 30).indexOf(0);
            if (at > 2) {
                return prompt;
            }
        }
        throw new IllegalStateException("no such prompt");
    }

    private static List<Integer> ids(long seed, int count) {
        SplittableRandom random = new SplittableRandom(seed);
        return IntStream.range(0, count).mapToObj(i -> random.nextInt(FakeStageRunner.VOCAB)).toList();
    }
}

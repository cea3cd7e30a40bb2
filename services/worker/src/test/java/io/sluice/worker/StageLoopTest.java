package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.WorkerId;
import io.sluice.core.batching.BatchLimits;
import io.sluice.core.batching.LinkLimits;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.FinishReason;
import io.sluice.records.HopTiming;
import io.sluice.records.Token;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.StageRunner.StageInput;
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
        cluster.stages(stages);
        List<Integer> prompt = ids(5, 50);

        cluster.first().deliver(cluster.prompt("r1", 1, prompt, 20));
        cluster.settle();

        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(prompt, 20));
        assertThat(cluster.tokens.stream().map(Token::getIndex))
                .isEqualTo(IntStream.range(0, 20).boxed().toList());
        assertThat(cluster.tokens.getLast().getFinishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(cluster.tokens.subList(0, 19))
                .allSatisfy(token -> assertThat(token.getFinishReason()).isNull());
        assertThat(cluster.failures).isEmpty();
        assertThat(cluster.members.values())
                .allSatisfy(member -> assertThat(member.fake().live).isEmpty());
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void shouldGenerateTheSameWithManySessionsAtOnce(long seed) {
        cluster.stages(3);
        SplittableRandom random = new SplittableRandom(seed);
        List<List<Integer>> prompts = IntStream.range(0, 12)
                .mapToObj(i -> ids(random.nextInt(), 1 + random.nextInt(90)))
                .toList();
        for (int i = 0; i < prompts.size(); i++) {
            cluster.first().deliver(cluster.prompt("r" + i, 1, prompts.get(i), 1 + i));
            if (random.nextBoolean()) {
                cluster.first().loop.step();
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
        cluster.stages(2);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 50), 4));

        cluster.first().loop.step();

        ActivationChunk sent = cluster.first().sent.getFirst();
        assertThat(cluster.first().sent).hasSize(1);
        assertThat(sent.getCount()).isEqualTo(16);
        assertThat(sent.getLastOfPrompt()).isFalse();
        assertThat(sent.getSetup()).isNotNull();
        assertThat(sent.getEnterLayer()).isEqualTo(3);
        cluster.settle();
        assertThat(cluster.first().sent.stream().filter(chunk -> chunk.getSetup() != null))
                .hasSize(1);
        assertThat(cluster.first().sent.subList(1, 4).stream().map(ActivationChunk::getLastOfPrompt))
                .containsExactly(false, false, true);
        assertThat(cluster.first().sent.get(3).getPosition()
                        + cluster.first().sent.get(3).getCount())
                .isEqualTo(50);
    }

    @Test
    void shouldRunDecodesOfOthersBetweenThePiecesOfAPrompt() {
        cluster.stages(1);
        cluster.first().deliver(cluster.prompt("short", 1, ids(1, 3), 30));
        cluster.first().loop.step();
        cluster.first().deliver(cluster.prompt("long", 1, ids(2, 64), 2));
        for (int i = 0; i < 8; i++) {
            cluster.first().loop.step();
        }

        List<Integer> counts = cluster.first().fake().batches.stream()
                .map(batch -> batch.getFirst().count())
                .toList();
        assertThat(counts)
                .as("two pieces at most go ahead of a step while more than one waits, then they take turns")
                .startsWith(3, 16, 16, 1, 16, 1, 16, 1);
    }

    @Test
    void shouldBoundThePayloadOfEveryPieceOfAPrompt() {
        cluster.fake(fivePositions("a"), 0, 3, 10_000);
        cluster.fake("b", 3, 6, 10_000);
        List<Integer> prompt = ids(7, 23);

        cluster.first().deliver(cluster.prompt("r1", 1, prompt, 3));
        cluster.settle();

        assertForwardsWithin(cluster.first(), 5);
        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(prompt, 3));
    }

    @Test
    void shouldSplitWhatCameInOnePieceAndIsTooBigToSendOn() {
        cluster.fake("a", 0, 2, 10_000); // half precision, 16 positions at once
        Member middle = cluster.fake(fivePositions("b"), 2, 4, 10_000);
        Member last = cluster.fake("c", 4, 6, 10_000);
        List<Integer> prompt = ids(7, 32);

        cluster.first().deliver(cluster.prompt("r1", 1, prompt, 3));
        cluster.settle();

        assertForwardsWithin(middle, 5);
        assertThat(middle.sent.stream().filter(chunk -> chunk.getSetup() != null))
                .hasSize(1);
        assertThat(last.fake().batches.stream().flatMap(List::stream).filter(StageInput::needLogits))
                .as("one sampled position per token")
                .hasSize(3);
        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(prompt, 3));
    }

    private static LoopSettings fivePositions(String worker) {
        return new LoopSettings(
                new WorkerId(worker),
                PayloadTypes.fixed(ActivationDtype.FP32),
                5 * FakeStageRunner.HIDDEN * 4,
                PromptChunking.fixed(16),
                new BatchLimits(8, 16, 1),
                4,
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                false);
    }

    private static void assertForwardsWithin(Member sender, int positions) {
        assertThat(sender.sent.stream().filter(chunk -> chunk.getKind() == ChunkKind.FORWARD))
                .isNotEmpty()
                .allSatisfy(chunk -> assertThat(chunk.getPayload().remaining())
                        .isLessThanOrEqualTo(positions * FakeStageRunner.HIDDEN * 4));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void shouldGenerateTheSameOverSlowLinks(long seed) {
        cluster.stages(3);
        cluster.members.values().forEach(member -> member.pacer = new LinkPacer(new LinkLimits(2, 5, 4), 1, 20));
        SplittableRandom random = new SplittableRandom(seed);
        List<List<Integer>> prompts = IntStream.range(0, 10)
                .mapToObj(i -> ids(random.nextInt(), 1 + random.nextInt(90)))
                .toList();
        for (int i = 0; i < prompts.size(); i++) {
            cluster.first().deliver(cluster.prompt("r" + i, 1, prompts.get(i), 1 + i));
        }
        cluster.settle();

        for (int i = 0; i < prompts.size(); i++) {
            assertThat(cluster.generated("r" + i))
                    .as("seed %d session %d", seed, i)
                    .isEqualTo(FakeStageRunner.expected(prompts.get(i), 1 + i));
        }
        assertThat(cluster.failures).isEmpty();
        assertThat(cluster.first().sent)
                .allSatisfy(chunk -> assertThat(chunk.getCount()).isLessThanOrEqualTo(5));
        List<Integer> second = cluster.second().fake().batches.stream()
                .flatMap(List::stream)
                .map(StageInput::count)
                .filter(count -> count > 1)
                .toList();
        assertThat(second).as("pieces are chunks again").contains(16);
    }

    @Test
    void shouldHoldPromptsButNoDecodeWhileTheLinkIsFull() {
        cluster.stages(2);
        Member first = cluster.first();
        first.deliver(cluster.prompt("short", 1, ids(1, 3), 30));
        first.loop.step();
        first.pacer = new LinkPacer(new LinkLimits(2, 5, 4), 1, 32);
        first.deliver(cluster.prompt("long", 1, ids(2, 90), 2));
        while (first.loop.step()) {
            // as much as may be computed
        }

        assertThat(first.fake().batches.stream()
                        .mapToInt(batch -> batch.getFirst().count())
                        .filter(count -> count > 3)
                        .sum())
                .as("two chunks fill the link")
                .isEqualTo(32);
        assertThat(first.loop.untilReadyNanos()).isEqualTo(Long.MAX_VALUE);
        cluster.settle();
        assertThat(cluster.generated("long")).isEqualTo(FakeStageRunner.expected(ids(2, 90), 2));
        assertThat(cluster.generated("short")).isEqualTo(FakeStageRunner.expected(ids(1, 3), 30));
    }

    @Test
    void shouldComputeShortPromptsThatComeALittleLaterFirst() {
        cluster.stages(1);
        cluster.first().deliver(cluster.prompt("long", 1, ids(1, 509), 1));
        cluster.first().deliver(cluster.prompt("short", 1, ids(2, 3), 1));
        cluster.settle();

        assertThat(cluster.tokens.stream().map(Token::getRequestId)).containsExactly("short", "long");
    }

    @Test
    void shouldFailOnlyTheSessionWhoseInputTheRunnerRefuses() {
        cluster.stages(2);
        cluster.second().fake().poison = (float) FakeStageRunner.VOCAB; // matches nothing
        cluster.first().fake().poison = 13f;
        cluster.first()
                .deliver(
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
    void shouldStopAtAnEndTokenUnlessIgnored() {
        cluster.stages(2);
        List<Integer> prompt = promptBeforeEndToken();
        var setup = cluster.setup(prompt.size(), 40);
        setup.setIgnoreEos(false);
        cluster.first().deliver(LocalCluster.tokenChunk("r1", 1, 0, prompt, setup));
        cluster.settle();

        Token last = cluster.tokens.getLast();
        assertThat(last.getFinishReason()).isEqualTo(FinishReason.STOP);
        assertThat(last.getTokenId()).isZero();
        assertThat(last.getText()).isEmpty();
        assertThat(cluster.tokens).hasSizeLessThan(40);
        cluster.tokens.clear();
        cluster.first().deliver(cluster.prompt("r2", 1, prompt, 40));
        cluster.settle();
        assertThat(cluster.tokens).hasSize(40);
    }

    @Test
    void shouldEndAtTheContextLength() {
        cluster.stages(2);
        List<Integer> prompt = ids(1, FakeStageRunner.CONTEXT - 3);
        var setup = cluster.setup(prompt.size(), 100);
        cluster.first().deliver(LocalCluster.tokenChunk("r1", 1, 0, prompt, setup));
        cluster.settle();

        assertThat(cluster.generated("r1")).isEqualTo(FakeStageRunner.expected(prompt, 4));
        assertThat(cluster.tokens.getLast().getFinishReason()).isEqualTo(FinishReason.LENGTH);
    }

    @Test
    void shouldJoinTheTextsToTheWholeText() {
        cluster.stages(1);
        List<Integer> prompt = ids(9, 4);
        cluster.first().deliver(cluster.prompt("r1", 1, prompt, 200));
        cluster.settle();

        String text =
                String.join("", cluster.tokens.stream().map(Token::getText).toList());
        assertThat(text).isEqualTo(FakeTokenizer.text(FakeStageRunner.expected(prompt, 200)));
    }

    @Test
    void shouldTellWhereTheTimeOfAStepWent() {
        cluster.stages(2);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 5), 2));
        cluster.clock.addAndGet(3_000_000);
        cluster.first().loop.step();
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
        cluster.stages(2);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 5), 1));
        cluster.settle();

        Token token = cluster.tokens.getFirst();
        assertThat(token.getWorker()).isEqualTo("b");
        assertThat(token.getEmittedMs()).isEqualTo(77);
        assertThat(token.getAttempt()).isEqualTo(1);
    }

    @Test
    void shouldCountWhatTelemetryTells() {
        cluster.stages(1);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 20), 4));
        cluster.settle();
        cluster.first().loop.publishLevels(2);

        IntervalStats.Interval interval = cluster.first().stats.take(cluster.clock.get());
        assertThat(interval.prefillTokens()).isEqualTo(20);
        assertThat(interval.decodeTokens()).isEqualTo(3);
        assertThat(interval.batches()).isEqualTo(5);
        assertThat(interval.queueChunks()).isEqualTo(2);
        assertThat(interval.classes()).singleElement().satisfies(summary -> assertThat(summary.getSteps())
                .isEqualTo(5));
        assertThat(cluster.first().stats.take(cluster.clock.get()).batches()).isZero();
    }

    @Test
    void shouldKeepOneInputPerSessionInABatch() {
        cluster.stages(2);
        cluster.first().deliver(cluster.prompt("r1", 1, ids(1, 100), 3), cluster.prompt("r2", 1, ids(2, 100), 3));
        cluster.settle();

        assertThat(cluster.first().fake().batches)
                .allSatisfy(batch ->
                        assertThat(batch.stream().map(StageInput::slot)).doesNotHaveDuplicates());
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
}

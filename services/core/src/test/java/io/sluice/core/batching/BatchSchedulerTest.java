package io.sluice.core.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.SessionId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BatchSchedulerTest {
    private static final SessionId A = new SessionId("a");
    private static final SessionId B = new SessionId("b");
    private static final SessionId C = new SessionId("c");

    @Test
    void shouldRunDecodesBeforePromptsAndNeverMixThem() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(8, 128, 2));
        scheduler.addPrefill(A, 100, "a0");
        scheduler.addDecode(B, "b9");
        scheduler.addDecode(C, "c4");

        assertThat(scheduler.next()).containsExactly("b9", "c4");
        assertThat(scheduler.next()).containsExactly("a0");
        assertThat(scheduler.next()).isEmpty();
        assertThat(scheduler.isEmpty()).isTrue();
    }

    @Test
    void shouldLetAPromptChunkGoAfterTheBoundOfDecodeBatches() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(1, 128, 3));
        scheduler.addPrefill(A, 100, "a0");
        List<String> order = new ArrayList<>();
        for (int step = 0; step < 5; step++) {
            scheduler.addDecode(B, "b" + step);
            order.addAll(scheduler.next());
        }

        assertThat(order).containsExactly("b0", "b1", "b2", "a0", "b3");
    }

    @Test
    void shouldLetDecodesGoWhilePromptsAreHeldAndThenTheDuePrompt() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(8, 128, 1));
        scheduler.addPrefill(A, 100, "a0");
        scheduler.addDecode(B, "b1");
        assertThat(scheduler.next(false, true)).containsExactly("b1");
        assertThat(scheduler.next(false, true)).isEmpty();
        scheduler.addDecode(B, "b2");
        assertThat(scheduler.next(true, true)).isEmpty();
        assertThat(scheduler.next(false, true)).containsExactly("b2");
        scheduler.addDecode(B, "b3");
        assertThat(scheduler.next()).containsExactly("a0");
        assertThat(scheduler.next()).containsExactly("b3");
    }

    @Test
    void shouldFollowANewBoundOfPromptTokens() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(8, 128, 1));
        scheduler.addPrefill(A, 64, "a0");
        scheduler.addPrefill(B, 64, "b0");
        scheduler.addPrefill(C, 64, "c0");
        scheduler.setMaxPrefillTokens(64);
        assertThat(scheduler.next()).containsExactly("a0");
        scheduler.setMaxPrefillTokens(128);
        assertThat(scheduler.next()).containsExactly("b0", "c0");
    }

    @Test
    void shouldNotCountDecodeBatchesThatMadeNobodyWait() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(1, 128, 2));
        for (int step = 0; step < 5; step++) {
            scheduler.addDecode(B, "b" + step);
            scheduler.next();
        }
        scheduler.addPrefill(A, 10, "a0");
        scheduler.addDecode(B, "b5");

        assertThat(scheduler.next()).containsExactly("b5");
    }

    @Test
    void shouldBoundThePromptTokensOfABatchWithoutOvertaking() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(8, 128, 1));
        scheduler.addPrefill(A, 100, "a0");
        scheduler.addPrefill(B, 100, "b0");
        scheduler.addPrefill(C, 20, "c0");

        assertThat(scheduler.next()).containsExactly("a0");
        assertThat(scheduler.next()).containsExactly("b0", "c0");
    }

    @Test
    void shouldRunAChunkLongerThanTheBoundAlone() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(8, 128, 1));
        scheduler.addPrefill(A, 500, "a0");
        scheduler.addPrefill(B, 1, "b0");

        assertThat(scheduler.next()).containsExactly("a0");
        assertThat(scheduler.next()).containsExactly("b0");
    }

    @Test
    void shouldPutASessionIntoABatchOnceAndKeepItsOrder() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(8, 128, 1));
        scheduler.addPrefill(A, 10, "a0");
        scheduler.addPrefill(A, 10, "a1");
        scheduler.addPrefill(B, 10, "b0");

        assertThat(scheduler.next()).containsExactly("a0", "b0");
        assertThat(scheduler.next()).containsExactly("a1");
    }

    @Test
    void shouldForgetARemovedSession() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(8, 128, 1));
        scheduler.addPrefill(A, 10, "a0");
        scheduler.addDecode(B, "b0");
        scheduler.remove(A);

        assertThat(scheduler.size()).isEqualTo(1);
        assertThat(scheduler.next()).containsExactly("b0");
        assertThat(scheduler.next()).isEmpty();
    }

    @Test
    void shouldNameABoundThatIsNotPositive() {
        assertThatThrownBy(() -> new BatchLimits(1, 0, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("maxPrefillTokens is 0");
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 5, 8, 13})
    void shouldServeEveryChunkOnceInOrderAndStarveNobody(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        BatchLimits limits = new BatchLimits(1 + random.nextInt(8), 16 + random.nextInt(200), 1 + random.nextInt(4));
        BatchScheduler<Chunk> scheduler = new BatchScheduler<>(limits);
        Map<SessionId, Integer> added = new HashMap<>();
        Map<SessionId, Integer> served = new HashMap<>();
        int waitingPrefills = 0;
        int decodeBatchesWhileWaiting = 0;
        int total = 0;
        for (int step = 0; step < 2_000; step++) {
            for (int arrivals = random.nextInt(4); arrivals > 0 && step < 1_500; arrivals--) {
                boolean decode = random.nextBoolean();
                SessionId session = new SessionId((decode ? "d" : "p") + random.nextInt(12));
                int number = added.merge(session, 1, Integer::sum);
                int tokens = decode ? 1 : 1 + random.nextInt(200);
                Chunk chunk = new Chunk(session, number, tokens, decode);
                total++;
                if (decode) {
                    scheduler.addDecode(session, chunk);
                } else {
                    scheduler.addPrefill(session, tokens, chunk);
                    waitingPrefills++;
                }
            }
            List<Chunk> batch = scheduler.next();
            assertThat(batch).as("seed %d step %d", seed, step).hasSizeLessThanOrEqualTo(limits.maxChunks());
            assertThat(batch.stream().map(Chunk::session)).doesNotHaveDuplicates();
            assertThat(batch.stream().map(Chunk::decode).distinct().count()).isLessThanOrEqualTo(1);
            boolean prefill = !batch.isEmpty() && !batch.getFirst().decode;
            if (prefill) {
                waitingPrefills -= batch.size();
                decodeBatchesWhileWaiting = 0;
                assertThat(batch.size() == 1
                                || batch.stream().mapToInt(Chunk::tokens).sum() <= limits.maxPrefillTokens())
                        .isTrue();
            } else if (waitingPrefills > 0) {
                decodeBatchesWhileWaiting++;
            }
            assertThat(decodeBatchesWhileWaiting)
                    .as("seed %d step %d", seed, step)
                    .isLessThanOrEqualTo(limits.decodeBatchesPerPrefill());
            for (Chunk chunk : batch) {
                assertThat(served.merge(chunk.session, 1, Integer::sum)).isEqualTo(chunk.number);
                total--;
            }
        }
        while (!scheduler.isEmpty()) {
            for (Chunk chunk : scheduler.next()) {
                assertThat(served.merge(chunk.session, 1, Integer::sum)).isEqualTo(chunk.number);
                total--;
            }
        }
        assertThat(total).isZero();
    }

    private record Chunk(SessionId session, int number, int tokens, boolean decode) {}

    @Test
    void shouldServeThePromptOfLowestRankFirstAndKeepItsOrder() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(8, 100, 1));
        scheduler.addPrefill(A, 100, 2, "a0");
        scheduler.addPrefill(A, 100, 2, "a1");
        scheduler.addPrefill(B, 100, 1, "b0");
        scheduler.addPrefill(B, 100, 1, "b1");

        List<String> order = new ArrayList<>();
        while (!scheduler.isEmpty()) {
            order.addAll(scheduler.next());
        }
        assertThat(order).containsExactly("b0", "b1", "a0", "a1");
    }

    @Test
    void shouldNotLetAnyPromptStarveWhenRanksGrowWithTime() {
        BatchScheduler<Integer> scheduler = new BatchScheduler<>(new BatchLimits(1, 100, 1));
        int longTokens = 2000;
        scheduler.addPrefill(A, 100, 0.002 * longTokens, -1);
        int overtakenBy = 0;
        for (int arrival = 1; arrival < 50; arrival++) {
            scheduler.addPrefill(new SessionId("s" + arrival), 10, arrival + 0.002 * 10, arrival);
            if (scheduler.next().getFirst() == -1) {
                break;
            }
            overtakenBy++;
        }
        assertThat(overtakenBy).isLessThanOrEqualTo(4);
    }

    @Test
    void noDecodeWaitsBehindMoreThanOnePromptBatch() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(64, 128, 3));
        for (int i = 0; i < 20; i++) {
            scheduler.addPrefill(new SessionId("p" + i), 128, "p");
        }
        for (int round = 0; round < 10; round++) {
            scheduler.next();
            scheduler.addDecode(B, "d");
            List<String> first = scheduler.next();
            assertThat(first.contains("d") || scheduler.next().contains("d")).isTrue();
        }
    }

    @Test
    void shouldPutBackWhatIsLeftOfAChunkBeforeItsFollowers() {
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(8, 1, 1));
        scheduler.addPrefill(A, 40, 3, "a0");
        scheduler.addPrefill(A, 40, 3, "a1");
        scheduler.addPrefill(B, 40, 4, "b0");
        assertThat(scheduler.next()).containsExactly("a0");
        scheduler.putBackPrefill(A, 24, 3, "rest of a0");
        assertThat(scheduler.next()).containsExactly("rest of a0");
        scheduler.putBackPrefill(A, 8, 3, "end of a0");
        scheduler.addPrefill(C, 40, 1, "c0");
        assertThat(scheduler.size()).isEqualTo(4);
        assertThat(scheduler.next()).containsExactly("c0");
        assertThat(scheduler.next()).containsExactly("end of a0");
        assertThat(scheduler.next()).containsExactly("a1");
        assertThat(scheduler.next()).containsExactly("b0");
        assertThat(scheduler.isEmpty()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void shouldSayWhatComesNextWithoutChangingIt(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        BatchScheduler<String> scheduler = new BatchScheduler<>(new BatchLimits(4, 64, 2, 4, 3, 2));
        for (int step = 0; step < 500; step++) {
            SessionId session = List.of(A, B, C).get(random.nextInt(3));
            if (random.nextBoolean()) {
                scheduler.addDecode(session, "d" + step);
            } else {
                scheduler.addPrefill(session, random.nextInt(1, 90), random.nextInt(3), "p" + step);
            }
            if (random.nextInt(3) == 0) {
                boolean hold = random.nextBoolean();
                scheduler.setMaxChunks(random.nextInt(1, 5));
                int size = scheduler.size();
                List<String> expected = scheduler.peek(hold);
                assertThat(scheduler.peek(hold)).isEqualTo(expected);
                assertThat(scheduler.size()).isEqualTo(size);
                assertThat(scheduler.next(false, hold)).isEqualTo(expected);
                assertThat(scheduler.size()).isEqualTo(size - expected.size());
            }
        }
    }
}

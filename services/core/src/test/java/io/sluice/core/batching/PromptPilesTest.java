package io.sluice.core.batching;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.SessionId;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a {@link BatchScheduler} does where prompts pile up. */
final class PromptPilesTest {
    private static final SessionId B = new SessionId("b");
    /** Twelve positions a batch while few wait, up to four times that, four steps gathered, three batches ahead. */
    private static final BatchLimits PILED = new BatchLimits(64, 12, 1, 4, 4, 3);

    @Test
    void shouldGatherDecodesWherePromptsPileUp() {
        BatchScheduler<String> scheduler = piled(20);
        scheduler.addDecode(B, "b");
        assertThat(scheduler.next()).containsOnly("p");
        for (String step : List.of("c", "d", "e")) {
            scheduler.addDecode(new SessionId(step), step);
        }

        assertThat(scheduler.next()).as("enough for a pass over the weights").containsExactly("b", "c", "d", "e");
        assertThat(scheduler.next()).containsOnly("p");
    }

    @Test
    void shouldLetNoDecodeWaitForOthersWhenPromptsDoNotPileUp() {
        BatchScheduler<String> scheduler = piled(1);
        scheduler.addDecode(B, "b");

        assertThat(scheduler.next()).containsExactly("b");
    }

    @Test
    void shouldLetALonelyDecodeWaitForTheBoundOfPromptBatchesOnly() {
        BatchScheduler<String> scheduler = piled(100);
        scheduler.addDecode(B, "b");
        for (int ahead = 0; ahead < PILED.prefillBatchesPerDecode(); ahead++) {
            assertThat(scheduler.next()).containsOnly("p");
        }

        assertThat(scheduler.next()).containsExactly("b");
        assertThat(scheduler.next()).containsOnly("p");
        scheduler.addDecode(B, "b");
        assertThat(scheduler.next()).as("the next one waits anew").containsOnly("p");
    }

    @Test
    void shouldTakeHalfOfAPileOfPromptsWithinTheGrowth() {
        BatchScheduler<String> scheduler = piled(10);
        List<Integer> sizes = new ArrayList<>();
        while (!scheduler.isEmpty()) {
            sizes.add(scheduler.next().size());
        }

        assertThat(sizes).containsExactly(4, 3, 1, 1, 1);
    }

    @Test
    void shouldForgetTheTokensOfARemovedPile() {
        BatchScheduler<String> scheduler = piled(20);
        for (int i = 1; i < 20; i++) {
            scheduler.remove(new SessionId("p" + i));
        }
        scheduler.addDecode(B, "b");

        assertThat(scheduler.next()).as("one chunk is no pile").containsExactly("b");
    }

    @Test
    void shouldSpendFewerPassesOnDecodesThanTakingTurnsUnderAPileOfPrompts() {
        assertThat(decodePasses(PILED)).isLessThanOrEqualTo(decodePasses(new BatchLimits(64, 12, 1, 4, 1, 1)) / 2);
    }

    /** Decode batches among 1000 batches when a session decodes all the time and prompts never run out. */
    private static int decodePasses(BatchLimits limits) {
        BatchScheduler<String> scheduler = new BatchScheduler<>(limits);
        int passes = 0;
        int prompts = 0;
        scheduler.addDecode(B, "b");
        for (int batch = 0; batch < 1_000; batch++) {
            while (scheduler.size() < 20) {
                scheduler.addPrefill(new SessionId("p" + prompts++), 12, "p");
            }
            if (scheduler.next().contains("b")) {
                passes++;
                scheduler.addDecode(B, "b");
            }
        }
        return passes;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 5, 8, 13})
    void shouldStarveNeitherDecodesNorPromptsWhateverTheLoad(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int ahead = 1 + random.nextInt(4);
        int inARow = 1 + random.nextInt(3);
        BatchLimits limits = new BatchLimits(
                16, 32 + random.nextInt(100), inARow, 1 + random.nextInt(5), 1 + random.nextInt(16), ahead);
        BatchScheduler<String> scheduler = new BatchScheduler<>(limits);
        int number = 0;
        int prefillsInARow = 0;
        int decodesInARow = 0;
        for (int step = 0; step < 3_000; step++) {
            for (int arrivals = random.nextInt(3); arrivals > 0 && scheduler.decodes() < 16; arrivals--) {
                scheduler.addDecode(new SessionId("d" + number++), "d");
            }
            for (int arrivals = random.nextInt(4); arrivals > 0; arrivals--) {
                scheduler.addPrefill(new SessionId("p" + number++), 1 + random.nextInt(64), "p");
            }
            boolean decodeWaits = scheduler.decodes() > 0;
            boolean promptWaits = scheduler.size() > scheduler.decodes();
            List<String> batch = scheduler.next();
            assertThat(batch.isEmpty()).isEqualTo(!decodeWaits && !promptWaits);
            prefillsInARow = batch.contains("p") && decodeWaits ? prefillsInARow + 1 : 0;
            decodesInARow = batch.contains("d") && promptWaits ? decodesInARow + 1 : 0;
            assertThat(prefillsInARow).as("seed %d step %d", seed, step).isLessThanOrEqualTo(Math.max(ahead, 1));
            assertThat(decodesInARow).as("seed %d step %d", seed, step).isLessThanOrEqualTo(inARow);
        }
    }

    private static BatchScheduler<String> piled(int prompts) {
        BatchScheduler<String> scheduler = new BatchScheduler<>(PILED);
        for (int i = 0; i < prompts; i++) {
            scheduler.addPrefill(new SessionId("p" + i), 12, "p");
        }
        return scheduler;
    }
}

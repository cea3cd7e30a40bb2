package io.sluice.core.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.SessionId;
import io.sluice.core.batching.LinkQueue.Outgoing;
import io.sluice.core.batching.LinkQueue.Piece;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LinkQueueTest {
    private static final SessionId A = new SessionId("a");
    private static final SessionId B = new SessionId("b");

    @Test
    void shouldSendWaitingDecodeStepsTogetherAndFirst() {
        LinkQueue<String> queue = new LinkQueue<>(new LinkLimits(8, 4, 2));
        queue.addPrompt(A, 4, 0, "a");
        queue.addDecode("b");
        queue.addDecode("c");

        Outgoing<String> record = queue.next();
        assertThat(record.decodes()).isTrue();
        assertThat(record.pieces()).extracting(Piece::item).containsExactly("b", "c");
        assertThat(queue.next().pieces()).containsExactly(new Piece<>("a", 0, 4, true));
        assertThat(queue.next()).isNull();
    }

    @Test
    void shouldCutAPromptSoThatADecodeStepWaitsBehindOneRecordAtMost() {
        LinkQueue<String> queue = new LinkQueue<>(new LinkLimits(8, 10, 2));
        queue.addPrompt(A, 25, 0, "a");

        assertThat(queue.next().pieces()).containsExactly(new Piece<>("a", 0, 10, false));
        queue.addDecode("b");
        assertThat(queue.next().decodes()).isTrue();
        assertThat(queue.next().pieces()).containsExactly(new Piece<>("a", 10, 20, false));
        assertThat(queue.next().pieces()).containsExactly(new Piece<>("a", 20, 25, true));
        assertThat(queue.isEmpty()).isTrue();
    }

    @Test
    void shouldLetAPromptRecordGoAfterTheBoundOfDecodeRecords() {
        LinkQueue<String> queue = new LinkQueue<>(new LinkLimits(1, 10, 3));
        queue.addPrompt(A, 10, 0, "a");
        List<String> order = new ArrayList<>();
        for (int step = 0; step < 5; step++) {
            queue.addDecode("b" + step);
            order.add(queue.next().pieces().getFirst().item());
        }

        assertThat(order).containsExactly("b0", "b1", "b2", "a", "b3");
    }

    @Test
    void shouldServeTheLowestRankFirstButFinishWhatItHasBegunInItsTurn() {
        LinkQueue<String> queue = new LinkQueue<>(new LinkLimits(8, 100, 2));
        queue.addPrompt(A, 100, 2, "late");
        queue.addPrompt(B, 50, 1, "soon");

        assertThat(queue.next().pieces().getFirst().item()).isEqualTo("soon");
        assertThat(queue.next().pieces().getFirst().item()).isEqualTo("late");
    }

    @Test
    void shouldForgetAnEndedSession() {
        LinkQueue<String> queue = new LinkQueue<>(new LinkLimits(8, 10, 2));
        queue.addPrompt(A, 25, 0, "a");
        queue.next();
        queue.remove(A);

        assertThat(queue.isEmpty()).isTrue();
        assertThat(queue.promptTokens()).isZero();
    }

    @Test
    void shouldBoundARecordByTimeAndBySize() {
        assertThat(bounded(12.5e6, 1 << 20)).isEqualTo(7);
        assertThat(bounded(1e9, 65_536)).isEqualTo(3);
        assertThat(bounded(1e9, 1 << 20)).isEqualTo(63);
        assertThat(bounded(1000, 65_536)).isEqualTo(1);
        assertThatThrownBy(() -> LinkLimits.bounded(0, 1, 1, 1)).hasMessageContaining("must be positive");
    }

    private static int bounded(double bytesPerSecond, long mostBytes) {
        return LinkLimits.bounded(bytesPerSecond, 16_386, 0.01, mostBytes).promptTokensPerRecord();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void keepsTheOrderOfEverySessionLosesNothingAndStarvesNobody(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        LinkLimits limits = new LinkLimits(1 + random.nextInt(4), 1 + random.nextInt(20), 1 + random.nextInt(3));
        LinkQueue<int[]> queue = new LinkQueue<>(limits);
        Map<Integer, Integer> offered = new HashMap<>();
        Map<Integer, Integer> received = new HashMap<>();
        int decodesInARow = 0;
        for (int step = 0; step < 2000 || !queue.isEmpty(); step++) {
            if (step < 2000 && random.nextInt(3) == 0) {
                int session = random.nextInt(5);
                int first = offered.getOrDefault(session, 0);
                int tokens = 1 + random.nextInt(60);
                offered.put(session, first + tokens);
                queue.addPrompt(new SessionId("s" + session), tokens, session, new int[] {session, first});
            }
            if (step < 2000 && random.nextInt(2) == 0) {
                queue.addDecode(new int[] {-1, 0});
            }
            boolean promptWaits = queue.promptTokens() > 0;
            Outgoing<int[]> record = queue.next();
            if (record == null) {
                continue;
            }
            assertThat(record.tokens())
                    .isLessThanOrEqualTo(record.decodes() ? limits.decodesPerRecord() : limits.promptTokensPerRecord());
            decodesInARow = record.decodes() && promptWaits ? decodesInARow + 1 : 0;
            assertThat(decodesInARow).isLessThanOrEqualTo(limits.decodeRecordsPerPrompt());
            for (Piece<int[]> piece : record.pieces()) {
                int session = piece.item()[0];
                if (session >= 0) {
                    assertThat(piece.item()[1] + piece.from()).isEqualTo(received.getOrDefault(session, 0));
                    received.put(session, piece.item()[1] + piece.end());
                }
            }
        }
        assertThat(received).isEqualTo(offered);
    }
}

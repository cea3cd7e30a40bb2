package io.sluice.worker;

import static io.sluice.worker.LocalCluster.ids;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.WorkerId;
import io.sluice.core.batching.LinkLimits;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.DType;
import io.sluice.records.ServiceClass;
import io.sluice.records.SessionSetup;
import io.sluice.worker.LinkPacer.Departure;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LinkPacerTest {
    private static final WorkerId A = new WorkerId("a");
    private static final WorkerId B = new WorkerId("b");
    private static final int HIDDEN = 8;
    private static final int BYTES_PER_TOKEN = 2 * HIDDEN;
    private static final LinkLimits LIMITS = new LinkLimits(3, 10, 4);

    private final LinkPacer pacer = new LinkPacer(LIMITS, 1e6, 100);

    @Test
    void shouldLetDecodeStepsOvertakePromptRecordsAndTravelTogether() {
        pacer.offer(A, prompt("long", 0, 40, true));
        pacer.offer(A, decode("x", 7));
        pacer.offer(A, decode("y", 9));

        Departure first = pacer.drain();
        assertThat(sessions(first)).containsExactly("x", "y");
        assertThat(first.to()).isEqualTo(A);
        assertThat(pacer.drain().chunks()).singleElement().satisfies(chunk -> assertThat(chunk.getCount())
                .isEqualTo(10));
        pacer.offer(A, decode("z", 3));
        assertThat(sessions(pacer.drain())).containsExactly("z");
    }

    @Test
    void shouldCutPromptsInOrderWithoutLosingAPositionOrLeavingJustOne() {
        pacer.offer(A, prompt("s", 0, 21, false));
        pacer.offer(A, prompt("s", 21, 5, true));

        List<ActivationChunk> sent = drainAll();

        assertThat(sent.stream().map(ActivationChunk::getPosition)).containsExactly(0, 10, 19, 21);
        assertThat(sent.stream().map(ActivationChunk::getCount)).containsExactly(10, 9, 2, 5);
        assertThat(sent.stream().map(ActivationChunk::getLastOfPrompt)).containsExactly(false, false, false, true);
        assertThat(sent.stream().map(chunk -> chunk.getSetup() != null)).containsExactly(true, false, false, false);
        byte[] joined = new byte[26 * BYTES_PER_TOKEN];
        ByteBuffer all = ByteBuffer.wrap(joined);
        sent.forEach(chunk -> all.put(chunk.getPayload().duplicate()));
        for (int i = 0; i < joined.length; i++) {
            assertThat(joined[i]).isEqualTo(payloadByte("s", i));
        }
    }

    @Test
    void shouldKeepToTheBandwidthButNotHoldBackTheFirst() {
        pacer.offer(A, prompt("s", 0, 20, true));
        assertThat(pacer.untilDueNanos(5)).isZero();
        Departure first = pacer.take(5);
        long nanos = Math.round((10 * BYTES_PER_TOKEN + LinkPacer.RECORD_BYTES + 64) * 1e3);

        assertThat(first.chunks()).hasSize(1);
        LinkPacer slow = new LinkPacer(LIMITS, 1e4, 100);
        slow.offer(A, prompt("s", 0, 20, true));
        slow.take(5);
        assertThat(slow.untilDueNanos(5)).isEqualTo(100 * nanos - LinkPacer.AHEAD_NANOS);
        assertThat(slow.take(5)).isNull();
        assertThat(slow.take(5 + 100 * nanos - LinkPacer.AHEAD_NANOS)).isNotNull();
        assertThat(slow.untilDueNanos(0)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void shouldLetAnIdleLinkSaveNoTimeUp() {
        LinkPacer slow = new LinkPacer(LIMITS, 1e4, 1000);
        slow.offer(A, prompt("s", 0, 100, true));
        slow.take(0);
        assertThat(slow.take(1_000_000_000_000L)).isNotNull();
        assertThat(slow.take(1_000_000_000_000L))
                .as("the time it stood still is gone")
                .isNull();
    }

    @Test
    void shouldSendShortPromptsFirstButLetNobodyWaitForEver() {
        LinkPacer wide = new LinkPacer(new LinkLimits(3, 1000, 4), 1e6, 1_000_000);
        wide.offer(A, prompt("long", 0, 1000, false, 2500));
        for (int i = 0; i < 8; i++) {
            wide.offer(A, prompt("short" + i, 0, 10, true));
        }
        List<String> order = new ArrayList<>();
        for (Departure next = wide.drain(); next != null; next = wide.drain()) {
            order.addAll(sessions(next));
        }
        assertThat(order.indexOf("long"))
                .as("2,500 tokens let five later ones pass")
                .isEqualTo(4);
    }

    @Test
    void shouldTakeTurnsBetweenNextWorkers() {
        pacer.offer(A, prompt("s", 0, 20, true));
        pacer.offer(B, prompt("t", 0, 20, true));
        pacer.offer(B, decode("x", 4));

        List<WorkerId> order = new ArrayList<>();
        for (Departure next = pacer.drain(); next != null; next = pacer.drain()) {
            order.add(next.to());
        }
        assertThat(order).containsExactly(B, A, B, A, B);
    }

    @Test
    void shouldLetAPromptGoWhileDecodeStepsNeverEnd() {
        pacer.offer(A, prompt("s", 0, 10, true));
        pacer.offer(B, decode("x", 1));
        List<WorkerId> order = new ArrayList<>();
        for (int step = 2; step < 12; step++) {
            order.add(pacer.drain().to());
            pacer.offer(B, decode("x", step));
        }
        assertThat(order).contains(A);
    }

    @Test
    void shouldForgetThePromptOfASessionThatHasEndedAndTellTheReceiver() {
        pacer.offer(A, prompt("gone", 0, 40, true));
        pacer.offer(A, prompt("stays", 0, 10, true));
        assertThat(pacer.full()).isFalse();
        pacer.offer(A, ChunkWriter.release("gone", 1));

        assertThat(drainAll().stream().map(chunk -> chunk.getSessionId() + " " + chunk.getKind()))
                .containsExactly("gone " + ChunkKind.RELEASE, "stays " + ChunkKind.FORWARD);
    }

    @Test
    void shouldBeFullOfPromptsUntilTheyAreSent() {
        pacer.offer(A, prompt("s", 0, 60, true));
        assertThat(pacer.full()).isFalse();
        pacer.offer(B, prompt("t", 0, 40, true));
        assertThat(pacer.full()).isTrue();
        pacer.drain();
        assertThat(pacer.full()).isFalse();
        drainAll();
        pacer.offer(A, prompt("s", 0, 100, true));
        pacer.offer(A, ChunkWriter.release("s", 1));
        assertThat(pacer.full()).as("what was forgotten makes room").isFalse();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void shouldKeepTheOrderOfEverySessionAndLoseNothing(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Map<String, Integer> offered = new HashMap<>();
        Map<String, Integer> sent = new HashMap<>();
        for (int step = 0; step < 400; step++) {
            String session = "s" + random.nextInt(12);
            WorkerId to = session.hashCode() % 2 == 0 ? A : B;
            int position = offered.getOrDefault(session, 0);
            boolean decodes = position >= 90;
            int count = decodes ? 1 : 30;
            if (!decodes || sent.getOrDefault(session, 0) == position) {
                pacer.offer(
                        to, decodes ? decode(session, position) : prompt(session, position, 30, position == 60, 90));
                offered.put(session, position + count);
            }
            if (random.nextBoolean()) {
                check(pacer.drain(), sent);
            }
        }
        for (Departure next = pacer.drain(); next != null; next = pacer.drain()) {
            check(next, sent);
        }
        assertThat(sent).as("seed %d", seed).isEqualTo(offered);
    }

    @Test
    void shouldCallALinkSlowWhereAPromptRecordTakesLongerThanItMay() {
        assertThat(PacedLinks.pacer(1.25e9, 256, 16_384)).isEmpty();
        assertThat(PacedLinks.pacer(12.5e6, 256, 16_384)).isPresent();
        assertThat(PacedLinks.pacer(12.5e6, 128, 512)).as("a small model").isEmpty();
        LinkPacer slowest = PacedLinks.pacer(1, 128, 512).orElseThrow();
        slowest.offer(A, prompt("s", 0, 4, true));
        assertThat(slowest.drain().chunks().getFirst().getCount())
                .as("never just one position")
                .isEqualTo(2);
    }

    @Test
    void shouldRejectALinkThatCanCarryNothing() {
        assertThatThrownBy(() -> new LinkPacer(LIMITS, 0, 1)).hasMessageContaining("0.0 bytes/s");
        assertThatThrownBy(() -> new LinkPacer(new LinkLimits(1, 2, 1), 1, 1)).hasMessageContaining("3 positions");
    }

    private static void check(Departure next, Map<String, Integer> sent) {
        if (next == null) {
            return;
        }
        for (ActivationChunk chunk : next.chunks()) {
            int before = sent.getOrDefault(chunk.getSessionId(), 0);
            assertThat(chunk.getPosition()).as(chunk.getSessionId()).isEqualTo(before);
            sent.put(chunk.getSessionId(), before + chunk.getCount());
        }
    }

    private List<ActivationChunk> drainAll() {
        List<ActivationChunk> sent = new ArrayList<>();
        for (Departure next = pacer.drain(); next != null; next = pacer.drain()) {
            sent.addAll(next.chunks());
        }
        return sent;
    }

    private static List<String> sessions(Departure record) {
        return record.chunks().stream().map(ActivationChunk::getSessionId).toList();
    }

    static ActivationChunk decode(String session, int position) {
        return chunk(session, position, 1, true, null);
    }

    static ActivationChunk prompt(String session, int position, int count, boolean last) {
        return prompt(session, position, count, last, position + count);
    }

    private static ActivationChunk prompt(String session, int position, int count, boolean last, int promptTokens) {
        SessionSetup setup = position > 0
                ? null
                : new SessionSetup(
                        "m",
                        1L,
                        List.of(),
                        promptTokens,
                        1,
                        promptTokens + 1,
                        0f,
                        0,
                        1f,
                        0L,
                        true,
                        ServiceClass.LATENCY_CRITICAL,
                        "default",
                        1.0,
                        null,
                        List.of());
        return chunk(session, position, count, last, setup);
    }

    private static ActivationChunk chunk(String session, int position, int count, boolean last, SessionSetup setup) {
        ByteBuffer payload = ByteBuffer.allocate(count * BYTES_PER_TOKEN);
        for (int i = 0; i < payload.capacity(); i++) {
            payload.put(i, payloadByte(session, position * BYTES_PER_TOKEN + i));
        }
        return new ActivationChunk(
                session, 1, ChunkKind.FORWARD, position, count, 1, DType.FP16, HIDDEN, payload, last, setup, List.of());
    }

    private static byte payloadByte(String session, int at) {
        return ids(session.hashCode() + at, 1).getFirst().byteValue();
    }
}

package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.WorkerId;
import io.sluice.core.batching.LinkLimits;
import io.sluice.records.ActivationChunk;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class PacedLinksTest {
    private static final WorkerId TO = new WorkerId("next");

    private final List<ActivationChunk> sent = Collections.synchronizedList(new ArrayList<>());
    private final AtomicInteger rooms = new AtomicInteger();
    private final CountDownLatch first = new CountDownLatch(1);
    /** One record an hour. */
    private final PacedLinks links = new PacedLinks(
            new LinkPacer(new LinkLimits(8, 10, 4), 0.1, 30),
            (to, chunks) -> {
                sent.addAll(chunks);
                first.countDown();
            },
            System::nanoTime,
            rooms::incrementAndGet);

    @Test
    void shouldSendAllThatWaitsWhenItIsClosed() throws InterruptedException {
        Thread sender = Thread.ofPlatform().daemon().start(links::run);
        links.offer(TO, List.of(LinkPacerTest.prompt("s", 0, 50, true)));
        assertThat(first.await(30, TimeUnit.SECONDS)).isTrue();
        links.offer(TO, List.of(LinkPacerTest.decode("x", 5)));
        links.close();

        assertThat(sender.join(java.time.Duration.ofSeconds(30))).isTrue();
        assertThat(sent.stream().map(ActivationChunk::getSessionId)).containsExactly("s", "x", "s", "s", "s", "s");
    }

    @Test
    void shouldTellWhenThereIsRoomForPromptsAgain() throws InterruptedException {
        links.offer(TO, List.of(LinkPacerTest.prompt("s", 0, 20, true)));
        assertThat(links.full()).isFalse();
        links.offer(TO, List.of(LinkPacerTest.prompt("t", 0, 20, true)));
        assertThat(links.full()).isTrue();
        assertThat(links.promptTokens()).isEqualTo(40);
        links.close();
        links.run();

        assertThat(links.full()).isFalse();
        assertThat(links.promptTokens()).isZero();
        assertThat(rooms).hasValue(1);
        assertThat(sent).hasSize(4);
    }
}

package io.sluice.launcher.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class RestartableTest {
    private static final Duration PAUSE = Duration.ofMillis(1);
    private static final Duration LONG_PAUSE = Duration.ofHours(1);

    private final AtomicInteger starts = new AtomicInteger();
    private final Part first = new Part();

    private static final class Part implements AutoCloseable {
        private boolean closed;

        @Override
        public void close() {
            closed = true;
        }
    }

    /** Fails so often, then starts. */
    private Part startAfter(int failures) {
        if (starts.incrementAndGet() <= failures) {
            throw new IllegalStateException("what it needs is away");
        }
        return new Part();
    }

    @Test
    void shouldStartAgainWhenItEndsByItself() {
        try (var part = new Restartable<>("part", first, () -> startAfter(0), PAUSE)) {
            part.ended(first);
            assertThat(part.running()).hasValueSatisfying(now -> assertThat(now).isNotSameAs(first));
        }
    }

    @Test
    void shouldTryAgainUntilAStartSucceeds() {
        try (var part = new Restartable<>("part", first, () -> startAfter(5), PAUSE)) {
            part.ended(first);
            assertThat(part.running()).isPresent();
            assertThat(starts).hasValue(6);
        }
    }

    @Test
    void shouldTryAgainWhenSomebodyElseStartsIt() {
        try (var part = new Restartable<>("part", first, () -> startAfter(2), PAUSE)) {
            part.stop();
            assertThat(first.closed).isTrue();
            part.start();
            assertThat(part.running()).isPresent();
        }
    }

    @Test
    void shouldStayAwayWhileItIsHeld() {
        try (var part = new Restartable<>("part", first, () -> startAfter(0), PAUSE)) {
            part.hold();
            part.ended(first);
            assertThat(part.running()).isEmpty();
            assertThat(starts).hasValue(0);
        }
    }

    @Test
    void shouldGiveUpStartingWhenItIsClosed() throws InterruptedException {
        var part = new Restartable<>("part", first, () -> startAfter(Integer.MAX_VALUE), LONG_PAUSE);
        Thread ending = Thread.ofPlatform().daemon().start(() -> part.ended(first));
        await().until(() -> starts.get() == 1);
        part.close();
        ending.join(Duration.ofSeconds(30));
        assertThat(ending.isAlive()).isFalse();
        assertThat(starts).hasValue(1);
        assertThatThrownBy(part::start).hasMessage("part is closed");
    }

    @Test
    void shouldTakeNoNoticeOfTheEndOfAFormerOne() {
        try (var part = new Restartable<>("part", first, () -> startAfter(0), PAUSE)) {
            part.ended(new Part());
            assertThat(part.current()).isSameAs(first);
        }
    }
}

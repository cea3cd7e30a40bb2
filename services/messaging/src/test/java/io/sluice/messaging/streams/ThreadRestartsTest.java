package io.sluice.messaging.streams;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.schemas.RegistryUnavailableException;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.errors.SerializationException;
import org.junit.jupiter.api.Test;

class ThreadRestartsTest {
    private static final long WINDOW_NANOS = ThreadRestarts.WINDOW.toNanos();
    private final ThreadRestarts restarts = new ThreadRestarts();

    @Test
    void shouldTakeAbsentBrokersAndRegistriesForWhatTimeHeals() {
        assertThat(ThreadRestarts.heals(new IllegalStateException(new DisconnectException("gone"))))
                .isTrue();
        assertThat(ThreadRestarts.heals(new RegistryUnavailableException("no registry", null)))
                .isTrue();
        assertThat(ThreadRestarts.heals(new IllegalStateException(new SerializationException("bad"))))
                .isFalse();
    }

    @Test
    void shouldGiveUpWhenFailuresRepeatWithinTheWindow() {
        for (int i = 0; i < ThreadRestarts.FAILURES_MAX; i++) {
            assertThat(restarts.again(i)).isTrue();
        }
        assertThat(restarts.again(WINDOW_NANOS)).isFalse();
        assertThat(restarts.count()).isEqualTo(ThreadRestarts.FAILURES_MAX + 1);
    }

    @Test
    void shouldForgetFailuresOlderThanTheWindow() {
        for (int i = 0; i < ThreadRestarts.FAILURES_MAX; i++) {
            restarts.again(Long.MAX_VALUE - 1 + i);
        }
        assertThat(restarts.again(Long.MAX_VALUE + WINDOW_NANOS)).isTrue();
        assertThat(restarts.count()).isEqualTo(ThreadRestarts.FAILURES_MAX);
    }
}

package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.WorkerId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class ActivationTopicsTest {
    private static final WorkerId A = new WorkerId("a");
    private static final Set<String> HAS_A = Set.of("sluice.activations.a.v1");

    private final Deque<CompletableFuture<Set<String>>> asked = new ArrayDeque<>();
    private long nanos;
    private final ActivationTopics topics = new ActivationTopics(
            () -> {
                asked.add(new CompletableFuture<>());
                return asked.getLast();
            },
            () -> nanos);

    private boolean after(Duration time) {
        nanos += time.toNanos();
        return topics.test(A);
    }

    @Test
    void shouldAskOnceAtATimeAndSoonAgainForAnUnknownWorker() {
        assertThat(after(Duration.ofMillis(1))).isFalse();
        assertThat(after(Duration.ofSeconds(1))).isFalse();
        assertThat(asked).as("the first answer is still under way").hasSize(1);
        asked.remove().complete(Set.of());
        assertThat(after(Duration.ofMillis(100))).isFalse();
        assertThat(asked).isEmpty();
        assertThat(after(Duration.ofMillis(150))).isFalse();
        asked.remove().complete(HAS_A);
        assertThat(after(Duration.ofMillis(1))).isTrue();
        assertThat(after(Duration.ofSeconds(4))).isTrue();
        assertThat(asked).as("a known worker is looked up rarely").isEmpty();
    }

    @Test
    void shouldKeepTheLastListWhenTheBrokerDoesNotAnswerAndNoticeADeletedTopic() {
        after(Duration.ofMillis(1));
        asked.remove().complete(HAS_A);
        assertThat(after(Duration.ofSeconds(6))).isTrue();
        asked.remove().completeExceptionally(new IllegalStateException("no broker"));
        assertThat(after(Duration.ofSeconds(6))).isTrue();
        asked.remove().complete(Set.of());
        assertThat(after(Duration.ofMillis(1))).isFalse();
    }
}

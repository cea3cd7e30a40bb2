package io.sluice.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.WorkerId;
import io.sluice.records.Token;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TopicsTest {
    @Test
    void shouldNameEveryTopicOnce() {
        assertThat(Topics.all())
                .extracting(TopicSpec::name)
                .containsExactly(
                        "sluice.inference.requests.v1",
                        "sluice.inference.tokens.v1",
                        "sluice.inference.completions.v1",
                        "sluice.inference.errors.v1",
                        "sluice.routing.sessions.v1",
                        "sluice.routing.reports.v1",
                        "sluice.cluster.workers.v1",
                        "sluice.cluster.heartbeats.v1",
                        "sluice.cluster.commands.v1",
                        "sluice.telemetry.gpu.v1",
                        "sluice.telemetry.link.v1",
                        "sluice.planning.placements.v1",
                        "sluice.planning.allocations.v1",
                        "sluice.planning.limits.v1",
                        "sluice.besteffort.jobs.v1",
                        "sluice.besteffort.progress.v1");
        assertThat(Topics.all()).extracting(TopicSpec::type).doesNotHaveDuplicates();
    }

    @Test
    void shouldGiveTopicsThatJoinOnePartitionCount() {
        assertThat(Stream.of(
                        Topics.REQUESTS,
                        Topics.TOKENS,
                        Topics.COMPLETIONS,
                        Topics.ERRORS,
                        Topics.SESSIONS,
                        Topics.REPORTS))
                .allSatisfy(topic -> assertThat(topic.partitions()).isEqualTo(Topics.REQUEST_PARTITIONS));
    }

    @Test
    void shouldKeepControlTopicsInOneOrderAndForEver() {
        assertThat(Topics.all().stream().filter(TopicSpec::global))
                .containsExactlyElementsOf(List.of(
                        Topics.WORKERS, Topics.WORKER_COMMANDS, Topics.PLACEMENTS, Topics.ALLOCATIONS, Topics.LIMITS))
                .allSatisfy(topic -> {
                    assertThat(topic.partitions()).isEqualTo(1);
                    assertThat(topic.cleanup()).isEqualTo(Cleanup.COMPACT);
                });
    }

    @Test
    void shouldGiveEachTopicItsSubjectAndAllActivationTopicsOne() {
        assertThat(Topics.TOKENS.subject()).isEqualTo("sluice.inference.tokens.v1-value");
        TopicSpec<?> first = Topics.activations(new WorkerId("w1"));
        TopicSpec<?> second = Topics.activations(new WorkerId("w2"));
        assertThat(first.name()).isEqualTo("sluice.activations.w1.v1");
        assertThat(first.subject()).isEqualTo("sluice.activations.v1-value").isEqualTo(second.subject());
        assertThat(first.partitions()).isEqualTo(1);
        assertThat(first.retention()).isEqualTo(Duration.ofMinutes(10));
    }

    @Test
    void shouldRefuseNonsense() {
        assertThatThrownBy(() -> Topics.TOKENS.withPartitions(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("partitions 0");
        assertThatThrownBy(
                        () -> new TopicSpec<>("t", Token.class, "k", 1, Cleanup.DELETE, Duration.ofSeconds(-1), false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("retention PT-1S");
    }
}

package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

final class PromptChunksTest {
    @Test
    void shouldNeverLeaveAChunkOfOneBehindAnother() {
        for (int chunk = PromptChunks.MIN_CHUNK; chunk < 20; chunk++) {
            for (int tokens = 1; tokens < 100; tokens++) {
                List<Integer> sizes = PromptChunks.split(tokens, chunk);
                assertThat(sizes.stream().mapToInt(Integer::intValue).sum()).isEqualTo(tokens);
                int most = chunk;
                assertThat(sizes).allMatch(size -> size <= most);
                assertThat(sizes.size() > 1 && sizes.contains(1)).isFalse();
                assertThat(sizes).hasSize((tokens + chunk - 1) / chunk);
            }
        }
    }

    @Test
    void shouldRefuseChunksTooSmallToAvoidOne() {
        assertThatThrownBy(() -> PromptChunks.split(5, 2)).hasMessageContaining("chunks of 2");
        assertThatThrownBy(() -> PromptChunks.split(0, 8)).hasMessageContaining("prompt of 0");
    }
}

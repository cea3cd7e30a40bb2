package io.sluice.core.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.batching.PrefillChunking.Hop;
import io.sluice.core.cluster.Curve;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

final class PrefillChunkingTest {
    /** 70 microseconds per token and layer, at least 7 ms: an L4 with LLaMA-2 70B, roughly. */
    private static final Hop SLOW = new Hop(4, Curve.line(0, 7e-5), 0.007, 0);

    @Test
    void shouldNotGoBelowTheSizeAtWhichAChunkCostsAPassOverTheWeights() {
        int chunk = PrefillChunking.chunkTokens(Collections.nCopies(16, SLOW), 763, 0.06, 512);

        assertThat(chunk).isBetween(96, 192);
    }

    @Test
    void shouldTakeLargeChunksWhereThereIsNothingToOverlap() {
        assertThat(PrefillChunking.chunkTokens(List.of(SLOW), 763, 10, 1024)).isGreaterThanOrEqualTo(763);
    }

    @Test
    void shouldKeepToTheLongestTimeADecodeStepMayWait() {
        int chunk = PrefillChunking.chunkTokens(List.of(SLOW), 763, 0.04, 1024);

        assertThat(SLOW.computeSeconds(chunk)).isLessThanOrEqualTo(0.04);
        assertThat(SLOW.computeSeconds(chunk + PrefillChunking.STEP_TOKENS)).isGreaterThan(0.04);
    }

    @Test
    void shouldStillGiveAChunkWhereEvenTheSmallestTakesLonger() {
        int chunk = PrefillChunking.chunkTokens(List.of(SLOW), 763, 0.001, 1024);

        assertThat(chunk).isBetween(PrefillChunking.STEP_TOKENS, 112);
        assertThat(SLOW.computeSeconds(chunk))
                .isEqualTo(SLOW.computeSeconds(1), org.assertj.core.data.Offset.offset(1e-3));
    }

    @Test
    void shouldCountTheLinkAsAStage() {
        Hop slowLink = new Hop(1, Curve.line(0, 1e-6), 0, 1e-3);

        assertThat(PrefillChunking.promptSeconds(List.of(slowLink, slowLink), 1000, 100))
                .isCloseTo(0.1 + 0.1 + 9 * 0.1, org.assertj.core.data.Offset.offset(0.001));
        assertThat(PrefillChunking.promptSeconds(List.of(slowLink, slowLink), 1000, 1000))
                .isGreaterThan(1.9);
    }

    @Test
    void shouldRejectNonsense() {
        assertThatThrownBy(() -> PrefillChunking.chunkTokens(List.of(), 1, 1, 1))
                .hasMessageContaining("0 hops");
        assertThatThrownBy(() -> new Hop(0, Curve.line(0, 1), 0, 0)).hasMessageContaining("at least one layer");
    }
}

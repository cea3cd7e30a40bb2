package io.sluice.simulator.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.batching.SchedulingBounds;
import org.junit.jupiter.api.Test;

final class SluiceSettingsTest {
    @Test
    void shouldBoundStagesAndLinksAsLiveWorkersDo() {
        SluiceSettings simulated = SluiceSettings.DEFAULT;
        assertThat(new SchedulingBounds(
                        simulated.mostChunkSeconds(),
                        simulated.mostChunkTokens(),
                        simulated.mostRecordSeconds(),
                        simulated.overtakingPerToken(),
                        simulated.decodeBatchesPerPrefill()))
                .isEqualTo(SchedulingBounds.DEFAULT);
    }
}

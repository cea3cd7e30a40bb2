package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.core.batching.PrefillChunking;
import io.sluice.core.batching.SchedulingBounds;
import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.Workload;
import io.sluice.worker.device.DeviceSpec;
import io.sluice.worker.device.EmulatedDevice;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

final class PromptChunkingTest {
    private static final int USUAL = (int) Math.ceil(Workload.AZURE_CONVERSATION.meanPromptTokens());

    @Test
    void shouldKeepToWhatWasConfiguredOnAnyDevice() {
        assertThat(of(OptionalInt.of(48), "emulated:t4").tokens(6)).isEqualTo(48);
        assertThat(of(OptionalInt.of(48), "cpu").tokens(6)).isEqualTo(48);
    }

    @Test
    void shouldKeepTheDefaultWhereLayerTimesAreNotKnown() {
        PromptChunking cpu = of(OptionalInt.empty(), "cpu");

        assertThat(cpu.byRule()).isFalse();
        assertThat(cpu.tokens(3)).isEqualTo(WorkerConfig.DEFAULT_PREFILL_CHUNK);
        assertThat(cpu.mostTokens()).isEqualTo(WorkerConfig.DEFAULT_PREFILL_CHUNK);
    }

    @Test
    void shouldHoldAnEmulatedDeviceNoLongerThanTheSimulatedPolicyDoes() {
        EmulatedDevice t4 = (EmulatedDevice) DeviceSpec.parse("emulated:t4").open();
        PromptChunking chunks = PromptChunking.of(OptionalInt.empty(), t4);

        // The table says 18 ms a layer for 250 prompt tokens: 80 ms hold 184 tokens of six layers.
        assertThat(chunks.tokens(6)).isEqualTo(128);
        assertThat(chunks.tokens(1)).isEqualTo(256);
        assertThat(chunks.tokens(0)).as("a spare").isEqualTo(256);
        t4.setSpeed(0.25);
        assertThat(chunks.tokens(6))
                .as("one pass over the weights alone takes longer: the most that takes no more")
                .isEqualTo(96);
        assertThat(chunks.mostTokens()).isEqualTo(256);
    }

    @Test
    void shouldSendShorterChunksWhereTheLinkIsWhatTakesTime() {
        EmulatedDevice a100 = (EmulatedDevice) DeviceSpec.parse("emulated:a100").open();
        int near = PromptChunking.of(OptionalInt.empty(), a100, 0).tokens(1);
        int far = PromptChunking.of(OptionalInt.empty(), a100, 5e-3).tokens(1);

        assertThat(far).isLessThan(near);
    }

    @Test
    void shouldChooseWhatTheRuleOfTheCoreChooses() {
        for (String profile : List.of("t4", "l4", "a100", "v100", "t4x4")) {
            for (int layers = 1; layers <= 40; layers++) {
                EmulatedDevice device =
                        (EmulatedDevice) DeviceSpec.parse("emulated:" + profile).open();
                Curve prompt = device.profile().promptSeconds(1);
                double pass = device.profile().decodeMillis(2) / 1e3;
                assertThat(PromptChunking.of(OptionalInt.empty(), device).tokens(layers))
                        .as("%s with %d layers", profile, layers)
                        .isEqualTo(PrefillChunking.chunkTokens(
                                List.of(new PrefillChunking.Hop(layers, prompt, pass, 0)),
                                USUAL,
                                SchedulingBounds.DEFAULT.mostChunkSeconds(),
                                SchedulingBounds.DEFAULT.mostChunkTokens()));
            }
        }
    }

    private static PromptChunking of(OptionalInt configured, String device) {
        return PromptChunking.of(configured, DeviceSpec.parse(device).open());
    }
}

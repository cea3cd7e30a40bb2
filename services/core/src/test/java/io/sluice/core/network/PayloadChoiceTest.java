package io.sluice.core.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.core.network.PayloadChoice.Payload;
import io.sluice.core.network.PayloadChoice.Seen;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

final class PayloadChoiceTest {
    private final PayloadChoice choice = new PayloadChoice();

    private static Seen seen(
            double bandwidth, double stepBytes, double computeMillis, double latencyMillis, double sent) {
        OptionalDouble measured = bandwidth == 0 ? OptionalDouble.empty() : OptionalDouble.of(bandwidth);
        return new Seen(measured, stepBytes, computeMillis / 1e3, latencyMillis / 1e3, sent);
    }

    private Payload after(int looks, Seen seen) {
        for (int i = 0; i < looks; i++) {
            choice.look(seen);
        }
        return choice.payload();
    }

    @Test
    void shouldSendFp16AsLongAsNothingIsMeasured() {
        assertThat(after(100, seen(0, 1e6, 1, 0, 1e9))).isEqualTo(Payload.FP16);
    }

    @Test
    void shouldSendInt8WhereFp16TakesANotablePartOfAStep() {
        // 16 KiB at 1.25 MB/s: 13 ms of a step of 33.
        Seen slow = seen(1.25e6, 16_384, 10, 10, 1e5);
        assertThat(after(PayloadChoice.AGREEING - 1, slow)).isEqualTo(Payload.FP16);
        assertThat(after(1, slow)).isEqualTo(Payload.INT8);
        assertThat(choice.reason()).contains("fp16 takes 39.6 % of a step").contains("1.25 MB/s");
    }

    @Test
    void shouldNotGiveUpPrecisionWhereLatencyIsWhatTakesTime() {
        // 0.4 KB at 6 MB/s: 0.06 ms beside 0.3 ms of computing, but of a step of 40 ms.
        assertThat(after(100, seen(6e6, 384, 0.3, 40, 1e4))).isEqualTo(Payload.FP16);
        assertThat(after(100, seen(6e6, 384, 0.3, 0, 1e4))).isEqualTo(Payload.INT8);
    }

    @Test
    void shouldSendInt8WhereTheLinkIsBusyThoughAStepIsShort() {
        assertThat(after(100, seen(10e6, 1_000, 1, 50, 4e6))).isEqualTo(Payload.FP16);
        assertThat(after(100, seen(10e6, 1_000, 1, 50, 6e6))).isEqualTo(Payload.INT8);
    }

    @Test
    void shouldNotGoToAndFroBetweenTheThresholds() {
        assertThat(after(9, seen(1e6, 2_000, 10, 0, 0))).isEqualTo(Payload.INT8);
        assertThat(after(100, seen(1e6, 700, 10, 0, 0))).isEqualTo(Payload.INT8);
        assertThat(after(100, seen(1e6, 400, 10, 0, 0))).isEqualTo(Payload.FP16);
        assertThat(after(100, seen(1e6, 700, 10, 0, 0))).isEqualTo(Payload.FP16);
    }

    @Test
    void shouldNotFollowASingleLook() {
        Seen slow = seen(1e6, 5_000, 1, 0, 0);
        Seen fast = seen(1e9, 5_000, 1, 0, 0);
        for (int i = 0; i < 50; i++) {
            after(PayloadChoice.AGREEING - 1, slow);
            assertThat(after(1, fast)).isEqualTo(Payload.FP16);
        }
    }

    @Test
    void shouldKeepItsChoiceWhileNothingIsSentAndDropItWhenTheBandwidthIsForgotten() {
        assertThat(after(9, seen(1e6, 5_000, 1, 0, 0))).isEqualTo(Payload.INT8);
        assertThat(after(100, seen(1e6, 0, 0, 0, 0))).isEqualTo(Payload.INT8);
        assertThat(after(100, seen(0, 0, 0, 0, 0))).isEqualTo(Payload.FP16);
    }

    @Test
    void shouldRefuseNonsense() {
        assertThatThrownBy(() -> seen(-1, 1, 1, 1, 1)).hasMessageContaining("positive");
        assertThatThrownBy(() -> seen(1, -1, 1, 1, 1)).hasMessageContaining("negative");
    }
}

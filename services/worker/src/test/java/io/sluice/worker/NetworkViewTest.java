package io.sluice.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.sluice.core.WorkerId;
import io.sluice.records.LinkTelemetry;
import io.sluice.records.TransferSample;
import io.sluice.runtime.ActivationDtype;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

final class NetworkViewTest {
    private static final WorkerId A = new WorkerId("a");
    private static final WorkerId B = new WorkerId("b");
    private static final long B_AHEAD_MICROS = 5_000_000;

    private final NetworkView view = new NetworkView(A, OptionalDouble.empty());

    /** Transfers of a small and a large size over a link of 20 ms and 2 MB/s. */
    private static LinkTelemetry report(String from, String to, long offsetMicros) {
        List<TransferSample> samples = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            long bytes = i % 2 == 0 ? 500 : 50_000;
            samples.add(new TransferSample(bytes, 20_000 + bytes / 2 + offsetMicros + 37L * i));
        }
        return new LinkTelemetry(from, to, "m", 0L, 500L, 20L, 20L * 500, samples);
    }

    @Test
    void shouldKnowBandwidthLatencyAndClockOnceBothDirectionsWereReported() {
        view.reported(report("a", "b", B_AHEAD_MICROS), 0);
        assertThat(view.bytesPerSecond(B, 10).orElseThrow()).isCloseTo(2e6, withinPercentage(1));
        assertThat(view.latencySeconds(B, 10)).isZero();
        assertThat(view.offsetsMicros(10)).isEmpty();

        view.reported(report("b", "a", -B_AHEAD_MICROS), 10);
        assertThat(view.offsetsMicros(20).get("b")).isCloseTo(-B_AHEAD_MICROS, within(100L));
        assertThat(view.latencySeconds(B, 20)).isCloseTo(0.0203, within(0.0002));
    }

    @Test
    void shouldNotMeasureLinksOfOthers() {
        view.reported(report("c", "b", 0), 0);
        view.reported(report("b", "c", 0), 0);
        assertThat(view.bytesPerSecond(B, 10)).isEmpty();
        assertThat(view.offsetsMicros(10)).isEmpty();
    }

    @Test
    void shouldTakeWhatIsDeclaredUntilSomethingIsMeasured() {
        NetworkView declared = new NetworkView(A, OptionalDouble.of(1.25e6));
        assertThat(declared.bytesPerSecond(B, 0)).hasValue(1.25e6);
        declared.reported(report("a", "b", 0), 0);
        assertThat(declared.bytesPerSecond(B, 10).orElseThrow()).isCloseTo(2e6, withinPercentage(1));
    }

    @Test
    void shouldCorrectTransfersOnceTheOffsetIsKnown() {
        LinkStats links = new LinkStats();
        assertThat(links.received("b", 10, 25_000 - B_AHEAD_MICROS)).isEqualTo(25_000 - B_AHEAD_MICROS);
        view.reported(report("a", "b", B_AHEAD_MICROS), 0);
        view.reported(report("b", "a", -B_AHEAD_MICROS), 0);
        links.setOffsets(view.offsetsMicros(10));
        assertThat(links.received("b", 10, 25_000 - B_AHEAD_MICROS)).isCloseTo(25_000, within(100L));
        assertThat(links.received("router", 10, -3)).isEqualTo(-3);
        assertThat(links.take().get("b").samples())
                .extracting(TransferSample::getTransferUs)
                .allMatch(micros -> micros < 0);
    }

    @Test
    void shouldSendInt8OnceTheLinkIsMeasuredAsSlow() {
        LinkPayloads payloads = new LinkPayloads(A, 8_192);
        assertThat(payloads.to(B, 1)).isEqualTo(ActivationDtype.FP16);
        look(payloads, 5);
        assertThat(payloads.to(B, 1)).isEqualTo(ActivationDtype.FP16);

        view.reported(report("a", "b", 0), 0);
        look(payloads, 5);
        assertThat(payloads.to(B, 1)).isEqualTo(ActivationDtype.INT8_BLOCK);
        assertThat(payloads.to(new WorkerId("c"), 1)).isEqualTo(ActivationDtype.FP16);
    }

    /** A step of 16 KiB takes 8 ms on the link and 5 ms of computing. */
    private void look(LinkPayloads payloads, int times) {
        for (int i = 0; i < times; i++) {
            for (int step = 0; step < 10; step++) {
                payloads.to(B, 1);
            }
            payloads.look(view, 10, 0.05, 1, 100);
        }
    }
}

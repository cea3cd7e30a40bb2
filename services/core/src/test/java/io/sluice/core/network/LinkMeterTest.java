package io.sluice.core.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class LinkMeterTest {
    private final LinkMeter meter = new LinkMeter();
    private final SplittableRandom random = new SplittableRandom(4);

    private void send(int records, long bytes, double bytesPerSecond, long offsetMicros, long noiseMicros) {
        for (int i = 0; i < records; i++) {
            long disturbed = random.nextInt(3) == 0 ? (long) (noiseMicros * random.nextDouble()) : 0;
            meter.saw(bytes, offsetMicros + (long) (bytes / bytesPerSecond * 1e6) + disturbed, i);
        }
    }

    @Test
    void shouldMeasureTheSlopeWhateverClocksAndNoise() {
        send(100, 600, 5e6, -4_000_000_000L, 300_000);
        send(30, 60_000, 5e6, -4_000_000_000L, 300_000);
        send(2, 900_000, 1e6, -4_000_000_000L, 300_000);
        assertThat(meter.bytesPerSecond(100).orElseThrow()).isCloseTo(5e6, withinPercentage(1));
    }

    @Test
    void shouldSayNothingOfOneSizeOrOfAFastLink() {
        assertThat(meter.bytesPerSecond(0)).isEmpty();
        send(100, 600, 5e6, 0, 0);
        assertThat(meter.bytesPerSecond(100)).isEmpty();
        send(100, 60_000, 1e9, 0, 0);
        assertThat(meter.bytesPerSecond(100)).isEmpty();
    }

    @Test
    void shouldForgetALinkThatHasBecomeFaster() {
        send(50, 600, 1e6, 0, 0);
        send(50, 60_000, 1e6, 0, 0);
        assertThat(meter.bytesPerSecond(50).orElseThrow()).isCloseTo(1e6, withinPercentage(1));
        assertThat(meter.bytesPerSecond(2 * LinkMeter.WINDOW_MILLIS)).isEmpty();
    }
}

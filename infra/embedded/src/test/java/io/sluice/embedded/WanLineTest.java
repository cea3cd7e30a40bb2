package io.sluice.embedded;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

final class WanLineTest {
    private static final long START = 7_000_000_000L;

    private static long millis(long value) {
        return value * 1_000_000;
    }

    @Test
    void shouldDelayByAQuarterOfTheRoundTrip() {
        WanLine line = new WanLine(WanShape.of(80, 0), 1, START);
        assertThat(line.arrivalNanos(1_000_000, START + 5, START)).isEqualTo(START + 5 + millis(20));
    }

    @Test
    void shouldSendOneAfterTheOtherAtItsRate() {
        // 100 Mbit/s: 12,500 bytes take 1 ms.
        WanLine line = new WanLine(WanShape.of(80, 100), 1, START);
        assertThat(line.arrivalNanos(12_500, START, START)).isEqualTo(START + millis(21));
        assertThat(line.arrivalNanos(12_500, START, START)).isEqualTo(START + millis(22));
        assertThat(line.arrivalNanos(12_500, START + millis(10), START)).isEqualTo(START + millis(31));
        assertThat(line.bytes()).isEqualTo(37_500);
    }

    @Test
    void shouldNeverArriveBeforeWhatWentBeforeOnTheSameConnection() {
        WanLine line = new WanLine(new WanShape(millis(80), 0, millis(30), 0.05), 9, START);
        long last = START;
        for (int i = 0; i < 2_000; i++) {
            long arrival = line.arrivalNanos(100, START + millis(i), last);
            assertThat(arrival).isGreaterThanOrEqualTo(last);
            last = arrival;
        }
    }

    @Test
    void shouldDrawJitterEvenlyAndLossesAtTheirRate() {
        WanShape shape = new WanShape(millis(80), 0, millis(10), 0.02);
        WanLine line = new WanLine(shape, 5, START);
        long[] late = LongStream.range(0, 20_000)
                .map(i -> line.arrivalNanos(WanShape.PACKET_BYTES, START + i, START) - START - i - millis(20))
                .toArray();
        long lost = Arrays.stream(late).filter(l -> l >= shape.recoveryNanos()).count();
        assertThat(line.losses()).isEqualTo(lost);
        assertThat(lost / 20_000.0).isCloseTo(0.02, within(0.004));
        double mean = Arrays.stream(late)
                .filter(l -> l < shape.recoveryNanos())
                .average()
                .orElseThrow();
        assertThat(mean / 1e6).isCloseTo(5, within(0.2));
        assertThat(Arrays.stream(late).min().orElseThrow()).isGreaterThanOrEqualTo(0);
    }

    @Test
    void shouldGiveTheSameTimesForTheSameSeed() {
        WanShape shape = WanShape.parse("40ms,10mbit,jitter=7ms,loss=1%");
        WanLine one = new WanLine(shape, 42, START);
        WanLine two = new WanLine(shape, 42, START);
        for (int i = 0; i < 500; i++) {
            assertThat(one.arrivalNanos(i * 13, START + millis(i), START))
                    .isEqualTo(two.arrivalNanos(i * 13, START + millis(i), START));
        }
    }

    @Test
    void shouldTakeAnotherShapeAndLetNothingOvertake() {
        WanLine line = new WanLine(WanShape.of(80, 0), 1, START);
        long first = line.arrivalNanos(10, START, START);
        line.reshape(WanShape.of(4, 0));
        assertThat(line.arrivalNanos(10, START + 1, first)).isEqualTo(first);
        assertThat(line.arrivalNanos(10, START + millis(50), first)).isEqualTo(START + millis(51));
    }

    @Test
    void shouldHoldWhatIsOnTheWayAndAQueueOfAQuarterMebibyte() {
        assertThat(new WanLine(WanShape.of(80, 100), 1, 0).windowBytes()).isEqualTo((256 << 10) + 250_000);
        assertThat(new WanLine(WanShape.of(100, 1000), 1, 0).windowBytes()).isEqualTo((256 << 10) + 3_125_000);
        assertThat(new WanLine(WanShape.of(80, 0), 1, 0).windowBytes()).isEqualTo(16 << 20);
    }
}

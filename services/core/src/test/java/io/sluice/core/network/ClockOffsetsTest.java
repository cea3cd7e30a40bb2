package io.sluice.core.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class ClockOffsetsTest {
    private final ClockOffsets offsets = new ClockOffsets();
    private final SplittableRandom random = new SplittableRandom(11);

    /** Sends records over links of the given latency (us) between clocks that are ahead by so much, with jitter. */
    private void send(String from, long fromAhead, String to, long toAhead, long latency, long jitter, long nowMillis) {
        for (int i = 0; i < 200; i++) {
            long sent = fromAhead;
            long received = latency + (jitter == 0 ? 0 : (long) (jitter * Math.abs(random.nextGaussian()))) + toAhead;
            offsets.saw(from, to, received - sent, nowMillis + i);
        }
    }

    @Test
    void shouldFindTheOffsetOfTwoSkewedClocksDespiteJitter() {
        send("a", 0, "b", 3_600_000_000L, 20_000, 5_000, 0);
        send("b", 3_600_000_000L, "a", 0, 20_000, 5_000, 0);
        assertThat(offsets.offsetMicros("a", "b", 200).orElseThrow()).isCloseTo(3_600_000_000.0, within(200.0));
        assertThat(offsets.offsetMicros("b", "a", 200).orElseThrow()).isCloseTo(-3_600_000_000.0, within(200.0));
        assertThat(offsets.latencyMicros("a", "b", 200).orElseThrow()).isCloseTo(20_000, within(200.0));
    }

    @Test
    void shouldBeWrongByHalfTheAsymmetryAndNoMore() {
        send("a", 0, "b", 1_000, 30_000, 0, 0);
        send("b", 1_000, "a", 0, 10_000, 0, 0);
        assertThat(offsets.offsetMicros("a", "b", 200).orElseThrow()).isCloseTo(1_000 + 10_000, within(1e-6));
        assertThat(offsets.latencyMicros("a", "b", 200).orElseThrow()
                        + offsets.latencyMicros("b", "a", 200).orElseThrow())
                .isCloseTo(40_000, within(1e-6));
    }

    @Test
    void shouldKnowNothingUntilBothDirectionsWereSeen() {
        send("a", 0, "b", 500, 100, 0, 0);
        assertThat(offsets.offsetMicros("a", "b", 200)).isEmpty();
        assertThat(offsets.latencyMicros("a", "b", 200)).isEmpty();
        send("router", 0, "a", 0, 100, 0, 0);
        assertThat(offsets.offsetMicros("router", "a", 200)).isEmpty();
        assertThat(offsets.offsetMicros("a", "a", 200)).hasValue(0);
    }

    @Test
    void shouldShareTheLatencyOfARingEvenly() {
        long[] ahead = {0, 7_000_000, -2_000_000};
        for (int i = 0; i < 3; i++) {
            int next = (i + 1) % 3;
            send("w" + i, ahead[i], "w" + next, ahead[next], 50_000, 2_000, 0);
        }
        for (int i = 0; i < 3; i++) {
            int next = (i + 1) % 3;
            assertThat(offsets.offsetMicros("w" + i, "w" + next, 200).orElseThrow())
                    .isCloseTo(ahead[next] - ahead[i], within(300.0));
            assertThat(offsets.latencyMicros("w" + i, "w" + next, 200).orElseThrow())
                    .isCloseTo(50_000, within(300.0));
        }
    }

    @Test
    void shouldKeepTheSumRoundAnUnevenRing() {
        long[] latency = {10_000, 40_000, 70_000};
        for (int i = 0; i < 3; i++) {
            send("w" + i, 0, "w" + (i + 1) % 3, 0, latency[i], 0, 0);
        }
        double sum = 0;
        for (int i = 0; i < 3; i++) {
            double each = offsets.latencyMicros("w" + i, "w" + (i + 1) % 3, 200).orElseThrow();
            assertThat(each).isCloseTo(40_000, within(1e-6));
            sum += each;
        }
        assertThat(sum).isCloseTo(120_000, within(1e-6));
    }

    @Test
    void shouldFollowADriftingClockAndOneThatWasSet() {
        for (long now = 0; now < 120_000; now += 1_000) {
            long ahead = now / 10; // 100 ppm, microseconds
            send("a", 0, "b", ahead, 5_000, 0, now);
            send("b", ahead, "a", 0, 5_000, 0, now);
        }
        assertThat(offsets.offsetMicros("a", "b", 119_200).orElseThrow()).isCloseTo(11_900, within(2_000.0));
        send("a", 0, "b", -9_000_000, 5_000, 0, 120_000);
        send("b", -9_000_000, "a", 0, 5_000, 0, 120_000);
        long later = 120_000 + ClockOffsets.WINDOW_MILLIS;
        send("a", 0, "b", -9_000_000, 5_000, 0, later);
        send("b", -9_000_000, "a", 0, 5_000, 0, later);
        assertThat(offsets.offsetMicros("a", "b", later + 200).orElseThrow()).isCloseTo(-9_000_000, within(1.0));
    }

    @Test
    void shouldForgetWhatIsOld() {
        send("a", 0, "b", 0, 100, 0, 0);
        send("b", 0, "a", 0, 100, 0, 0);
        assertThat(offsets.offsetMicros("a", "b", ClockOffsets.WINDOW_MILLIS / 2))
                .isPresent();
        assertThat(offsets.offsetMicros("a", "b", 2 * ClockOffsets.WINDOW_MILLIS))
                .isEmpty();
    }

    @Test
    void shouldFindOffsetsInAMeshOfRandomClocks() {
        List<String> names = List.of("a", "b", "c", "d", "e", "f");
        long[] ahead = random.longs(names.size(), -10_000_000, 10_000_000).toArray();
        for (int i = 0; i < names.size(); i++) {
            for (int j = 0; j < names.size(); j++) {
                if (i != j && (j == (i + 1) % names.size() || random.nextBoolean())) {
                    send(names.get(i), ahead[i], names.get(j), ahead[j], 15_000, 1_000, 0);
                }
            }
        }
        for (int j = 1; j < names.size(); j++) {
            assertThat(offsets.offsetMicros("a", names.get(j), 200).orElseThrow())
                    .isCloseTo(ahead[j] - ahead[0], within(15_000.0));
        }
    }
}

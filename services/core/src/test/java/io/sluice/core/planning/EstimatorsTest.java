package io.sluice.core.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.WorkerId;
import io.sluice.core.planning.LinkSample.Transfer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class EstimatorsTest {
    private static final long NOW = 1_800_000_000_000L;
    private static final double PREFILL = 1_000;
    private static final double DECODE = 100;

    private final CapacityEstimator capacities = new CapacityEstimator(5_000, 5_000);

    private static DeviceSample sample(long incarnation, long sequence, long at, long busy, long prefill, long decode) {
        return new DeviceSample(
                "psalm", new WorkerId("a"), incarnation, sequence, at, 250, busy, 0.5, prefill, decode, 25);
    }

    private static DeviceSample decoding(long tokens, long busyMicros) {
        return sample(1, 1, NOW, busyMicros, 0, tokens);
    }

    private Optional<Rejection.Kind> judge(DeviceSample sample) {
        return capacities.judge(sample, 3, 10, NOW).map(Rejection::kind);
    }

    @Test
    void shouldStartFromTheAnnouncedSpeed() {
        CapacityEstimate estimate = CapacityEstimator.announced(PREFILL, DECODE);
        assertThat(estimate.speedFactor()).isEqualTo(1);
        assertThat(estimate.tokensPerSecond(new TokenMix(0, 1))).isCloseTo(DECODE, within(1e-9));
        assertThat(estimate.tokensPerSecond(new TokenMix(1, 0))).isCloseTo(PREFILL, within(1e-9));
    }

    @Test
    void shouldFollowAHalvedSpeedWithinOneBusySecond() {
        CapacityEstimate estimate = CapacityEstimator.announced(PREFILL, DECODE);
        for (int i = 0; i < 40; i++) {
            estimate = capacities.update(estimate, BatchCost.UNKNOWN, decoding(25, 250_000));
        }
        assertThat(estimate.speedFactor()).isCloseTo(1, within(0.01));
        for (int i = 0; i < 4; i++) {
            estimate = capacities.update(estimate, BatchCost.UNKNOWN, decoding(25 / 2, 250_000 * 24 / 25));
        }
        assertThat(estimate.speedFactor()).isCloseTo(0.5, within(0.05));
    }

    @Test
    void shouldNotMistakeALargerBatchForAFasterDevice() {
        BatchCost cost = new BatchCost(4_000, 10, 100);
        CapacityEstimate estimate = CapacityEstimator.announced(PREFILL, DECODE);
        for (int batch : new int[] {1, 8, 32, 2}) {
            long batches = 50;
            long busy = Math.round(cost.seconds(batches, 0, batch * batches) * 1e6);
            estimate = capacities.update(
                    estimate,
                    cost,
                    new DeviceSample(
                            "psalm", new WorkerId("a"), 1, 1, NOW, 250, busy, 0.5, 0, batch * batches, batches));
            assertThat(estimate.speedFactor()).isCloseTo(1, within(1e-3));
        }
    }

    @Test
    void shouldNotMistakeAPromptForASpeedUp() {
        CapacityEstimate estimate = CapacityEstimator.announced(PREFILL, DECODE);
        for (int i = 0; i < 20; i++) {
            DeviceSample sample = i % 4 == 0 ? sample(1, i, NOW, 200_000, 200, 0) : decoding(20, 200_000);
            estimate = capacities.update(estimate, BatchCost.UNKNOWN, sample);
            assertThat(estimate.speedFactor()).isCloseTo(1, within(1e-9));
        }
    }

    @Test
    void shouldWaitForMoreWhereThereIsTooLittleBusyTime() {
        CapacityEstimate estimate = CapacityEstimator.announced(PREFILL, DECODE);
        for (int i = 0; i < 19; i++) {
            estimate = capacities.update(estimate, BatchCost.UNKNOWN, decoding(50, 1_000));
            assertThat(estimate.speedFactor()).isEqualTo(1);
        }
        assertThat(capacities
                        .update(estimate, BatchCost.UNKNOWN, decoding(50, 1_000))
                        .speedFactor())
                .isGreaterThan(2);
    }

    @Test
    void shouldNotLoseTheTimeOfABatchLongerThanTheInterval() {
        CapacityEstimate estimate = CapacityEstimator.announced(PREFILL, DECODE);
        for (int i = 0; i < 40; i++) {
            // One second a batch of 100 tokens, reported four times a second: three reports without a token.
            long done = i % 4 / 3;
            DeviceSample sample =
                    new DeviceSample("psalm", new WorkerId("a"), 1, i, NOW, 250, 250_000, 1, 0, 100 * done, done);
            estimate = capacities.update(estimate, BatchCost.UNKNOWN, sample);
            assertThat(estimate.speedFactor()).isCloseTo(1, within(1e-9));
        }
    }

    @Test
    void shouldNoticeADeviceThatIsBusyWithoutEnd() {
        CapacityEstimate estimate = CapacityEstimator.announced(PREFILL, DECODE);
        for (int i = 0; i < 60; i++) {
            estimate = capacities.update(
                    estimate,
                    BatchCost.UNKNOWN,
                    new DeviceSample("psalm", new WorkerId("a"), 1, i, NOW, 250, 250_000, 1, 0, 0, 0));
        }
        assertThat(estimate.speedFactor()).isLessThan(0.1);
    }

    @Test
    void shouldSmoothNoiseOfAFifthBelowATenth() {
        SplittableRandom random = new SplittableRandom(7);
        CapacityEstimate estimate = CapacityEstimator.announced(PREFILL, DECODE);
        int outside = 0;
        for (int i = 0; i < 1_000; i++) {
            long busy = (long) (250_000 * (0.9 + random.nextDouble(0.2)));
            estimate = capacities.update(estimate, BatchCost.UNKNOWN, decoding(25, busy));
            outside += Math.abs(estimate.speedFactor() - 1) > 0.1 ? 1 : 0;
        }
        assertThat(outside).isZero();
    }

    @Test
    void shouldNotFollowAMomentInWhichOthersTakeTheMachine() {
        SplittableRandom random = new SplittableRandom(5);
        CapacityEstimate estimate = CapacityEstimator.announced(PREFILL, DECODE);
        int outside = 0;
        for (int i = 0; i < 2_000; i++) {
            // A third of noise in every report, and now and then one in which the device was half as fast.
            double slowdown = i % 20 == 19 ? 2 : 0.85 + random.nextDouble(0.3);
            estimate = capacities.update(estimate, BatchCost.UNKNOWN, decoding(25, (long) (250_000 * slowdown)));
            outside += i > 40 && Math.abs(estimate.speedFactor() - 0.95) > 0.1 ? 1 : 0;
        }
        assertThat(outside).isZero();
    }

    @Test
    void shouldStayPositiveAndFiniteWhateverItIsTold() {
        SplittableRandom random = new SplittableRandom(1);
        CapacityEstimate estimate = CapacityEstimator.announced(PREFILL, DECODE);
        for (int i = 0; i < 100_000; i++) {
            DeviceSample absurd = new DeviceSample(
                    "psalm",
                    new WorkerId("a"),
                    3,
                    random.nextLong(),
                    NOW - random.nextLong(4_000),
                    random.nextLong(1 << random.nextInt(1, 30)),
                    random.nextLong() >> random.nextInt(63),
                    random.nextInt(5) == 0 ? Double.NaN : random.nextDouble(),
                    random.nextLong() >> random.nextInt(63),
                    random.nextLong() >> random.nextInt(63),
                    random.nextLong() >> random.nextInt(63));
            if (capacities.judge(absurd, 3, -1, NOW).isEmpty()) {
                estimate = capacities.update(
                        estimate, random.nextBoolean() ? BatchCost.UNKNOWN : new BatchCost(1e3, 10, 100), absurd);
            }
            assertThat(estimate.tokensPerSecond(TokenMix.EVEN)).isPositive().isFinite();
        }
    }

    @Test
    void shouldRejectAbsurdTelemetryWithAReason() {
        assertThat(judge(sample(3, 11, NOW, 1_000, 1, 1))).isEmpty();
        assertThat(judge(sample(2, 11, NOW, 1_000, 1, 1))).contains(Rejection.Kind.OLD_INCARNATION);
        assertThat(judge(sample(4, 11, NOW, 1_000, 1, 1))).contains(Rejection.Kind.UNANNOUNCED);
        assertThat(judge(sample(3, 10, NOW, 1_000, 1, 1))).contains(Rejection.Kind.DUPLICATE);
        assertThat(judge(sample(3, 11, NOW + 5_001, 1_000, 1, 1))).contains(Rejection.Kind.FUTURE);
        assertThat(judge(sample(3, 11, Long.MAX_VALUE, 1_000, 1, 1))).contains(Rejection.Kind.FUTURE);
        assertThat(judge(sample(3, 11, Long.MIN_VALUE, 1_000, 1, 1))).contains(Rejection.Kind.STALE);
        assertThat(judge(sample(3, 11, NOW - 5_001, 1_000, 1, 1))).contains(Rejection.Kind.STALE);
        assertThat(judge(sample(3, 11, NOW, -1, 1, 1))).contains(Rejection.Kind.INVALID);
        assertThat(judge(sample(3, 11, NOW, 1_000, -1, 1))).contains(Rejection.Kind.INVALID);
        assertThat(judge(sample(3, 11, NOW, 1_000, 1, -1))).contains(Rejection.Kind.INVALID);
        assertThat(judge(sample(3, 11, NOW, 1_000, Long.MAX_VALUE, 1))).contains(Rejection.Kind.INVALID);
        assertThat(judge(new DeviceSample("psalm", new WorkerId("a"), 3, 11, NOW, 250, 1, Double.NaN, 0, 0, 0)))
                .contains(Rejection.Kind.INVALID);
        assertThat(capacities
                        .judge(sample(2, 11, NOW, 1, 1, 1), 3, 10, NOW)
                        .orElseThrow()
                        .message())
                .contains("incarnation 2", "older than 3");
    }

    private static LinkEstimate feed(SplittableRandom random, int count, long smallest, long largest, double perByte) {
        LinkEstimate estimate = LinkEstimate.NONE;
        for (int i = 0; i < count; i++) {
            long bytes = random.nextLong(smallest, largest);
            // 500 us of latency, a clock that is 3 s off, 200 us of jitter.
            long micros = (long) (-3_000_000 + 500 + bytes * perByte + random.nextDouble(200));
            estimate = LinkEstimator.update(
                    estimate, new LinkSample("psalm", "a", "b", NOW, List.of(new Transfer(bytes, micros))));
        }
        return estimate;
    }

    @Test
    void shouldFindTheBandwidthBehindLatencyAndClockOffset() {
        LinkEstimate estimate = feed(new SplittableRandom(1), 200, 1_000, 1_000_000, 1e6 / 100e6);
        assertThat(LinkEstimator.bytesPerSecond(estimate, 1e9)).isCloseTo(100e6, within(5e6));
    }

    @Test
    void shouldFallBackToTheDeclaredBandwidthForSmallRecords() {
        for (long seed = 0; seed < 100; seed++) {
            LinkEstimate loopback = feed(new SplittableRandom(seed), 200, 500, 3_000, 0);
            assertThat(LinkEstimator.bytesPerSecond(loopback, 1e9)).isEqualTo(1e9);
        }
        assertThat(LinkEstimator.bytesPerSecond(LinkEstimate.NONE, 5)).isEqualTo(5);
    }

    @Test
    void shouldNotBelieveANegativeSlope() {
        LinkEstimate estimate = feed(new SplittableRandom(1), 200, 1_000, 1_000_000, -0.01);
        assertThat(LinkEstimator.bytesPerSecond(estimate, 1e9)).isEqualTo(1e9);
    }

    @Test
    void shouldForgetAFasterPast() {
        SplittableRandom random = new SplittableRandom(2);
        LinkEstimate estimate = feed(random, 300, 1_000, 1_000_000, 1e6 / 200e6);
        List<Transfer> slower = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
            long bytes = random.nextLong(1_000, 1_000_000);
            slower.add(new Transfer(bytes, (long) (-3_000_000 + bytes * 1e6 / 50e6)));
        }
        estimate = LinkEstimator.update(estimate, new LinkSample("psalm", "a", "b", NOW, slower));
        assertThat(LinkEstimator.bytesPerSecond(estimate, 1e9)).isCloseTo(50e6, within(5e6));
    }

    @Test
    void shouldNotBeMisledByAPauseOfTheMachine() {
        for (long seed = 0; seed < 50; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            LinkEstimate estimate = LinkEstimate.NONE;
            List<Transfer> transfers = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                long bytes = random.nextLong(1_000, 300_000);
                long pause = i > 50 && random.nextInt(50) == 0 ? 400_000 : random.nextInt(300);
                transfers.add(new Transfer(bytes, (long) (20_000 + bytes * 1e6 / 12.5e6) + pause));
            }
            estimate = LinkEstimator.update(estimate, new LinkSample("psalm", "a", "b", NOW, transfers));
            assertThat(LinkEstimator.bytesPerSecond(estimate, 1e9))
                    .as("seed %d", seed)
                    .isCloseTo(12.5e6, within(4e6));
        }
    }

    @Test
    void shouldRejectAbsurdTransfers() {
        for (Transfer t : List.of(
                new Transfer(-1, 5),
                new Transfer(Long.MAX_VALUE, 5),
                new Transfer(5, Long.MIN_VALUE),
                new Transfer(5, Long.MAX_VALUE))) {
            assertThat(LinkEstimator.judge(new LinkSample("psalm", "a", "b", NOW, List.of(t))))
                    .isPresent();
        }
        assertThat(LinkEstimator.judge(new LinkSample("psalm", "a", "b", NOW, List.of(new Transfer(5, -100)))))
                .isEmpty();
    }
}

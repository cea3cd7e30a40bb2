package io.sluice.worker.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.core.LayerRange;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class EmulatedDeviceTest {
    private final AtomicLong clock = new AtomicLong(1_000);
    private final List<Long> parked = new ArrayList<>();

    @ParameterizedTest
    @CsvSource({"t4,2,7.1", "t4,1,7.1", "t4,0,0", "t4,3,7.15", "a100,22,1.54", "l4,1000,52", "v100,800,22"})
    void shouldInterpolateThePublishedDecodeTimes(String profile, int tokens, double millis) {
        assertThat(DeviceProfile.named(profile).decodeMillis(tokens)).isCloseTo(millis, within(1e-9));
    }

    @ParameterizedTest
    @CsvSource({"t4,250,18", "t4,125,9", "a100,1000,8", "l4x2,375,10.5", "t4x4,0,0", "t4,15000,958"})
    void shouldInterpolateThePublishedPromptTimes(String profile, int tokens, double millis) {
        assertThat(DeviceProfile.named(profile).promptMillis(tokens)).isCloseTo(millis, within(1e-9));
    }

    @Test
    void shouldAddPromptAndDecodeTimesOverTheLayersAndDivideBySpeed() {
        EmulatedDevice device = device("t4", 2);

        assertThat(device.batchNanos(BatchShape.of(3, 250, 2))).isEqualTo(Math.round(3 * (18 + 7.1) * 1e6 / 2));
    }

    @Test
    void shouldCountOnlyTheLayersASessionPasses() {
        EmulatedDevice device = device("t4", 1);
        BatchShape shape = new BatchShape(4, 4); // holds [4, 8)
        shape.addDecode(new LayerRange(4, 7), 2);
        shape.addDecode(new LayerRange(6, 8), 2);
        shape.addPrompt(new LayerRange(5, 6), 250);

        assertThat(device.batchNanos(shape)).isEqualTo(Math.round((7.1 + (7.1 + 18) + 7.2 + 7.1) * 1e6));
    }

    @Test
    void shouldWaitUntilTheProfileIsOverAndNoLonger() {
        EmulatedDevice device = device("t4", 1);
        long start = clock.get();
        clock.addAndGet(5_000_000); // the real computation took 5 ms

        device.pace(start, BatchShape.of(2, 0, 2));

        assertThat(clock.get() - start).isBetween(14_200_000L, 14_202_000L);
        assertThat(parked).isNotEmpty().allSatisfy(nanos -> assertThat(nanos).isPositive());
    }

    @Test
    void shouldNotWaitWhenTheComputationTookLonger() {
        EmulatedDevice device = device("a100", 1);
        long start = clock.get();
        clock.addAndGet(50_000_000);

        device.pace(start, BatchShape.of(2, 0, 2));

        assertThat(parked).isEmpty();
    }

    @Test
    void shouldGiveTheDeviceBackAfterTheBlockAtHandAndSayWhatIsLeft() {
        EmulatedDevice device = device("t4", 1);
        long start = clock.get();
        long due = start + device.batchNanos(BatchShape.of(1, 0, 2));
        long asked = start + 3_000_000;

        long left = device.pace(due, () -> clock.get() >= asked);

        assertThat(left).isPositive().isEqualTo(left / 31_600 * 31_600);
        assertThat(clock.get() + left).as("nothing is lost").isBetween(due, due + 2_000);
        assertThat(device.pace(clock.get() + left, () -> false)).isZero();
        assertThat(clock.get()).isBetween(due, due + 4_000);
    }

    @Test
    void shouldFinishABlockThoughItIsToBeGivenBackAtOnce() {
        EmulatedDevice device = device("t4", 1);
        long owed = 10 * 31_600;
        for (int blocks = 9; blocks >= 0; blocks--) {
            owed = device.pace(clock.get() + owed, () -> true);
            assertThat(owed).isEqualTo(blocks * 31_600L);
        }
        assertThat(new CpuDevice().pace(clock.get() + 1, () -> true)).isZero();
    }

    @Test
    void shouldPaceTheNextBatchByAChangedSpeed() {
        EmulatedDevice device = device("t4", 1);
        device.setSpeed(0.5);
        long start = clock.get();

        device.pace(start, BatchShape.of(1, 0, 2));

        assertThat(clock.get() - start).isBetween(14_200_000L, 14_202_000L);
        assertThat(device.name()).isEqualTo("emulated:t4@0.5");
        assertThat(device.emulated()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"t4,33,70", "t4x4,132,280", "l4x2,60,144", "v100,53.5,300", "a100,55,400"})
    void shouldEstimateEnergyByIdlePowerAndLimit(String profile, double idleWatts, double limitWatts) {
        Device device = device(profile, 2);

        assertThat(device.energyJoules(0, 0)).hasValue(0);
        assertThat(device.energyJoules(10_000_000_000L, 0).getAsDouble()).isCloseTo(10 * idleWatts, within(1e-9));
        assertThat(device.energyJoules(10_000_000_000L, 10_000_000_000L).getAsDouble())
                .isCloseTo(10 * limitWatts, within(1e-9));
        assertThat(device.energyJoules(10_000_000_000L, 2_500_000_000L).getAsDouble())
                .isCloseTo(10 * idleWatts + 2.5 * (limitWatts - idleWatts), within(1e-9));
        assertThat(device.workWatts()).hasValue(limitWatts - idleWatts);
    }

    @Test
    void shouldHaveAProfileOfIdlePowerBelowItsLimit() {
        for (String name : DeviceProfile.names()) {
            assertThat(DeviceProfile.named(name).power().aboveIdleWatts())
                    .as(name)
                    .isPositive();
            assertThat(DeviceProfile.named(name).power().idleWatts()).as(name).isPositive();
        }
    }

    @Test
    void shouldReadDeviceSpecs() {
        assertThat(DeviceSpec.parse("cpu").open()).isInstanceOf(CpuDevice.class);
        assertThat(DeviceSpec.parse("emulated:A100").open().memoryBytes()).isEqualTo(40_000_000_000L);
        assertThat(DeviceSpec.parse("emulated:t4@4").open().name()).isEqualTo("emulated:t4@4");
        assertThat(DeviceSpec.parse("emulated:l4@2.5")).hasToString("emulated:l4@2.5");
        assertThat(DeviceProfile.names()).containsExactly("a100", "l4", "l4x2", "t4", "t4x2", "t4x4", "v100");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"gpu", "emulated:h100", "emulated:t4@0", "emulated:t4@fast", "emulated:t4@NaN", "emulated:"})
    void shouldSayWhatADeviceMayBe(String text) {
        assertThatThrownBy(() -> DeviceSpec.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageMatching("(?s).*(t4x4|number above 0|between 0.001).*");
    }

    private EmulatedDevice device(String profile, double speed) {
        // Every look at the clock costs a microsecond; a park wakes up a little early, as real ones may.
        return new EmulatedDevice(DeviceProfile.named(profile), speed, () -> clock.getAndAdd(1_000), nanos -> {
            parked.add(nanos);
            clock.addAndGet(nanos - nanos / 10);
        });
    }
}

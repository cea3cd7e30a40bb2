package io.sluice.sharing.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.sharing.gpu.Kernel.Bound;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class SimulatedGpuTest {
    private static final int PER_SM = Devices.A100.residency(BlockShape.COMMON);
    private static final int FULL = 108 * PER_SM;

    private static Kernel kernel(int blocks, double nanos) {
        return new Kernel(
                "k", blocks, BlockShape.COMMON, nanos * 0.2, nanos * 0.8 / PER_SM, 0, 0, 0, 0.5, Bound.COMPUTE);
    }

    @Test
    void shouldTakeResidencyFromTheTightestResource() {
        assertThat(Devices.A100.residency(new BlockShape(1024, 0, 0))).isEqualTo(2);
        assertThat(Devices.A100.residency(new BlockShape(256, 128, 0))).isEqualTo(2);
        assertThat(Devices.A100.residency(new BlockShape(64, 0, 0))).isEqualTo(32);
        assertThat(Devices.A100.residency(new BlockShape(64, 0, 80_000))).isEqualTo(2);
        assertThatThrownBy(() -> Devices.A100.residency(new BlockShape(64, 0, 200_000)))
                .hasMessageContaining("does not fit");
    }

    @Test
    void shouldRunWavesOneAfterTheOtherAndTheRestFaster() {
        SimulatedGpu gpu = new SimulatedGpu(Devices.A100);
        List<Long> ends = new ArrayList<>();
        gpu.onFinished(launch -> ends.add(gpu.now()));
        GpuStream stream = gpu.stream("s", 0, 1, 0);
        Kernel kernel = kernel(2 * FULL + 108, 10_000);
        gpu.submit(stream, new Launch(kernel), 0);
        gpu.run(1_000_000);
        assertThat(ends).hasSize(1);
        assertThat((double) ends.get(0)).isCloseTo(kernel.soloNanos(108, PER_SM), within(3.0));
        assertThat(kernel.soloNanos(108, PER_SM)).isCloseTo(20_000 + 2_000 + 8_000.0 / PER_SM, within(1e-6));
    }

    @Test
    void shouldNeverHoldMoreThanTheSmsHaveAndLoseNoBlock() {
        for (long seed = 1; seed <= 20; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            SimulatedGpu gpu = new SimulatedGpu(Devices.A100.withGroups(30, 40, 38));
            List<GpuStream> streams = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                streams.add(gpu.stream("s" + i, random.nextInt(3), 1 + random.nextInt(7), 0));
            }
            long[] ran = new long[1];
            gpu.onFinished(launch -> ran[0] += launch.blocks() - launch.left());
            gpu.afterEvent(() -> assertThat(gpu.overSubscribed()).isFalse());
            long submitted = 0;
            for (int i = 0; i < 200; i++) {
                BlockShape shape =
                        new BlockShape(32 * (1 + random.nextInt(32)), random.nextInt(60), random.nextInt(60_000));
                int blocks = 1 + random.nextInt(3000);
                Kernel k = new Kernel(
                        "k", blocks, shape, 500, 500 + random.nextInt(5000), 1000, 0.5, 1 << 22, 0.7, Bound.MEMORY);
                submitted += blocks;
                Launch launch = new Launch(k).workersMax(1 + random.nextInt(2000));
                if (random.nextBoolean()) {
                    launch.persistent(1.1, 100);
                }
                gpu.submit(streams.get(random.nextInt(5)), launch, random.nextInt(1_000_000));
            }
            gpu.run(60_000_000_000L);
            assertThat(ran[0]).as("seed %d", seed).isEqualTo(submitted);
            assertThat(gpu.resident(0) + gpu.resident(1) + gpu.resident(2)).isZero();
        }
    }

    @Test
    void shouldDispatchPendingBlocksOfTheHigherPriorityFirst() {
        SimulatedGpu gpu = new SimulatedGpu(Devices.A100);
        GpuStream low = gpu.stream("low", 0, 1, 0);
        GpuStream high = gpu.stream("high", 1, 1, 0);
        List<String> ends = new ArrayList<>();
        gpu.onFinished(launch -> ends.add(launch.tag() + "@" + gpu.now() / 1000));
        gpu.submit(low, new Launch(kernel(3 * FULL, 10_000)).tag("low"), 0);
        gpu.submit(high, new Launch(kernel(FULL, 10_000)).tag("high"), 1_000);
        gpu.run(1_000_000);
        assertThat(ends)
                .containsExactly("high@20", "low@40"); // waits for running blocks, then goes before pending ones
    }

    @Test
    void shouldNotStartOnSmsOutsideThePool() {
        SimulatedGpu gpu = new SimulatedGpu(Devices.MI50);
        GpuStream left = gpu.stream("left", 0, 0b0011, 0);
        GpuStream right = gpu.stream("right", 0, 0b1100, 0);
        List<Launch> running = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Launch a = new Launch(kernel(5_000, 10_000));
            Launch b = new Launch(kernel(3_000, 7_000));
            running.add(a);
            running.add(b);
            gpu.submit(left, a, 0);
            gpu.submit(right, b, 0);
        }
        gpu.afterEvent(() -> {
            for (int i = 0; i < running.size(); i += 2) {
                Launch a = running.get(i);
                Launch b = running.get(i + 1);
                assertThat(gpu.running(a, 2) + gpu.running(a, 3)).isZero();
                assertThat(gpu.running(b, 0) + gpu.running(b, 1)).isZero();
            }
        });
        gpu.run(100_000_000);
        assertThat(running).allMatch(Launch::finished);
    }

    @Test
    void shouldRefuseMoreStreamsThanHardwareQueues() {
        SimulatedGpu gpu = new SimulatedGpu(Devices.MI50);
        for (int i = 0; i < 8; i++) {
            gpu.stream("s" + i, 0, 1, 0);
        }
        assertThatThrownBy(() -> gpu.stream("ninth", 0, 1, 0)).hasMessageContaining("8 hardware queues");
        assertThatThrownBy(() -> new SimulatedGpu(Devices.A100).stream("s", 0, 2, 0))
                .hasMessageContaining("mask 10");
    }

    @Test
    void shouldStopAPersistentLaunchBetweenItsBlocksAndKeepTheRest() {
        SimulatedGpu gpu = new SimulatedGpu(Devices.A100);
        GpuStream stream = gpu.stream("s", 0, 1, 0);
        List<Long> ends = new ArrayList<>();
        gpu.onFinished(launch -> ends.add(gpu.now()));
        Launch launch = new Launch(kernel(10 * FULL, 10_000)).persistent(1, 0);
        gpu.submit(stream, launch, 0);
        gpu.at(15_000, () -> gpu.retreat(launch));
        gpu.run(1_000_000);
        assertThat(ends).containsExactly(20_000L); // flag at 17,000; the second wave ends at 20,000
        assertThat(launch.left()).isEqualTo(8 * FULL);
    }

    @Test
    void shouldSaveRunningBlocksAtAContextSwitchAndFinishThemLater() {
        SimulatedGpu gpu = new SimulatedGpu(Devices.A100);
        GpuStream one = gpu.stream("one", 0, 1, 1);
        GpuStream two = gpu.stream("two", 0, 1, 2);
        List<String> ends = new ArrayList<>();
        gpu.onFinished(launch -> ends.add(launch.tag() + "@" + gpu.now() / 1000));
        gpu.activate(1);
        gpu.submit(one, new Launch(kernel(FULL, 1_000_000)).tag("one"), 0);
        gpu.submit(two, new Launch(kernel(FULL, 100_000)).tag("two"), 0);
        gpu.at(700_000, () -> gpu.activate(2));
        gpu.at(1_500_000, () -> gpu.activate(1));
        gpu.run(10_000_000);
        // 200 us per switch: one runs 200..700 and 1700..2200, two runs 900..1000
        assertThat(ends).containsExactly("two@1000", "one@2200");
    }

    @Test
    void shouldShareMemoryBandwidthOnlyWhenItIsShort() {
        assertThat(pairNanos(0.4)).isCloseTo(100_000, within(100.0));
        assertThat(pairNanos(0.8)).isCloseTo(100_000 * 1.6 / 0.94, within(500.0));
    }

    /** Two kernels of half an SM each that ask for this part of the bandwidth alone; nanoseconds until both end. */
    private static double pairNanos(double part) {
        SimulatedGpu gpu = new SimulatedGpu(Devices.A100);
        int blocks = 108 * PER_SM / 2;
        double traffic = part * Devices.A100.dramBytesPerNano() * 100_000 / blocks;
        Kernel k = new Kernel("copy", blocks, BlockShape.COMMON, 100_000, 0, traffic, 0, 0, 0, Bound.MEMORY);
        long[] last = new long[1];
        gpu.onFinished(launch -> last[0] = gpu.now());
        gpu.submit(gpu.stream("a", 0, 1, 0), new Launch(k), 0);
        gpu.submit(gpu.stream("b", 0, 1, 0), new Launch(k), 0);
        gpu.run(10_000_000);
        return last[0];
    }

    @Test
    void shouldLoseReuseBeyondTheCacheInACliff() {
        assertThat(Interference.hitFraction(0.99)).isEqualTo(1);
        assertThat(Interference.hitFraction(1.5)).isCloseTo(0.417, within(0.001));
        assertThat(Interference.hitFraction(2.5)).isCloseTo(0.107, within(0.001));
        for (double ratio = 1.02; ratio < 6; ratio *= 1.1) {
            double hit = Interference.hitFraction(ratio);
            assertThat(hit)
                    .isCloseTo(Math.exp(-(1 - hit) * ratio), within(1e-3))
                    .isLessThan(1);
            assertThat(Interference.hitFraction(1.1 * ratio)).isLessThan(hit);
        }
    }

    @Test
    void shouldCountIdlePowerAloneWhenNothingRunsAndLowerTheClockAboveTheCap() {
        SimulatedGpu gpu = new SimulatedGpu(Devices.V100);
        gpu.run(2_000_000_000);
        assertThat(gpu.joules()).isCloseTo(2 * 53.5, within(1e-6));
        PowerModel power = Devices.V100.power();
        assertThat(power.clockFraction(300)).isEqualTo(1);
        assertThat(power.clockFraction(330) * 1530).isCloseTo(1530 - 0.77 * 30, within(0.01));
    }

    @Test
    void shouldRefuseNonsense() {
        assertThatThrownBy(() -> kernel(0, 10)).hasMessageContaining("0 blocks");
        assertThatThrownBy(() -> new Launch(kernel(5, 10), 6)).hasMessageContaining("launch of 6");
        assertThatThrownBy(() -> new BlockShape(2048, 1, 1)).hasMessageContaining("2048 threads");
        SimulatedGpu gpu = new SimulatedGpu(Devices.A100);
        GpuStream stream = gpu.stream("s", 0, 1, 0);
        Launch launch = new Launch(kernel(5, 10));
        gpu.submit(stream, launch, 0);
        assertThatThrownBy(() -> gpu.submit(stream, launch, 0)).hasMessageContaining("submitted before");
    }
}

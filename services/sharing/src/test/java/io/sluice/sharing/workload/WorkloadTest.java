package io.sluice.sharing.workload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.sharing.gpu.Devices;
import io.sluice.sharing.gpu.Kernel.Bound;
import io.sluice.sharing.workload.KernelProfiles.Row;
import io.sluice.sharing.workload.KernelProfiles.Scale;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class WorkloadTest {
    @Test
    void shouldReadEveryProfileCompletely() {
        List<Row> rows = KernelProfiles.read("resnet50_32_fb1");
        assertThat(rows).hasSize(946);
        assertThat(rows.stream().mapToDouble(Row::nanos).sum() / 1e6).isCloseTo(95.2777, within(0.001));
        assertThat(KernelProfiles.read("bert_2_fwd")).hasSize(572);
        assertThat(KernelProfiles.read("retinanet_4_fwd_new")).hasSize(991);
        assertThat(rows.stream().map(Row::bound).distinct()).contains(Bound.COMPUTE, Bound.MEMORY, Bound.UNKNOWN);
        assertThatThrownBy(() -> KernelProfiles.read("vgg")).hasMessageContaining("no kernel profile vgg");
    }

    @Test
    void shouldKeepTheProfiledDurationOnTheProfiledDevice() {
        for (String profile : List.of("resnet50_4_fwd", "bert_8_fb1", "mobilenetv2_96_fb1")) {
            List<Row> rows = KernelProfiles.read(profile);
            double measured = rows.stream().mapToDouble(Row::nanos).sum();
            Program program = new Program(
                    profile, KernelProfiles.kernels(rows, Devices.V100, 1, Scale.SAME, Calibration.DEFAULT), 0);
            double gaps = program.kernels().size() * (double) Devices.V100.kernelGapNanos();
            assertThat((program.deviceNanos(Devices.V100) - gaps) / measured)
                    .as(profile)
                    .isBetween(0.80, 1.02);
        }
    }

    @Test
    void shouldMakeJobsAsLongAndAsBusyAsStated() {
        Program bert = Jobs.critical("bert", Devices.A100, Calibration.DEFAULT);
        double prepared = bert.deviceNanos(Devices.A100) + Calibration.DEFAULT.prepareNanos();
        assertThat(prepared / 1e6).isCloseTo(4.033, within(0.001));
        Program llama = Jobs.critical("llama-2-7b", Devices.A100, Calibration.DEFAULT);
        assertThat(llama.deviceNanos(Devices.A100) / 1e6).isCloseTo(1963.9, within(1.0));
        for (String name : Jobs.BEST_EFFORT) {
            Program job = Jobs.bestEffort(name, Devices.A100, Calibration.DEFAULT);
            double busy = job.deviceNanos(Devices.A100);
            assertThat(busy / (busy + job.hostNanos())).as(name).isBetween(0.49, 1.0);
        }
        assertThat(Jobs.CALIBRATION_HALF).doesNotContainAnyElementsOf(Jobs.HELD_OUT_HALF);
    }

    @Test
    void shouldArriveAtTheStatedRateAndInOrder() {
        long second = 1_000_000_000;
        for (long[] times : List.of(
                Arrivals.poisson(500, 100 * second, 1),
                Arrivals.maf2(500, 0, 100 * second, 1),
                Arrivals.constant(500, 100 * second))) {
            assertThat(times).isSorted();
            assertThat(times.length / 100.0).isCloseTo(500, within(30.0));
        }
        long[] step = Arrivals.step(100, 800, 50 * second, 100 * second, 1);
        long before = Arrays.stream(step).filter(at -> at < 50 * second).count();
        assertThat(before / 50.0).isCloseTo(100, within(10.0));
        assertThat((step.length - before) / 50.0).isCloseTo(800, within(40.0));
        long[] lulls = Arrivals.lulls(500, second, second, 100 * second, 1);
        assertThat(Arrays.stream(lulls).filter(at -> at / second % 2 == 1)).isEmpty();
    }

    @Test
    void shouldOfferExactlyTheLoadInTheMeasuredTime() {
        long second = 1_000_000_000;
        for (long seed = 1; seed <= 5; seed++) {
            for (long[] times : List.of(
                    Arrivals.poisson(124.3, 2 * second, 10 * second, seed),
                    Arrivals.maf2(124.3, 2 * second, 10 * second, seed))) {
                assertThat(times).isSorted();
                assertThat(times[times.length - 1]).isLessThan(12 * second);
                assertThat(Arrays.stream(times).filter(at -> at >= 2 * second)).hasSize(1243);
                assertThat(times.length - 1243).as("warm-up").isEqualTo(249);
            }
        }
    }

    @Test
    void shouldBurstMoreThanPoissonWhenShapedLikeMaf2() {
        long span = 100_000_000_000L;
        assertThat(dispersion(Arrivals.maf2(500, 0, span, 3), span)).isGreaterThan(5);
        assertThat(dispersion(Arrivals.poisson(500, span, 3), span)).isBetween(0.6, 1.6);
    }

    /** Variance over mean of the arrivals per half second. */
    private static double dispersion(long[] times, long span) {
        double[] counts = new double[200];
        for (long at : times) {
            counts[(int) (at * 200 / span)]++;
        }
        double mean = Arrays.stream(counts).average().orElseThrow();
        return Arrays.stream(counts).map(c -> (c - mean) * (c - mean)).average().orElseThrow() / mean;
    }
}

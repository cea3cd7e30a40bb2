package io.sluice.sharing.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sluice.sharing.gpu.BlockShape;
import io.sluice.sharing.gpu.Devices;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Kernel.Bound;
import io.sluice.sharing.workload.Arrivals;
import io.sluice.sharing.workload.Calibration;
import io.sluice.sharing.workload.Program;
import java.util.Arrays;
import java.util.Collections;
import org.junit.jupiter.api.Test;

final class WaitingPoliciesTest {
    private static final Calibration EVEN =
            Calibration.DEFAULT.withRequestJitter(0).withRequestNanos(50_000, 0, 0);
    private static final long SPAN = 2_000_000_000L;

    /** So many kernels of a full wave, together {@code nanos} long without the gaps between them. */
    private static Program program(String name, int kernels, double nanos, long hostNanos) {
        int perSm = Devices.A100.residency(BlockShape.COMMON);
        int wave = perSm * Devices.A100.sms();
        Kernel kernel =
                new Kernel(name, wave, BlockShape.COMMON, 0, nanos / kernels / perSm, 0, 0, 0, 0.5, Bound.COMPUTE);
        return new Program(name, Collections.nCopies(kernels, kernel), hostNanos);
    }

    private static SharedGpu shared(String policy) {
        return new SharedGpu(Devices.A100, EVEN, SharingPolicies.named(policy));
    }

    private static double meanNanos(CriticalServer server) {
        return Arrays.stream(server.serviceNanos(0)).average().orElseThrow();
    }

    @Test
    void shouldLetARequestWaitForTheRestOfOneRoundInSequence() {
        SharedGpu shared = shared("sequential");
        CriticalServer server = shared.serve(program("request", 10, 1e6, 0), Arrivals.poisson(50, SPAN, 3), 3);
        shared.add(program("short", 20, 2e6, 0));
        shared.add(program("long", 20, 6e6, 0));
        shared.gpu().afterEvent(() -> assertThat(shared.clients().stream()
                        .filter(client -> client.inFlight() != null)
                        .count())
                .isLessThanOrEqualTo(1));
        shared.run(SPAN);
        double alone = 1e6 + 10_000 + 50_000;
        long[] sorted = server.serviceNanos(0);
        Arrays.sort(sorted);
        assertThat((double) sorted[sorted.length - 1]).isLessThan(alone + 6e6 + 50_000);
        // of rounds that alternate, the length-biased mean rest: (2^2 + 6^2) / (2 (2 + 6)) ms
        assertThat(meanNanos(server) - alone).isCloseTo(2.5e6, within(0.5e6));
        assertThat(shared.clients()).allMatch(client -> client.rounds() > 100);
    }

    @Test
    void shouldLetKernelsBehindTheStoppedOnePassThroughEmpty() {
        double few = waitBehind(5);
        double many = waitBehind(205);
        // half of a block of 2 ms that lasts 1.2 times as long for looking, and hardly a kernel behind it
        assertThat(few).isCloseTo(1_200_000, within(300_000.0));
        // half of one of 59 us, and 102 kernels of 2 us behind it
        assertThat(many).isCloseTo(30_000 + 204_000, within(60_000.0));
        assertThat(waitBehind(405) - many).isCloseTo(100 * 2_000.0, within(60_000.0));
    }

    /** What requests wait on average behind rounds of so many kernels that together last 10 ms. */
    private static double waitBehind(int kernels) {
        SharedGpu shared = shared("block-wait");
        CriticalServer server = shared.serve(program("request", 10, 1e6, 0), Arrivals.poisson(50, SPAN, 3), 3);
        BestEffortClient client = shared.add(program("round", kernels, 10e6, 0));
        shared.run(SPAN);
        assertThat(client.rounds()).isGreaterThan(80);
        return meanNanos(server) - (1e6 + 10_000 + 50_000);
    }

    @Test
    void shouldBeginRoundsWhenTheyAreDueAndLeaveOutThoseItIsTooLateFor() {
        SharedGpu shared = shared("mps");
        BestEffortClient early = shared.add(program("early", 4, 1e6, 100_000));
        early.paced(10_000_000, 5_000_000);
        shared.run(SPAN);
        assertThat(early.rounds()).isEqualTo(200);

        SharedGpu busy = shared("mps");
        BestEffortClient late = busy.add(program("late", 4, 15e6, 0));
        late.paced(10_000_000, 0);
        busy.run(SPAN);
        assertThat(late.rounds()).isEqualTo((long) (SPAN / (15e6 + 4_000)));
        assertThatThrownBy(() -> late.paced(0, 0)).hasMessageContaining("every 0 ns");
    }
}

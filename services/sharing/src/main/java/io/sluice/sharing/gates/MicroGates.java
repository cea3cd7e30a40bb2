package io.sluice.sharing.gates;

import io.sluice.sharing.gpu.BlockShape;
import io.sluice.sharing.gpu.Devices;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Kernel.Bound;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;
import java.util.ArrayList;
import java.util.List;

/**
 * V9: two kernels at once, the smallest experiments there are: whether blocks fit beside each other, whether footprints
 * fit into the cache, whether bandwidth suffices. The cache curve was fitted to 32 and 40 MB, the mixed bandwidth to the
 * pair of copies.
 */
final class MicroGates {
    private static final GpuSpec DEVICE = Devices.RTX5090;
    private static final BlockShape HALF_OF_SLOTS = new BlockShape(384, 0, 0);

    private MicroGates() {}

    static List<GateCheck> run() {
        List<GateCheck> checks = new ArrayList<>();
        for (int perSm = 1; perSm <= 2; perSm++) {
            Kernel spin = new Kernel(
                    "spin", perSm * DEVICE.sms(), new BlockShape(768, 0, 0), 102.4e6, 0, 0, 0, 0, 0, Bound.COMPUTE);
            String what = "slowdown, blocks of 768 threads, " + perSm + " per SM each";
            checks.add(GateCheck.within("V9", what, true, slowdown(spin), perSm, 0.02));
        }
        for (double[] row : Published.CACHE) {
            boolean fitted = row[0] == 32 || row[0] == 40;
            String what = "slowdown, copies of " + (int) row[0] + " MB";
            checks.add(GateCheck.factor("V9", what, !fitted, slowdown(cached(row[0])), row[1], 1.4));
        }
        double alone = 0.78 * DEVICE.dramBytesPerNano();
        double beside = alone / slowdown(streaming(alone));
        checks.add(GateCheck.within(
                "V9", "GB/s of a copy beside another", false, beside, Published.COPY_BESIDE, 0.05 * 566));
        return checks;
    }

    /** A copy that asks for twice the bandwidth of the cache and reuses all it touches. */
    private static Kernel cached(double megabytes) {
        int blocks = 2 * DEVICE.sms();
        double nanos = 100_000;
        double traffic = 2.0 * DEVICE.l2BytesPerNano() * nanos / blocks;
        long footprint = (long) (2 * megabytes * (1 << 20)); // read and written
        return new Kernel("copy", 20 * blocks, HALF_OF_SLOTS, nanos, 0, traffic, 1, footprint, 0, Bound.MEMORY);
    }

    private static Kernel streaming(double bytesPerNano) {
        int blocks = 2 * DEVICE.sms();
        double nanos = 1_000_000;
        double traffic = bytesPerNano * nanos / blocks;
        return new Kernel("copy", blocks, HALF_OF_SLOTS, nanos, 0, traffic, 0, 0, 0, Bound.MEMORY);
    }

    /** Time of two such kernels at once over the time of one on as many SMs. */
    private static double slowdown(Kernel kernel) {
        return together(kernel, 2) / together(kernel, 1);
    }

    private static double together(Kernel kernel, int count) {
        SimulatedGpu gpu = new SimulatedGpu(DEVICE);
        long[] last = new long[1];
        gpu.onFinished(launch -> last[0] = gpu.now());
        int half = Math.max(DEVICE.sms(), Math.min(kernel.blocks(), 2 * DEVICE.sms()));
        for (int i = 0; i < count; i++) {
            gpu.submit(gpu.stream("s" + i, 0, 1, 0), new Launch(kernel).workersMax(half), 0);
        }
        gpu.run(10_000_000_000L);
        return last[0];
    }
}

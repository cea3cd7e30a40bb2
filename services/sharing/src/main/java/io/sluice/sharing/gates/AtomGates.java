package io.sluice.sharing.gates;

import io.sluice.sharing.gpu.BlockShape;
import io.sluice.sharing.gpu.Devices;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.GpuStream;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Kernel.Bound;
import io.sluice.sharing.gpu.Launch;
import io.sluice.sharing.gpu.SimulatedGpu;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * V8: a short kernel behind best-effort kernels of 0.04 to 10.8 ms, as they are and cut into atoms. Everything but what
 * splitting costs is that of the reproduction's programmes: chains of so many multiply-adds in so many blocks, launched 20 at
 * a time; a short kernel 300 us after the end of the one before, 80 times, so that the "p99" is the largest of 80; as many
 * atoms as the kernel's blocks, at half a microsecond each, have times 300 us; throughput over a time in which the short
 * kernel hardly runs. As it is, a kernel goes before the short one until the last of its blocks has started; atoms go one
 * by one in the order of arrival, since what is left of the tail is measured to be one atom. The shortest and the longest
 * kernel are the calibration half: what splitting costs is fitted to the longest, the host's times to the shortest.
 */
final class AtomGates {
    /** A block of four warps on the four schedulers of an SM: two cycles a multiply-add, at 1.41 GHz. */
    private static final double NANOS_PER_STEP = 2 / 1.41;

    private static final double ATOM_FACTOR = 1.45;
    /** The short kernel with its launch and the wait for its end, as the host sees them at the worst of 80 times. */
    private static final double CRITICAL_NANOS = 28_000;
    /** From the end of the last of 20 kernels to the next one: what the shortest takes above its arithmetic. */
    private static final long HOST_NANOS = 12_000;

    private static final double STUB_NANOS_PER_BLOCK = 500;
    private static final double ATOM_NANOS = 300_000;
    private static final long PAUSE_NANOS = 300_000;
    /** By which a sleeping thread of Linux may wake up later than asked: its default slack. */
    private static final long SLACK_NANOS = 50_000;

    private static final int LAUNCHES_AT_A_TIME = 20;
    private static final int ITERATIONS = 80;
    private static final int REPEATS = 25;
    private static final long ALONE_NANOS = 400_000_000;

    private AtomGates() {}

    static List<GateCheck> run() {
        List<GateCheck> checks = new ArrayList<>();
        for (double[] row : Published.ATOMS) {
            boolean heldOut = row[0] == 0.24 || row[0] == 2.2;
            int blocks = (int) row[4];
            int atoms = Math.max(1, (int) (blocks * STUB_NANOS_PER_BLOCK / ATOM_NANOS));
            double[] whole = measure(blocks, row[5], 1);
            double[] cut = atoms == 1 ? whole : measure(blocks, row[5], atoms);
            String name = " of a " + row[0] + " ms kernel";
            checks.add(GateCheck.factor("V8", "p99 us beside the whole" + name, heldOut, whole[0], row[1], 1.5));
            checks.add(GateCheck.factor("V8", "p99 us beside the atoms" + name, heldOut, cut[0], row[2], 1.5));
            checks.add(GateCheck.within(
                    "V8", "part of the throughput kept" + name, heldOut, cut[1] / whole[1], row[3], 0.1));
        }
        return checks;
    }

    /** Mean of the largest latencies in us, and best-effort blocks in a time without the short kernel. */
    private static double[] measure(int blocks, double steps, int atoms) {
        double largest = 0;
        for (int seed = 1; seed <= REPEATS; seed++) {
            largest += new Pair(blocks, steps, atoms, seed).largestNanos() / 1e3 / REPEATS;
        }
        return new double[] {largest, new Pair(blocks, steps, atoms, 1).blocksAlone()};
    }

    /** The two programmes on one device. */
    private static final class Pair {
        private final SimulatedGpu gpu = new SimulatedGpu(Devices.A100);
        private final GpuStream critical;
        private final GpuStream bestEffort;
        private final Kernel small;
        private final Kernel large;
        private final int atoms;
        private final SplittableRandom random;
        private int launches;
        private int left;
        private int ended;
        private long blocksEnded;
        private long submitted;
        private long largest;

        Pair(int blocks, double steps, int atoms, long seed) {
            GpuSpec device = gpu.spec();
            this.atoms = atoms;
            this.random = new SplittableRandom(seed);
            BlockShape shape = new BlockShape(Published.ATOM_THREADS, 0, 0);
            small = new Kernel(
                    "critical", Published.ATOM_CRITICAL_BLOCKS, shape, CRITICAL_NANOS, 0, 0, 0, 0, 0, Bound.COMPUTE);
            large = new Kernel("best-effort", blocks, shape, 0, steps * NANOS_PER_STEP, 0, 0, 0, 0, Bound.COMPUTE);
            // whole: blocks of the earlier kernel first; atoms: one queue for both
            bestEffort = gpu.stream("best-effort", 1, device.allGroups(), 0);
            critical = atoms == 1 ? gpu.stream("critical", 0, device.allGroups(), 0) : bestEffort;
            gpu.onFinished(this::finished);
        }

        /** The longest time of a short kernel in its iterations. */
        long largestNanos() {
            batch();
            gpu.at(2 * PAUSE_NANOS + random.nextLong(10 * PAUSE_NANOS), this::request);
            while (ended < ITERATIONS) {
                gpu.run(gpu.now() + PAUSE_NANOS);
            }
            return largest;
        }

        long blocksAlone() {
            batch();
            gpu.run(ALONE_NANOS);
            return blocksEnded;
        }

        private void batch() {
            launches = LAUNCHES_AT_A_TIME * atoms;
            next();
        }

        private void next() {
            if (left == 0) {
                left = large.blocks();
            }
            int most = (large.blocks() + atoms - 1) / atoms;
            launches--;
            Launch launch = new Launch(large, Math.min(most, left)).slowedBy(atoms == 1 ? 1 : ATOM_FACTOR);
            left -= launch.blocks();
            gpu.submit(bestEffort, launch, gpu.now() + gpu.spec().kernelGapNanos());
        }

        private void request() {
            submitted = gpu.now();
            gpu.submit(critical, new Launch(small), submitted);
        }

        private void finished(Launch launch) {
            if (launch.kernel() == small) {
                largest = Math.max(largest, gpu.now() - submitted);
                ended++;
                gpu.at(gpu.now() + PAUSE_NANOS + random.nextLong(SLACK_NANOS), this::request);
                return;
            }
            blocksEnded += launch.blocks();
            if (launches > 0) {
                next();
            } else { // the host waits for the last kernel, then launches again
                gpu.at(gpu.now() + HOST_NANOS, this::batch);
            }
        }
    }
}

package io.sluice.sharing.gates;

import io.sluice.sharing.gpu.BlockShape;
import io.sluice.sharing.gpu.Devices;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Kernel.Bound;
import io.sluice.sharing.policy.BestEffortClient;
import io.sluice.sharing.policy.CriticalServer;
import io.sluice.sharing.policy.SharedGpu;
import io.sluice.sharing.policy.SharingPolicies;
import io.sluice.sharing.policy.SharingPolicy;
import io.sluice.sharing.workload.Arrivals;
import io.sluice.sharing.workload.Calibration;
import io.sluice.sharing.workload.Program;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * V8: a short kernel behind best-effort kernels of 0.04 to 10.8 ms, as they are and cut into atoms. Grids are those of the
 * reproduction's programmes: a chain of multiply-adds, so a block's time grows with the blocks beside it. As it is, a kernel
 * goes before the short one until the last of its blocks has started; atoms go one by one in the order of arrival, since
 * what is left of the tail is measured to be one atom. The shortest and the longest kernel are the calibration half: the
 * length of an atom and what splitting costs are fitted to the longest.
 */
final class AtomGates {
    private static final double ATOM_NANOS = 230_000;
    private static final double ATOM_FACTOR = 1.45;
    /** The short kernel with its launch and the wait for its end, as the host sees them; assumed. */
    private static final double CRITICAL_NANOS = 20_000;

    private static final long SPAN_NANOS = 20_000_000_000L;

    private AtomGates() {}

    static List<GateCheck> run() {
        List<GateCheck> checks = new ArrayList<>();
        for (double[] row : Published.ATOMS) {
            boolean heldOut = row[0] == 0.24 || row[0] == 2.2;
            boolean split = row[0] * 1e6 > ATOM_NANOS;
            double[] whole = measure(row, SharingPolicies.oldestFirst());
            double[] atoms = split ? measure(row, SharingPolicies.atoms(ATOM_NANOS, ATOM_FACTOR)) : whole;
            String name = " of a " + row[0] + " ms kernel";
            checks.add(GateCheck.factor("V8", "p99 us beside the whole" + name, heldOut, whole[0], row[1], 1.5));
            checks.add(GateCheck.factor("V8", "p99 us beside the atoms" + name, heldOut, atoms[0], row[2], 1.5));
            checks.add(GateCheck.within(
                    "V8", "part of the throughput kept" + name, heldOut, atoms[1] / whole[1], row[3], 0.1));
        }
        return checks;
    }

    /** p99 in us and best-effort progress. */
    private static double[] measure(double[] row, SharingPolicy policy) {
        GpuSpec device = Devices.A100;
        // a kernel's latency on the device: no host, no request
        Calibration kernels = Calibration.DEFAULT.withRequestNanos(0, 0, 0);
        SharedGpu shared = new SharedGpu(device, kernels, policy);
        BlockShape shape = new BlockShape(Published.ATOM_THREADS, 0, 0);
        int blocks = (int) row[4];
        double perBlock = row[0] * 1e6 * device.sms() / blocks;
        Kernel small = new Kernel(
                "critical", Published.ATOM_CRITICAL_BLOCKS, shape, CRITICAL_NANOS, 0, 0, 0, 0, 0, Bound.COMPUTE);
        Kernel large = new Kernel("best-effort", blocks, shape, 0, perBlock, 0, 0, 0, 0, Bound.COMPUTE);
        Program request = new Program("critical", List.of(small), 0);
        CriticalServer server = shared.serve(request, Arrivals.poisson(20, SPAN_NANOS, 5), 5);
        BestEffortClient client = shared.add(new Program("best-effort", List.of(large), 0));
        shared.run(SPAN_NANOS);
        long[] service = server.serviceNanos(0);
        Arrays.sort(service);
        return new double[] {service[(int) Math.ceil(0.99 * service.length) - 1] / 1e3, client.doneNanos()};
    }
}

package io.sluice.sharing.gates;

import io.sluice.sharing.gpu.Devices;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.policy.BestEffortClient;
import io.sluice.sharing.policy.CriticalServer;
import io.sluice.sharing.policy.SharedGpu;
import io.sluice.sharing.policy.SharingPolicies;
import io.sluice.sharing.policy.SharingPolicy;
import io.sluice.sharing.workload.Arrivals;
import io.sluice.sharing.workload.Calibration;
import io.sluice.sharing.workload.KernelProfiles;
import io.sluice.sharing.workload.KernelProfiles.Scale;
import io.sluice.sharing.workload.Program;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * V7: those of GPreempt's workloads (Fan et al., ATC'25, table 1, and its artifact) that have one latency-critical task and
 * inference beside it. A: VGG and ResNet152, 100 of each a second; B: 220; C: VGG and five models, 100 of each. Every task is
 * a thread that is due periodically, the second task of a rate as much later as the first one lasts alone, and so on; it
 * sleeps 200 us, copies its input, and runs its model. Kernels are those of ResNet50 with grids of batch 1, once for each model
 * and three times for ResNet152; models last as long as the artifact's throughputs in sequence say. Nothing was fitted to
 * latencies.
 */
final class PreemptionGates {
    private static final double FACTOR = 1.5;
    private static final double PERCENTS = 3;
    /** Until the first kernel: what the artifact's clients sleep, and a small copy. */
    private static final long INPUT_NANOS = 200_000 + 80_000;
    /** Of VGG alone with its input. */
    private static final double VGG_NANOS = 2.36e6;
    /** B in sequence: 110 of each model a second. */
    private static final double RESNET_NANOS = 1e9 / 110 - (VGG_NANOS - INPUT_NANOS);
    /** C in sequence: 170 batches a second beside 100 of VGG; less ResNet152 and VGG, for three models. */
    private static final double OTHER_NANOS =
            (5 * (1e9 - 100 * (VGG_NANOS - INPUT_NANOS)) / 170 - RESNET_NANOS - (VGG_NANOS - INPUT_NANOS)) / 3;

    private static final GpuSpec DEVICE = Devices.A100;
    private static final Calibration CALIBRATION = Calibration.DEFAULT.withRequestNanos(
            INPUT_NANOS, Calibration.DEFAULT.takeoverNanos(), Calibration.DEFAULT.pollNanos());
    private static final long WARMUP_NANOS = 500_000_000;

    private PreemptionGates() {}

    /** A workload: all tasks' rate, and how long the models beside VGG last on the device. */
    private record Workload(double perSecond, double... modelNanos) {}

    static List<GateCheck> run(double seconds) {
        double vgg = VGG_NANOS - INPUT_NANOS;
        List<Workload> workloads = List.of(
                new Workload(100, RESNET_NANOS),
                new Workload(220, RESNET_NANOS),
                new Workload(100, RESNET_NANOS, OTHER_NANOS, vgg, OTHER_NANOS, OTHER_NANOS));
        double[] drawnAlone = Published.GPREEMPT_LATENCY_MS.get("none");
        double[] alone = workloads.stream()
                .mapToDouble(workload -> latency(workload, "none", seconds))
                .toArray();
        List<GateCheck> checks = new ArrayList<>();
        for (String method : Published.GPREEMPT_METHODS) {
            double added = 0;
            double published = 0;
            double[] drawn = Published.GPREEMPT_LATENCY_MS.get(method);
            for (int w = 0; w < workloads.size(); w++) {
                added += percent(latency(workloads.get(w), method, seconds), alone[w]) / workloads.size();
                published += percent(drawn[w], drawnAlone[w]) / workloads.size();
            }
            double low = Math.min(published / FACTOR, published - PERCENTS);
            double high = Math.max(published * FACTOR, published + PERCENTS);
            String what = "latency added %, mean of workloads A, B, C, " + method;
            checks.add(new GateCheck("V7", what, true, added, published, low, high));
        }
        return checks;
    }

    private static double percent(double beside, double alone) {
        return 100 * (beside / alone - 1);
    }

    /** Mean time of a request of VGG from the begin of its input, nanoseconds. */
    private static double latency(Workload workload, String method, double seconds) {
        SharingPolicy policy =
                method.equals("mps") ? SharingPolicies.streamsOfOneProcess() : SharingPolicies.named(method);
        SharedGpu shared = new SharedGpu(DEVICE, CALIBRATION, policy);
        long span = WARMUP_NANOS + Math.round(seconds * 1e9);
        CriticalServer server = shared.serve(
                model("vgg", 1, VGG_NANOS - INPUT_NANOS), Arrivals.constant(workload.perSecond(), span), 1);
        long period = Math.round(1e9 / workload.perSecond());
        double first = period + VGG_NANOS;
        for (double nanos : workload.modelNanos()) {
            Program model = model("model", nanos == RESNET_NANOS ? 3 : 1, nanos);
            BestEffortClient client = shared.add(new Program(model.name(), model.kernels(), INPUT_NANOS));
            client.paced(period, Math.round(first));
            first += nanos + INPUT_NANOS;
        }
        shared.run(span);
        return Arrays.stream(server.serviceOfEndedNanos(WARMUP_NANOS)).average().orElse(Double.NaN);
    }

    /** ResNet50's kernels so many times, as long as the model. */
    private static Program model(String name, int times, double nanos) {
        List<Kernel> once = KernelProfiles.kernels(
                KernelProfiles.read("resnet50_4_fwd"), DEVICE, 0.25, Scale.SAME, CALIBRATION); // batch 1 for batch 4
        List<Kernel> all = new ArrayList<>();
        for (int i = 0; i < times; i++) {
            all.addAll(once);
        }
        return new Program(name, all, 0).lasting(DEVICE, nanos);
    }
}

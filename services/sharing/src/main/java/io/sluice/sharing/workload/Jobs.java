package io.sluice.sharing.workload;

import io.sluice.sharing.gpu.BlockShape;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Kernel.Bound;
import io.sluice.sharing.workload.KernelProfiles.Row;
import io.sluice.sharing.workload.KernelProfiles.Scale;
import java.util.ArrayList;
import java.util.List;

/**
 * Jobs that stand for the published ones. Tally's kernel traces are not public: each best-effort job is the nearest
 * Orion profile, its grid scaled by the batch, its host idle as the device's published utilisation says (Tally,
 * ASPLOS'25, artifact evaluation data).
 */
public final class Jobs {
    /** Latency-critical jobs by name. */
    public static final List<String> CRITICAL =
            List.of("bert", "llama-2-7b", "resnet50", "mobilenetv2", "efficientnet");

    /** Best-effort jobs by name; the first three are the calibration half, the others are held out. */
    public static final List<String> BEST_EFFORT =
            List.of("whisper", "resnet50-train", "pointnet", "bert-train", "gpt2-large", "pegasus-x");

    /** Best-effort batches of inference, not part of the pairs. */
    public static final List<String> BATCHES = List.of("resnet50-batch");

    /** The best-effort jobs that the calibration has seen. */
    public static final List<String> CALIBRATION_HALF = BEST_EFFORT.subList(0, 3);

    /** The best-effort jobs that it has not. */
    public static final List<String> HELD_OUT_HALF = BEST_EFFORT.subList(3, 6);

    /** A thread for each of 128 x 2,500 points, 256 in a block. */
    private static final int POINTNET_BLOCKS = 1_250;

    private static final int LLAMA_TOKENS = 190;
    private static final int LLAMA_LAYERS = 32;
    private static final double LLAMA_NANOS = 1_963.9e6;

    private Jobs() {}

    /** A latency-critical job's request on this device. */
    public static Program critical(String name, GpuSpec device, Calibration calibration) {
        return switch (name) {
            case "bert" -> bert(device, calibration);
            case "llama-2-7b" -> llama(device, LLAMA_TOKENS);
            case "resnet50" -> inference(name, "resnet50_4_fwd", device, calibration);
            case "mobilenetv2" -> inference(name, "mobilenetv2_4_fwd", device, calibration);
            case "efficientnet" -> inference(name, "efficientnet_4_fwd_new", device, calibration);
            default ->
                throw new IllegalArgumentException("no latency-critical job " + name + "; there are " + CRITICAL);
        };
    }

    /** A best-effort job's step on this device. */
    public static Program bestEffort(String name, GpuSpec device, Calibration calibration) {
        return switch (name) {
            // kernels of up to some 10 ms: RetinaNet has the longest of the profiles; its grid is fitted
            case "whisper" ->
                training(name, "retinanet_4_fwd_new", 1.9, convolutions(calibration), device, calibration)
                        .utilised(device, 0.49994);
            case "resnet50-train" ->
                training(name, "resnet50_32_fb1", 128 / 32.0, convolutions(calibration), device, calibration)
                        .utilised(device, 0.99506);
            // pointwise convolutions over many points, mostly memory bound, as MobileNetV2 trains; the largest tensor,
            // 128 x 2,500 points x 1,024, is 2.84 times MobileNetV2's at batch 96
            case "pointnet" ->
                training(name, "mobilenetv2_96_fb1", 2.84, convolutions(calibration), device, calibration)
                        .cut(POINTNET_BLOCKS)
                        .utilised(device, 0.9323);
            case "bert-train" ->
                training(name, "bert_8_fb1", 32 / 8.0, matrices(calibration), device, calibration)
                        .utilised(device, 0.98041);
            case "gpt2-large" ->
                training(name, "transformer_xl_8_fb1", 1, matrices(calibration), device, calibration)
                        .utilised(device, 0.8945);
            case "pegasus-x" ->
                training(name, "transformer_xl_8_fb1", 4, matrices(calibration), device, calibration)
                        .utilised(device, 0.89767);
            // batches of inference, one after the other
            case "resnet50-batch" ->
                inference(name, "resnet50_4_fwd", device, calibration).utilised(device, 0.95);
            default ->
                throw new IllegalArgumentException(
                        "no best-effort job " + name + "; there are " + BEST_EFFORT + " and " + BATCHES);
        };
    }

    /** Half of the layers of BERT-large at batch 1, as long as BERT-base alone in Tally's artifact with what comes before its kernels (4.033 ms mean). */
    private static Program bert(GpuSpec device, Calibration calibration) {
        List<Row> rows = KernelProfiles.read("bert_2_fwd");
        List<Kernel> kernels = KernelProfiles.kernels(
                rows.subList(0, rows.size() / 2), device, calibration.criticalGridScale(), Scale.SAME, calibration);
        return new Program("bert", kernels, 0).lasting(device, 4.033e6 - calibration.prepareNanos());
    }

    private static Program inference(String name, String profile, GpuSpec device, Calibration calibration) {
        List<Kernel> kernels =
                KernelProfiles.kernels(KernelProfiles.read(profile), device, 1, convolutions(calibration), calibration);
        return new Program(name, kernels, 0);
    }

    private static Program training(
            String name, String profile, double grid, Scale times, GpuSpec device, Calibration calibration) {
        return new Program(
                name, KernelProfiles.kernels(KernelProfiles.read(profile), device, grid, times, calibration), 0);
    }

    private static Scale convolutions(Calibration calibration) {
        return new Scale(calibration.convolutionScale(), calibration.memoryScale());
    }

    private static Scale matrices(Calibration calibration) {
        return new Scale(calibration.matrixScale(), calibration.memoryScale());
    }

    /**
     * Decoding of {@code tokens} tokens at batch 1: per layer two short kernels and three that stream the weights at 0.85
     * of the memory bandwidth; as long per token as Llama-2-7B alone in Tally's artifact with 190 tokens (1963.9 ms).
     */
    public static Program llama(GpuSpec device, int tokens) {
        if (tokens < 1) {
            throw new IllegalArgumentException("a request decodes at least one token, not " + tokens);
        }
        int perSm = device.residency(BlockShape.COMMON);
        double layerNanos = LLAMA_NANOS / LLAMA_TOKENS / LLAMA_LAYERS;
        double shortNanos = 6_000;
        double longNanos = (layerNanos - 2 * shortNanos - 5.0 * device.kernelGapNanos()) / 3;
        int wave = device.sms() * perSm / 2;
        Kernel small = new Kernel(
                "attention",
                device.sms() / 2,
                BlockShape.COMMON,
                shortNanos * 0.5,
                shortNanos * 0.5,
                0,
                0,
                0,
                0.4,
                Bound.UNKNOWN);
        double traffic = 0.85 * device.dramBytesPerNano() * longNanos / wave;
        Kernel stream = new Kernel(
                "weights",
                wave,
                BlockShape.COMMON,
                longNanos * 0.8,
                longNanos * 0.2 / (perSm / 2.0),
                traffic,
                0,
                0,
                0.3,
                Bound.MEMORY);
        List<Kernel> kernels = new ArrayList<>();
        for (int i = 0; i < tokens * LLAMA_LAYERS; i++) {
            kernels.add(small);
            kernels.add(stream);
            kernels.add(small);
            kernels.add(stream);
            kernels.add(stream);
        }
        return new Program("llama-2-7b", kernels, 0);
    }
}

package io.sluice.sharing.workload;

import io.sluice.sharing.gpu.BlockShape;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Kernel.Bound;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Synthetic kernels for the models of ECLIP's mixes (ISLPED 2025), whose traces are not public. Kernels per request follow
 * from the switches that its table I counts when every kernel switches; the change of need between neighbours from the
 * switches of its pre-allocated variant (about half of the kernels). Mean durations are assumed, but for albert's 19.8 us;
 * needs of 15, 30, 45 and 60 compute units are drawn at 35, 30, 20 and 15 %, for vgg19 at 5, 10, 25 and 60 %.
 */
public final class PartitionModels {
    /** Kernels of a request, mean microseconds of a kernel, part of neighbours with different needs. */
    private record Shape(int kernels, double meanMicros, double changes) {}

    private static final Map<String, Shape> SHAPES = new TreeMap<>(Map.of(
            "albert", new Shape(304, 19.8, 0.5),
            "densenet201", new Shape(711, 15, 0.49),
            "alexnet", new Shape(34, 40, 0.7),
            "resnet152", new Shape(517, 25, 0.5),
            "resnext101", new Shape(364, 30, 0.3),
            "shufflenet", new Shape(364, 8, 0.3),
            "vgg19", new Shape(62, 120, 0.5)));
    private static final double[] NEEDS = {0.35, 0.65, 0.85, 1};
    private static final double[] LARGE_NEEDS = {0.05, 0.15, 0.40, 1};
    private static final double LATENCY_SHARE = 0.7;

    private PartitionModels() {}

    /** The models by name. */
    public static List<String> names() {
        return List.copyOf(SHAPES.keySet());
    }

    /** A request of a model on a device whose groups all have as many units; the same for the same seed. */
    public static Program request(String model, GpuSpec device, long seed) {
        Shape shape = SHAPES.get(model);
        if (shape == null) {
            throw new IllegalArgumentException("no model " + model + "; there are " + names());
        }
        SplittableRandom random = new SplittableRandom(seed * 31 + model.hashCode());
        int group = device.groups()[0];
        int perSm = device.residency(BlockShape.COMMON);
        List<Kernel> kernels = new ArrayList<>(shape.kernels());
        int need = 1;
        for (int i = 0; i < shape.kernels(); i++) {
            if (i == 0 || random.nextDouble() < shape.changes()) {
                int before = need;
                do {
                    need = draw(model.equals("vgg19") ? LARGE_NEEDS : NEEDS, random.nextDouble());
                } while (i > 0 && need == before);
            }
            double nanos = shape.meanMicros() * 1000 * (0.4 - 0.6 * Math.log(1 - random.nextDouble()));
            boolean memory = random.nextDouble() < 0.4;
            double traffic = (memory ? 0.6 : 0.2) * device.dramBytesPerNano() * nanos / (perSm * device.sms());
            kernels.add(new Kernel(
                    model,
                    need * group * perSm,
                    BlockShape.COMMON,
                    LATENCY_SHARE * nanos,
                    (1 - LATENCY_SHARE) * nanos / perSm,
                    traffic,
                    0.3,
                    1 << 20,
                    memory ? 0.5 : 0.8,
                    memory ? Bound.MEMORY : Bound.COMPUTE));
        }
        return new Program(model, kernels, 0);
    }

    private static int draw(double[] cumulative, double u) {
        int i = 0;
        while (u > cumulative[i]) {
            i++;
        }
        return i + 1;
    }
}

package io.sluice.sharing.workload;

import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.Kernel;
import java.util.ArrayList;
import java.util.List;

/**
 * What a client runs again and again: the kernels of one request or one training step, in order, and the time its host
 * keeps the device idle after each round.
 */
public record Program(String name, List<Kernel> kernels, long hostNanos) {
    public Program {
        kernels = List.copyOf(kernels);
        if (kernels.isEmpty()) {
            throw new IllegalArgumentException("programme " + name + " has no kernels");
        }
        if (hostNanos < 0) {
            throw new IllegalArgumentException("programme " + name + ": host time " + hostNanos + " ns is negative");
        }
    }

    /** Nanoseconds of one round alone on the device, gaps between kernels included, the host's time not. */
    public double deviceNanos(GpuSpec device) {
        double sum = 0;
        for (Kernel kernel : kernels) {
            sum += kernel.soloNanos(device.sms(), device.residency(kernel.shape())) + device.kernelGapNanos();
        }
        return sum;
    }

    /** The same programme with block times such that one round alone lasts {@code nanos} on the device. */
    public Program lasting(GpuSpec device, double nanos) {
        double gaps = (double) kernels.size() * device.kernelGapNanos();
        double factor = (nanos - gaps) / (deviceNanos(device) - gaps);
        if (!(factor > 0)) {
            throw new IllegalArgumentException("programme " + name + " cannot last " + nanos + " ns: its "
                    + kernels.size() + " gaps alone last " + gaps);
        }
        List<Kernel> scaled = new ArrayList<>(kernels.size());
        for (Kernel k : kernels) {
            scaled.add(new Kernel(
                    k.name(),
                    k.blocks(),
                    k.shape(),
                    k.latencyNanos() * factor,
                    k.throughputNanos() * factor,
                    k.trafficBytes() * factor,
                    k.reuse(),
                    k.footprintBytes(),
                    k.issue(),
                    k.bound()));
        }
        return new Program(name, scaled, hostNanos);
    }

    /** The same programme with kernels of fewer blocks than this cut into more, each as much shorter. */
    public Program cut(int leastBlocks) {
        List<Kernel> cut = new ArrayList<>(kernels.size());
        for (Kernel k : kernels) {
            int n = k.blockNanos(1) < 50_000 ? 1 : Math.max(1, (int) Math.ceil((double) leastBlocks / k.blocks()));
            cut.add(new Kernel(
                    k.name(),
                    k.blocks() * n,
                    k.shape(),
                    k.latencyNanos() / n,
                    k.throughputNanos() / n,
                    k.trafficBytes() / n,
                    k.reuse(),
                    k.footprintBytes(),
                    k.issue(),
                    k.bound()));
        }
        return new Program(name, cut, hostNanos);
    }

    /** The same programme whose host leaves the device busy for this part of the time when it runs alone. */
    public Program utilised(GpuSpec device, double part) {
        if (!(part > 0 && part <= 1)) {
            throw new IllegalArgumentException("utilisation " + part + " is not in (0, 1]");
        }
        return new Program(name, kernels, Math.round(deviceNanos(device) * (1 / part - 1)));
    }
}

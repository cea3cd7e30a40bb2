package io.sluice.clusters;

import io.sluice.clusters.GpuCatalogue.Gpu;
import io.sluice.core.cluster.MachineType;
import java.util.Optional;

/** Machine types of a cluster file. */
final class MachineReader {
    /** Network connection of a machine whose file says none, bytes/s. */
    static final double NIC_DEFAULT = 25e9 / 8;

    /** Speed at which weights are loaded where the file says none, bytes/s. */
    static final double LOAD_DEFAULT = 1e9;

    private final Problems problems;

    MachineReader(Problems problems) {
        this.problems = problems;
    }

    /**
     * A machine type and what its layer times can be computed from.
     *
     * @param roofline empty when neither a known GPU nor memory bandwidth and arithmetic speed are given
     */
    record Machine(MachineType type, Optional<Roofline> roofline) {}

    /** The machine described at {@code at}; empty, with a problem added, when it is wrong. */
    Optional<Machine> read(String name, FileValue at) {
        int gpus = at.has("gpus") ? (int) at.get("gpus").whole() : 1;
        Optional<Gpu> gpu = Optional.empty();
        if (at.has("gpu")) {
            gpu = GpuCatalogue.find(at.get("gpu").text());
            if (gpu.isEmpty() && !at.has("memory")) {
                problems.add(
                        at.get("gpu"),
                        at.get("gpu") + " is not in the catalogue " + GpuCatalogue.names()
                                + "; choose one of these or give memory, memory_bandwidth and tflops");
                return Optional.empty();
            }
        }
        double memory =
                size(at, "memory", gpu.map(g -> (double) g.memoryBytes() * gpus).orElse(0.0));
        if (memory < 1) {
            problems.add(at, "needs memory, for example 24GB, or a gpu of the catalogue");
            return Optional.empty();
        }
        double nic = rate(at, "nic", NIC_DEFAULT);
        double price = number(at, "price_per_hour", 0);
        double busy =
                number(at, "busy_watts", gpu.map(g -> g.busyWatts() * gpus).orElse(0.0));
        int before = problems.size();
        double in = rate(at, "nic_in", nic);
        double out = rate(at, "nic_out", nic);
        double load = rate(at, "load", LOAD_DEFAULT);
        for (String key : new String[] {"nic", "nic_in", "nic_out", "load", "memory_bandwidth"}) {
            if (at.has(key) && rate(at, key, 0) <= 0) {
                problems.add(
                        at.get(key), "a bandwidth of 0 leaves the machine useless; drop the machine or correct it");
            }
        }
        if (problems.size() > before) {
            return Optional.empty();
        }
        MachineType type =
                new MachineType(name, (long) memory, in, out, load, price, number(at, "idle_watts", 0), busy);
        return Optional.of(new Machine(type, roofline(at, gpu, gpus)));
    }

    private Optional<Roofline> roofline(FileValue at, Optional<Gpu> gpu, int gpus) {
        Optional<Roofline> one = gpu.map(g -> new Roofline(g.memoryBytesPerSecond(), g.tflops()).times(gpus));
        double bandwidth = rate(
                at, "memory_bandwidth", one.map(Roofline::memoryBytesPerSecond).orElse(0.0));
        double tflops = number(at, "tflops", one.map(Roofline::tflops).orElse(0.0));
        if (bandwidth > 0 && tflops > 0) {
            return Optional.of(new Roofline(bandwidth, tflops));
        }
        return Optional.empty();
    }

    /** Bytes at {@code key}, or {@code otherwise}. */
    double size(FileValue at, String key, double otherwise) {
        FileValue value = at.get(key);
        return value == null ? otherwise : Units.size(value.text()).orElseGet(() -> bad(value, "a size", "16GB"));
    }

    /** Bytes per second at {@code key}, or {@code otherwise}. */
    double rate(FileValue at, String key, double otherwise) {
        FileValue value = at.get(key);
        return value == null
                ? otherwise
                : Units.rate(value.text()).orElseGet(() -> bad(value, "a bandwidth", "10Gbit or 1.25GB/s"));
    }

    /** Seconds at {@code key}, or {@code otherwise}. */
    double duration(FileValue at, String key, double otherwise) {
        FileValue value = at.get(key);
        return value == null
                ? otherwise
                : Units.duration(value.text()).orElseGet(() -> bad(value, "a duration", "40ms"));
    }

    static double number(FileValue at, String key, double otherwise) {
        return at.has(key) ? at.get(key).number() : otherwise;
    }

    private double bad(FileValue value, String what, String example) {
        problems.add(value, value + " is not " + what + "; write for example " + example);
        return 1;
    }
}

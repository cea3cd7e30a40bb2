package io.sluice.sharing.workload;

import io.sluice.sharing.gpu.BlockShape;
import io.sluice.sharing.gpu.GpuSpec;
import io.sluice.sharing.gpu.Kernel;
import io.sluice.sharing.gpu.Kernel.Bound;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads Orion's per-kernel profiles (Strati et al., EuroSys'24; measured on a V100) and turns them into kernels: the
 * grid from the SMs it fills, the block time from duration over waves, traffic and issue share from the class.
 */
public final class KernelProfiles {
    private static final int PROFILED_SMS = 80;
    private static final double SHORTEST_NANOS = 500;

    /** One line of a profile. */
    public record Row(String name, Bound bound, double sms, double nanos) {
        public Row {
            if (!(sms > 0) || !(nanos > 0)) {
                throw new IllegalArgumentException("profile line " + name + ": " + sms + " SMs for " + nanos + " ns");
            }
        }
    }

    /** Block times on another device than the profile's: of kernels that arithmetic limits, and of all others. */
    public record Scale(double compute, double others) {
        /** The profile's own device. */
        public static final Scale SAME = new Scale(1, 1);

        double of(Bound bound) {
            return bound == Bound.COMPUTE ? compute : others;
        }
    }

    private KernelProfiles() {}

    /** The lines of a profile in this module's resources, such as {@code resnet50_32_fb1}. */
    public static List<Row> read(String profile) {
        String path = "orion/" + profile + ".csv";
        try (InputStream in = KernelProfiles.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalArgumentException("no kernel profile " + profile + "; see the README beside them");
            }
            List<Row> rows = new ArrayList<>();
            BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
            reader.readLine(); // the header
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (!line.isBlank()) {
                    rows.add(parse(profile, line));
                }
            }
            return rows;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Row parse(String profile, String line) {
        String[] parts = line.split(",");
        int n = parts.length;
        if (n < 5) {
            throw new IllegalArgumentException("profile " + profile + ": line '" + line + "' has not five columns");
        }
        Bound bound =
                switch (parts[n - 4].trim()) {
                    case "1" -> Bound.COMPUTE;
                    case "0" -> Bound.MEMORY;
                    default -> Bound.UNKNOWN;
                };
        String name = String.join(",", List.of(parts).subList(0, n - 4)).trim();
        return new Row(name, bound, Double.parseDouble(parts[n - 2]), Double.parseDouble(parts[n - 1]));
    }

    /**
     * Kernels for {@code device}: grids times {@code gridScale} (a batch larger than the profile's), block times times
     * {@code times} of their class. Lines under half a microsecond are left out.
     */
    public static List<Kernel> kernels(
            List<Row> rows, GpuSpec device, double gridScale, Scale times, Calibration calibration) {
        List<Kernel> kernels = new ArrayList<>(rows.size());
        int perSm = device.residency(BlockShape.COMMON);
        for (Row row : rows) {
            if (row.nanos() < SHORTEST_NANOS) {
                continue;
            }
            double waves = Math.ceil(row.sms() / PROFILED_SMS);
            double fill = Math.min(1, Math.max(1.0 / perSm, row.sms() / PROFILED_SMS));
            double share = calibration.latencyShare();
            double fullNanos = row.nanos() / waves / (share + (1 - share) * fill) * times.of(row.bound());
            kernels.add(kernel(row, device, perSm, gridScale, fullNanos, calibration));
        }
        return kernels;
    }

    private static Kernel kernel(
            Row row, GpuSpec device, int perSm, double gridScale, double fullNanos, Calibration calibration) {
        double memory =
                switch (row.bound()) {
                    case COMPUTE -> calibration.memoryCompute();
                    case MEMORY -> calibration.memoryMemory();
                    case UNKNOWN -> calibration.memoryUnknown();
                };
        double issue =
                switch (row.bound()) {
                    case COMPUTE -> calibration.issueCompute();
                    case MEMORY -> calibration.issueMemory();
                    case UNKNOWN -> calibration.issueUnknown();
                };
        double share = calibration.latencyShare();
        return new Kernel(
                row.name(),
                (int) Math.max(1, Math.round(row.sms() * gridScale * perSm)),
                BlockShape.COMMON,
                share * fullNanos,
                (1 - share) * fullNanos / perSm,
                memory * device.dramBytesPerNano() * fullNanos / ((double) perSm * device.sms()),
                0,
                0,
                issue,
                row.bound());
    }
}

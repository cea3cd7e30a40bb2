package io.sluice.clusters;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Common data-centre GPUs with the figures of their makers' public datasheets. Immutable. */
final class GpuCatalogue {
    private static final SortedMap<String, Gpu> GPUS = read();

    private GpuCatalogue() {}

    /**
     * One GPU.
     *
     * @param memoryBytes device memory, bytes
     * @param memoryBytesPerSecond memory bandwidth, bytes/s
     * @param tflops dense 16-bit tensor throughput, 10^12 operations/s
     * @param busyWatts board power, watts
     */
    record Gpu(String name, long memoryBytes, double memoryBytesPerSecond, double tflops, double busyWatts) {}

    /** The GPU of that name, upper or lower case. */
    static Optional<Gpu> find(String name) {
        return Optional.ofNullable(GPUS.get(name.toUpperCase(Locale.ROOT)));
    }

    static List<String> names() {
        return GPUS.values().stream().map(Gpu::name).toList();
    }

    private static SortedMap<String, Gpu> read() {
        SortedMap<String, Gpu> gpus = new TreeMap<>();
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(GpuCatalogue.class.getResourceAsStream("gpus.csv"), StandardCharsets.UTF_8))) {
            for (String line : lines.lines().skip(1).toList()) {
                String[] cells = line.split(",", -1);
                gpus.put(
                        cells[0].toUpperCase(Locale.ROOT),
                        new Gpu(
                                cells[0],
                                Long.parseLong(cells[1]) * 1_000_000_000L,
                                Double.parseDouble(cells[2]) * 1e9,
                                Double.parseDouble(cells[3]),
                                Double.parseDouble(cells[4])));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Collections.unmodifiableSortedMap(gpus);
    }
}

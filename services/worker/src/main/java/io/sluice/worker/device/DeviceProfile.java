package io.sluice.worker.device;

import io.sluice.core.cluster.Curve;
import io.sluice.core.cluster.LinearPower;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Published times of one LLaMA-2-70B layer on one machine type, its memory and network (Helix, ASPLOS'25, Apache-2.0), and
 * its power (see {@code ORIGIN.md} beside the data). Linear between the points, in proportion beyond the last one.
 * Immutable.
 */
public final class DeviceProfile {
    private static final List<String> MACHINE_COLUMNS = List.of(
            "gpu",
            "vram_bytes",
            "nic_in_bytes_per_s",
            "nic_out_bytes_per_s",
            "disk_bytes_per_s",
            "idle_watts",
            "limit_watts");
    private static final List<String> TIME_COLUMNS = List.of("gpu", "phase", "batch_tokens", "time_ms_per_layer");

    private final String name;
    private final long memoryBytes;
    private final double linkBytesPerSecond;
    private final LinearPower power;
    private final Table prompt;
    private final Table decode;

    private DeviceProfile(
            String name, long memoryBytes, double linkBytesPerSecond, LinearPower power, Table prompt, Table decode) {
        this.name = name;
        this.memoryBytes = memoryBytes;
        this.linkBytesPerSecond = linkBytesPerSecond;
        this.power = power;
        this.prompt = prompt;
        this.decode = decode;
    }

    /** Names of the profiles, lower case and sorted. */
    public static List<String> names() {
        return rows("machine_types.csv", MACHINE_COLUMNS).stream()
                .map(row -> row[0].toLowerCase(Locale.ROOT))
                .sorted()
                .toList();
    }

    /**
     * Loads a profile by its name in any case, for example {@code t4}.
     *
     * @throws IllegalArgumentException when there is none of that name
     */
    public static DeviceProfile named(String name) {
        Objects.requireNonNull(name, "name");
        String[] machine = rows("machine_types.csv", MACHINE_COLUMNS).stream()
                .filter(row -> row[0].equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "device profile '" + name + "' is not known; choose one of " + String.join(", ", names())));
        List<String[]> times = rows("layer_time_ms.csv", TIME_COLUMNS).stream()
                .filter(row -> row[0].equalsIgnoreCase(name))
                .toList();
        double link = Math.min(Double.parseDouble(machine[2]), Double.parseDouble(machine[3]));
        return new DeviceProfile(
                name.toLowerCase(Locale.ROOT),
                Long.parseLong(machine[1]),
                link,
                new LinearPower(Double.parseDouble(machine[5]), Double.parseDouble(machine[6])),
                Table.of(times, "prompt"),
                Table.of(times, "decode"));
    }

    public String name() {
        return name;
    }

    public long memoryBytes() {
        return memoryBytes;
    }

    public double linkBytesPerSecond() {
        return linkBytesPerSecond;
    }

    /** From its idle power to its limit; both are of vendors and measurements of others, see {@code ORIGIN.md}. */
    public LinearPower power() {
        return power;
    }

    /** Time of prompt tokens through one layer at {@code speed} times this profile, seconds. */
    public Curve promptSeconds(double speed) {
        return Curve.of(
                prompt.tokens,
                Arrays.stream(prompt.millis).map(millis -> millis / 1e3 / speed).toArray());
    }

    /** Time of {@code tokens} prompt tokens through one layer, milliseconds. */
    public double promptMillis(int tokens) {
        return prompt.at(tokens);
    }

    /** Time of a decode step of {@code tokens} sequences through one layer, milliseconds; one takes as long as two. */
    public double decodeMillis(int tokens) {
        return decode.at(tokens == 1 ? 2 : tokens);
    }

    private static List<String[]> rows(String resource, List<String> columns) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(DeviceProfile.class.getResourceAsStream(resource), resource),
                StandardCharsets.UTF_8))) {
            String header = lines.readLine();
            if (!String.join(",", columns).equals(header)) {
                throw new IllegalStateException(resource + " has the columns " + header + ", not " + columns);
            }
            return lines.lines().map(line -> line.split(",")).toList();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the device profiles in " + resource, e);
        }
    }

    /** A function given by points, linear between them. */
    private record Table(double[] tokens, double[] millis) {
        static Table of(List<String[]> rows, String phase) {
            TreeMap<Double, Double> points = new TreeMap<>();
            for (String[] row : rows) {
                if (row[1].equals(phase)) {
                    points.put(Double.parseDouble(row[2]), Double.parseDouble(row[3]));
                }
            }
            List<Double> x = new ArrayList<>(points.keySet());
            return new Table(
                    x.stream().mapToDouble(Double::doubleValue).toArray(),
                    x.stream().mapToDouble(points::get).toArray());
        }

        double at(int count) {
            int last = tokens.length - 1;
            if (count >= tokens[last]) {
                return millis[last] * count / tokens[last];
            }
            int right = 1;
            while (tokens[right] < count) {
                right++;
            }
            double share = (count - tokens[right - 1]) / (tokens[right] - tokens[right - 1]);
            return millis[right - 1] + share * (millis[right] - millis[right - 1]);
        }
    }
}

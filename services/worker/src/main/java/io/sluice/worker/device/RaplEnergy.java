package io.sluice.worker.device;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.TreeSet;

/**
 * Energy of the processor packages as their own counters say it (RAPL, running average power limit), through Linux's
 * {@code powercap}. The counters are of the whole machine and wrap round, so they must be read more often than they do (minutes).
 * Where one cannot be read, which needs root on most systems, there is no figure. Thread-safe.
 */
final class RaplEnergy {
    private static final Path POWERCAP = Path.of("/sys/class/powercap");
    private static final double MICRO = 1e-6;

    private final List<Package> packages = new ArrayList<>();

    private RaplEnergy(Iterable<Path> folders) {
        for (Path folder : folders) {
            try {
                packages.add(new Package(folder));
            } catch (IOException | NumberFormatException e) {
                packages.clear();
                return;
            }
        }
    }

    /** The counters of this machine. */
    static RaplEnergy ofMachine() {
        return of(POWERCAP);
    }

    /** @param powercap folder that has {@code intel-rapl:0} and so on */
    static RaplEnergy of(Path powercap) {
        TreeSet<Path> folders = new TreeSet<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(powercap, "intel-rapl:*")) {
            // intel-rapl:0:1 is a part of intel-rapl:0.
            all.forEach(folder -> {
                if (folder.getFileName().toString().matches("intel-rapl:\\d+")) {
                    folders.add(folder);
                }
            });
        } catch (IOException e) {
            return new RaplEnergy(List.of());
        }
        return new RaplEnergy(folders);
    }

    /** Energy since this was made, joules; empty: it cannot be read. */
    synchronized OptionalDouble joules() {
        if (packages.isEmpty()) {
            return OptionalDouble.empty();
        }
        double sum = 0;
        try {
            for (Package one : packages) {
                sum += one.joules();
            }
        } catch (IOException | NumberFormatException e) {
            packages.clear();
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(sum);
    }

    private static final class Package {
        private final Path counter;
        private final long range;
        private long seen;
        private double joules;

        Package(Path folder) throws IOException {
            counter = folder.resolve("energy_uj");
            range = read(folder.resolve("max_energy_range_uj"));
            seen = read(counter);
        }

        double joules() throws IOException {
            long now = read(counter);
            joules += (now >= seen ? now - seen : range - seen + now) * MICRO;
            seen = now;
            return joules;
        }

        private static long read(Path file) throws IOException {
            return Long.parseLong(Files.readString(file).strip());
        }
    }
}

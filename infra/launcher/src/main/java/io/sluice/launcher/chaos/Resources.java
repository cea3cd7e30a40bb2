package io.sluice.launcher.chaos;

import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.messaging.KafkaClients;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;

/**
 * What the stack holds of its machine at one moment. Immutable.
 *
 * @param processes by name; empty where there is no {@code /proc}
 * @param topics topics of the broker, its own among them
 * @param files files in the stack's folder
 */
record Resources(Map<String, Held> processes, int topics, int files) {
    private static final Path PROC = Path.of("/proc");

    /**
     * What one process holds.
     *
     * @param memoryBytes resident memory, bytes
     * @param descriptors open files and sockets
     */
    record Held(long memoryBytes, int threads, int descriptors) {}

    /**
     * How far the end may be above the beginning, and still count as back at its level.
     *
     * @param factor of the beginning
     * @param slack beside it
     */
    record Tolerance(double factor, double slack) {
        boolean holds(double before, double after) {
            return after <= before * factor + slack;
        }
    }

    /** Memory of a process, bytes: garbage is collected when the JVM likes, and every heap is bounded. */
    static final Tolerance MEMORY = new Tolerance(1.5, 64 << 20);
    /** Threads of a process: pools grow with load and connections. */
    static final Tolerance THREADS = new Tolerance(1.1, 12);
    /** Open files and sockets of a process: log segments, connections of clients that have come back. */
    static final Tolerance DESCRIPTORS = new Tolerance(1.1, 40);
    /** Topics. */
    static final Tolerance TOPICS = new Tolerance(1, 0);
    /** Files: snapshots that the broker writes when it stops, one or two a partition, which it removes in time. */
    static final Tolerance FILES = new Tolerance(1.25, 300);

    /** Looks now. */
    static Resources of(EmbeddedStack stack) {
        Map<String, Held> processes = new LinkedHashMap<>();
        stack.faults().processIds().forEach((name, pid) -> {
            Held held = held(pid);
            if (held != null) {
                processes.put(name, held);
            }
        });
        return new Resources(
                processes, topics(stack), files(Path.of(stack.description().data())));
    }

    private static Held held(long pid) {
        Path folder = PROC.resolve(Long.toString(pid));
        try {
            long memory = 0;
            int threads = 0;
            for (String line : Files.readAllLines(folder.resolve("status"), StandardCharsets.ISO_8859_1)) {
                if (line.startsWith("VmRSS:")) {
                    memory = number(line) << 10;
                } else if (line.startsWith("Threads:")) {
                    threads = (int) number(line);
                }
            }
            try (Stream<Path> open = Files.list(folder.resolve("fd"))) {
                return new Held(memory, threads, (int) open.count());
            }
        } catch (IOException e) {
            return null; // no /proc here, or the process has just ended
        }
    }

    private static long number(String line) {
        return Long.parseLong(line.replaceAll("\\D", ""));
    }

    private static int topics(EmbeddedStack stack) {
        try (Admin admin = Admin.create(KafkaClients.admin(stack.settings()))) {
            return admin.listTopics(new org.apache.kafka.clients.admin.ListTopicsOptions().listInternal(true))
                    .names()
                    .get()
                    .size();
        } catch (ExecutionException e) {
            throw new IllegalStateException("the topics cannot be listed: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the topics were listed", e);
        }
    }

    private static int files(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            return (int) all.filter(Files::isRegularFile).count();
        } catch (IOException | UncheckedIOException e) {
            return 0; // a file went away while it was counted
        }
    }

    /** One line of the comparison with a later look. */
    record Line(String what, String unit, double before, double after, boolean back) {}

    /** Compares sums over processes of a kind with a later look; the workers together, everybody else alone. */
    List<Line> compare(Resources later) {
        Stream.Builder<Line> lines = Stream.builder();
        for (String group : List.of("stack", "broker", "registry", "router", "batcher", "workers")) {
            Held before = sum(group);
            Held after = later.sum(group);
            int members = Math.max(1, count(group));
            if (before.threads() == 0) {
                continue;
            }
            lines.add(line(
                    group + " memory", "MiB", before.memoryBytes(), after.memoryBytes(), 1 << 20, members, MEMORY));
            lines.add(line(group + " threads", "", before.threads(), after.threads(), 1, members, THREADS));
            lines.add(line(
                    group + " descriptors", "", before.descriptors(), after.descriptors(), 1, members, DESCRIPTORS));
        }
        lines.add(line("topics", "", topics, later.topics, 1, 1, TOPICS));
        lines.add(line("files", "", files, later.files, 1, 1, FILES));
        return lines.build().toList();
    }

    private static Line line(
            String what, String unit, double before, double after, double scale, int members, Tolerance tolerance) {
        boolean back = new Tolerance(tolerance.factor(), tolerance.slack() * members).holds(before, after);
        return new Line(what, unit, before / scale, after / scale, back);
    }

    private boolean isIn(String group, String process) {
        boolean worker =
                !List.of("stack", "broker", "registry", "router", "batcher").contains(process);
        return worker ? group.equals("workers") : group.equals(process);
    }

    private int count(String group) {
        return (int) processes.keySet().stream()
                .filter(process -> isIn(group, process))
                .count();
    }

    private Held sum(String group) {
        long memory = 0;
        int threads = 0;
        int descriptors = 0;
        for (Map.Entry<String, Held> entry : processes.entrySet()) {
            if (isIn(group, entry.getKey())) {
                memory += entry.getValue().memoryBytes();
                threads += entry.getValue().threads();
                descriptors += entry.getValue().descriptors();
            }
        }
        return new Held(memory, threads, descriptors);
    }
}

package io.sluice.launcher.stack;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sluice.launcher.UserException;
import io.sluice.messaging.KafkaSettings;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

/**
 * Addresses of a running stack, as its {@code stack.json} holds them for other programs. Immutable.
 *
 * @param pid process that runs the stack
 * @param startedMs when that process started, milliseconds since the Unix epoch; tells a reused pid apart
 * @param bootstrap the broker, host:port
 * @param registry root of the registry's Confluent API
 * @param flink Flink's web page and REST API
 * @param flinkMetrics Prometheus endpoint of Flink
 * @param metrics Prometheus endpoint of router and stack
 * @param data folder of everything
 * @param logs folder of the logs
 * @param model served model
 * @param modelPath folder or file the model comes from
 */
public record RunningStack(
        long pid,
        @JsonProperty("started_ms") long startedMs,
        String bootstrap,
        String registry,
        String flink,
        @JsonProperty("flink_metrics") String flinkMetrics,
        String metrics,
        String data,
        String logs,
        String model,
        @JsonProperty("model_path") String modelPath,
        List<Worker> workers) {
    private static final String FILE = "stack.json";
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    public RunningStack {
        workers = List.copyOf(workers);
    }

    /**
     * One worker process.
     *
     * @param layers half-open range when it joined, for example 0-3, or spare
     * @param metrics Prometheus endpoint of the worker
     */
    public record Worker(String id, String device, String region, String layers, long pid, String metrics) {}

    /** The same stack with other workers. */
    RunningStack with(List<Worker> others) {
        return new RunningStack(
                pid,
                startedMs,
                bootstrap,
                registry,
                flink,
                flinkMetrics,
                metrics,
                data,
                logs,
                model,
                modelPath,
                others);
    }

    /** How clients reach broker and registry. */
    public KafkaSettings settings() {
        return new KafkaSettings(bootstrap, registry);
    }

    /**
     * The stack that runs in a folder.
     *
     * @throws UserException when none does
     */
    public static RunningStack find(Path folder) {
        Path file = folder.resolve(FILE);
        try {
            RunningStack stack = JSON.readValue(Files.readString(file), RunningStack.class);
            if (stack.isAlive()) {
                return stack;
            }
        } catch (NoSuchFileException e) {
            // Reported below.
        } catch (IOException e) {
            throw new UserException(
                    "the description of the stack in " + file + " cannot be read: start it again with" + " ./sluice up",
                    e);
        }
        throw new UserException("no stack runs in " + folder + ": start one with ./sluice up");
    }

    private boolean isAlive() {
        return ProcessHandle.of(pid)
                .filter(ProcessHandle::isAlive)
                .filter(process -> startOf(process) == startedMs)
                .isPresent();
    }

    static long startOf(ProcessHandle process) {
        return process.info()
                .startInstant()
                .map(java.time.Instant::toEpochMilli)
                .orElse(0L);
    }

    /** As JSON text. */
    public String toJson() {
        try {
            return JSON.writeValueAsString(this) + "\n";
        } catch (IOException e) {
            throw new IllegalStateException("a stack's description must be writable", e);
        }
    }

    /** Publishes the description, readable by its owner only. */
    void write(Path folder) {
        Path file = folder.resolve(FILE);
        Path draft = folder.resolve(FILE + ".new");
        try {
            Files.deleteIfExists(draft);
            if (Files.getFileStore(folder).supportsFileAttributeView("posix")) {
                Files.createFile(
                        draft, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            }
            Files.writeString(draft, toJson());
            try {
                Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(draft, file, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            throw new UserException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    /** Removes the description, if there is one. */
    static void remove(Path folder) {
        try {
            Files.deleteIfExists(folder.resolve(FILE));
        } catch (IOException e) {
            throw new UserException("cannot remove " + folder.resolve(FILE) + ": " + e.getMessage(), e);
        }
    }
}

package io.sluice.embedded;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A child JVM on the same JDK as this one. It ends with this process, whatever ends it ({@link ExitWithParent}), and
 * writes standard output and error to a log file. Thread-safe.
 */
public final class ChildProcess implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ChildProcess.class);
    private static final Duration GRACE = Duration.ofSeconds(8);
    private static final Duration SECOND_REQUEST = Duration.ofMillis(500);
    private static final int TAIL_LINES = 12;

    private final String name;
    private final Process process;
    private final Path log;
    private volatile boolean stopping;

    private ChildProcess(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
    }

    /**
     * What to run.
     *
     * @param name of the child in messages
     * @param jvmArgs flags of its JVM
     * @param classPath its class path; this module's own jar is put in front where it is missing
     * @param mainClass its main class
     * @param args arguments of the main class
     * @param environment variables added to this process's own
     * @param log file for its output
     * @param append whether the output goes to the end of that file, as after a restart; else what the run before wrote
     *     is kept as {@code NAME.1}
     */
    public record Spec(
            String name,
            List<String> jvmArgs,
            String classPath,
            String mainClass,
            List<String> args,
            Map<String, String> environment,
            Path log,
            boolean append) {
        /** A child with a log of its own. */
        public Spec(
                String name,
                List<String> jvmArgs,
                String classPath,
                String mainClass,
                List<String> args,
                Map<String, String> environment,
                Path log) {
            this(name, jvmArgs, classPath, mainClass, args, environment, log, false);
        }

        public Spec {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(classPath, "classPath");
            Objects.requireNonNull(mainClass, "mainClass");
            Objects.requireNonNull(log, "log");
            jvmArgs = List.copyOf(jvmArgs);
            args = List.copyOf(args);
            environment = Map.copyOf(environment);
        }

        /** The same child once more: its output follows what the one before wrote. */
        public Spec again() {
            return new Spec(name, jvmArgs, classPath, mainClass, args, environment, log, true);
        }
    }

    /** Starts the child; it is not ready yet. */
    public static ChildProcess start(Spec spec) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(spec.jvmArgs());
        command.add("-cp");
        command.add(withOwnClasses(spec.classPath()));
        command.add(ExitWithParent.class.getName());
        command.add(spec.mainClass());
        command.addAll(spec.args());
        try {
            Files.createDirectories(spec.log().toAbsolutePath().getParent());
            if (Files.exists(spec.log()) && !spec.append()) {
                Files.move(
                        spec.log(),
                        spec.log().resolveSibling(spec.log().getFileName() + ".1"),
                        StandardCopyOption.REPLACE_EXISTING);
            }
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(spec.log().toFile()));
            builder.environment().putAll(spec.environment());
            Process process = builder.start();
            LOG.info("child={} pid={} log={}", spec.name(), process.pid(), spec.log());
            return new ChildProcess(spec.name(), process, spec.log());
        } catch (IOException e) {
            throw new StartupException("cannot start " + spec.name() + ": " + e.getMessage(), e);
        }
    }

    private static String withOwnClasses(String classPath) {
        String own = ownClasses().toString();
        // An unchanged class path lets parent and child share one class-data archive.
        boolean present = Arrays.asList(classPath.split(File.pathSeparator)).contains(own);
        return present ? classPath : own + File.pathSeparator + classPath;
    }

    /** Where this module's classes are: a jar, or a folder while testing. */
    static Path ownClasses() {
        try {
            return Path.of(ExitWithParent.class
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI());
        } catch (java.net.URISyntaxException e) {
            throw new IllegalStateException("the class path holds a malformed address", e);
        }
    }

    public String name() {
        return name;
    }

    public long pid() {
        return process.pid();
    }

    public Path log() {
        return log;
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Whether the child has ended by itself and in order, with status 0. */
    public boolean endedInOrder() {
        return !process.isAlive() && process.exitValue() == 0;
    }

    /**
     * Runs {@code action} on a thread of its own when the child ends without {@link #close} having been called. It may
     * take its time (a restart): the end of no other child waits for it.
     */
    public void onUnexpectedExit(Runnable action) {
        process.onExit()
                .thenRunAsync(
                        () -> {
                            if (!stopping) {
                                LOG.warn(
                                        "child={} pid={} ended unexpectedly status={} log={}",
                                        name,
                                        pid(),
                                        process.exitValue(),
                                        log);
                                action.run();
                            }
                        },
                        task -> Thread.ofPlatform()
                                .daemon()
                                .name("end-of-" + name)
                                .start(task));
    }

    /** Exit status and the end of the log, for a message about a child that ended. */
    public String describeExit() {
        String status = process.isAlive() ? "runs" : "ended with status " + process.exitValue();
        return name + " " + status + "; its log " + log + " ends:\n" + tail();
    }

    private String tail() {
        try (Stream<String> lines = Files.lines(log, java.nio.charset.StandardCharsets.ISO_8859_1)) {
            List<String> all = lines.toList();
            return String.join("\n", all.subList(Math.max(0, all.size() - TAIL_LINES), all.size()));
        } catch (IOException | java.io.UncheckedIOException e) {
            return "(unreadable: " + e.getMessage() + ")";
        }
    }

    /** Asks the child to end without waiting for it; {@link #close} waits. */
    public void requestStop() {
        stopping = true;
        // Not Process.destroy(): that also closes the pipe, which ends the child before its shutdown hooks have run.
        process.toHandle().destroy();
    }

    /** Kills the child at once, as a failing machine would; it counts as an unexpected exit. */
    public void kill() {
        process.toHandle().destroyForcibly();
    }

    /** Kills the child at once and says so to nobody who waits for an unexpected exit. */
    public void killSilently() {
        stopping = true;
        kill();
    }

    /** Waits until the child has ended; false when it has not within that time. */
    public boolean awaitEnd(Duration timeout) throws InterruptedException {
        return process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Stops the child in order, by force after 8 s; returns when it is gone. Idempotent. */
    @Override
    public void close() {
        requestStop();
        boolean interrupted = false;
        try {
            if (!process.waitFor(SECOND_REQUEST.toMillis(), TimeUnit.MILLISECONDS)) {
                // A worker takes the first for the notice of a spot machine and drains; the second means at once.
                requestStop();
            }
            if (!process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
                LOG.warn("child={} pid={} did not stop within {} s, killed", name, pid(), GRACE.toSeconds());
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            interrupted = true;
            process.destroyForcibly();
        }
        try {
            process.getOutputStream().close();
        } catch (IOException e) {
            LOG.debug("child={} pipe was closed already", name, e);
        }
        LOG.info("child={} pid={} stopped", name, pid());
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

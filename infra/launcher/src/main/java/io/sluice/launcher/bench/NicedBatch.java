package io.sluice.launcher.bench;

import io.sluice.launcher.UserException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The plain way to run a batch beside interactive work: a process of the lowest priority (nice 19) on the same cores, which
 * nobody holds back but the kernel's scheduler. Thread-safe.
 */
final class NicedBatch implements AutoCloseable {
    private final Process process;
    private final Writer commands;
    private final AtomicLong tokens = new AtomicLong();

    /**
     * Starts the process; it waits.
     *
     * @throws UserException when the system has no {@code nice}
     */
    static NicedBatch start(Path model, int threads) {
        List<String> command = List.of(
                "nice",
                "-n",
                "19",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:MaxDirectMemorySize=64g",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-Dlogback.configurationFile=logback-child.xml",
                "-cp",
                System.getProperty("java.class.path"),
                NicedBatchMain.class.getName(),
                model.toString(),
                Integer.toString(threads),
                Integer.toString(BatchShape.SESSIONS),
                Integer.toString(BatchShape.PROMPT),
                Integer.toString(BatchShape.TOKENS));
        try {
            return new NicedBatch(new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start());
        } catch (IOException e) {
            throw new UserException("cannot start a process of low priority: " + e.getMessage(), e);
        }
    }

    private NicedBatch(Process process) {
        this.process = process;
        this.commands = process.outputWriter(StandardCharsets.UTF_8);
        Thread.ofVirtual().name("niced-batch").start(this::read);
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            lines.lines().filter(line -> line.matches("\\d+")).forEach(line -> tokens.addAndGet(Long.parseLong(line)));
        } catch (IOException | UncheckedIOException e) {
            // It was closed.
        }
    }

    /** Tokens generated so far, whole batches only. */
    long tokens() {
        return tokens.get();
    }

    /** Lets it run. */
    void go() {
        say("go\n");
    }

    /** Stops it after the batch at hand. */
    void stop() {
        say("stop\n");
    }

    private void say(String line) {
        try {
            commands.write(line);
            commands.flush();
        } catch (IOException e) {
            throw new IllegalStateException(
                    "the process of low priority has ended with status "
                            + (process.isAlive() ? "none" : process.exitValue()),
                    e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}

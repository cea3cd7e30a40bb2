package io.sluice.embedded;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What an operating system can do to a process and Java cannot: stop and continue it, and refuse to let its files grow.
 * Uses {@code kill} and, on Linux, {@code prlimit}. Stateless.
 */
public final class ProcessControl {
    private static final long TIMEOUT_SECONDS = 10;
    private static final List<Path> PRLIMIT = List.of(Path.of("/usr/bin/prlimit"), Path.of("/bin/prlimit"));

    private ProcessControl() {}

    /** Stops a process where it is (SIGSTOP); it keeps memory, files and connections and does nothing. */
    public static void suspend(long pid) {
        run(List.of("kill", "-STOP", Long.toString(pid)));
    }

    /** Lets a stopped process go on (SIGCONT). */
    public static void resume(long pid) {
        run(List.of("kill", "-CONT", Long.toString(pid)));
    }

    /** Whether {@link #refuseGrowth} works here: it needs Linux and its {@code prlimit} program. */
    public static boolean canRefuseGrowth() {
        return PRLIMIT.stream().anyMatch(Files::isExecutable);
    }

    /**
     * From now on no file of the process grows (RLIMIT_FSIZE of one byte): every write beyond the end of a file fails with
     * EFBIG where a full disk would say ENOSPC. Writes within a file and through mapped memory still succeed, as they do
     * on a full disk. Undone by {@link #allowGrowth} or the end of the process.
     */
    public static void refuseGrowth(long pid) {
        limit(pid, "1:");
    }

    /** Files may grow again. */
    public static void allowGrowth(long pid) {
        limit(pid, "unlimited:");
    }

    private static void limit(long pid, String softOnly) {
        Path prlimit = PRLIMIT.stream()
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new UnsupportedOperationException(
                        "a full disk cannot be emulated here: install prlimit (Linux, package util-linux)"));
        run(List.of(prlimit.toString(), "--pid", Long.toString(pid), "--fsize=" + softOnly));
    }

    private static void run(List<String> command) {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException(command + " did not end within " + TIMEOUT_SECONDS + " s");
            }
            if (process.exitValue() != 0) {
                String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                throw new IllegalStateException(
                        command + " failed with status " + process.exitValue() + ": " + output.strip());
            }
        } catch (IOException e) {
            throw new IllegalStateException("cannot run " + command + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted during " + command, e);
        }
    }
}

package io.sluice.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Binds threads to cores, on Linux, with the commands of util-linux ({@code taskset}, {@code chrt}): Java has no call for it.
 * Thread-safe.
 */
public final class CoreAffinity {
    private static final Logger log = LoggerFactory.getLogger(CoreAffinity.class);
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path THREAD = Path.of("/proc/thread-self");
    private static final long COMMAND_SECONDS = 5;

    private CoreAffinity() {}

    /** Numbers of the cores that this process may use, ascending; empty: the system does not say. */
    public static List<Integer> cores() {
        if (!Files.isReadable(STATUS)) {
            return List.of();
        }
        try {
            return Files.readAllLines(STATUS).stream()
                    .filter(line -> line.startsWith("Cpus_allowed_list:"))
                    .findFirst()
                    .map(line -> parse(line.substring(line.indexOf(':') + 1)))
                    .orElse(List.of());
        } catch (IOException | NumberFormatException e) {
            log.debug("event=cores_unknown reason={}", e.toString());
            return List.of();
        }
    }

    /** Reads a list such as {@code 0-2,5}. */
    static List<Integer> parse(String text) {
        List<Integer> cores = new ArrayList<>();
        for (String part : text.strip().split(",")) {
            String[] ends = part.strip().split("-");
            int last = Integer.parseInt(ends[ends.length - 1]);
            for (int core = Integer.parseInt(ends[0]); core <= last; core++) {
                cores.add(core);
            }
        }
        return cores;
    }

    /**
     * Binds the calling thread to a core.
     *
     * @return false where that cannot be done
     */
    public static boolean bind(int core) {
        return forThisThread("taskset", "-p", "-c", Integer.toString(core));
    }

    /**
     * From now on the calling thread runs only while no other thread wants its core (the idle scheduling class).
     *
     * @return false where that cannot be done
     */
    public static boolean giveWay() {
        return forThisThread("chrt", "-i", "-p", "0");
    }

    private static boolean forThisThread(String... command) {
        try {
            List<String> whole = new ArrayList<>(List.of(command));
            whole.add(THREAD.toRealPath().getFileName().toString());
            return run(whole);
        } catch (IOException | UncheckedIOException e) {
            log.debug("event=thread_not_changed command={} reason={}", command[0], e.toString());
            return false;
        }
    }

    private static boolean run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            if (!process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return false;
            }
            return process.exitValue() == 0;
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            return false;
        }
    }
}

package io.sluice.launcher.stack;

import io.sluice.launcher.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.stream.Stream;

/** The one folder under which a stack keeps everything; locked by the process that runs the stack. */
public final class StackFolder implements AutoCloseable {
    /** System property with the repository's root, set by the {@code sluice} script. */
    public static final String REPOSITORY_PROPERTY = "sluice.repository";
    /** Environment variable that moves the folder. */
    public static final String HOME_VARIABLE = "SLUICE_HOME";

    private static final String LOCK = "lock";

    private final Path path;
    private final FileChannel channel;
    private final FileLock lock;

    private StackFolder(Path path, FileChannel channel, FileLock lock) {
        this.path = path;
        this.channel = channel;
        this.lock = lock;
    }

    /** Root of the repository: the script's word, else the nearest folder upwards with {@code models/psalm}. */
    public static Path repository() {
        String named = System.getProperty(REPOSITORY_PROPERTY);
        if (named != null) {
            return Path.of(named);
        }
        Path here = Path.of("").toAbsolutePath();
        for (Path folder = here; folder != null; folder = folder.getParent()) {
            if (Files.isDirectory(folder.resolve("models").resolve("psalm"))) {
                return folder;
            }
        }
        return here;
    }

    /** {@code $SLUICE_HOME}, else {@code .sluice} in the repository. */
    public static Path defaultPath() {
        String home = System.getenv(HOME_VARIABLE);
        return home == null || home.isBlank()
                ? repository().resolve(".sluice")
                : Path.of(home).toAbsolutePath();
    }

    /**
     * Creates the folder, for its owner only, and locks it.
     *
     * @throws UserException when another stack runs in it, or it cannot be written
     */
    public static StackFolder lock(Path path) {
        Path folder = path.toAbsolutePath().normalize();
        FileChannel channel = null;
        try {
            createPrivately(folder);
            channel = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = tryLock(channel);
            if (lock == null) {
                channel.close();
                throw new UserException("another stack runs in " + folder
                        + ": stop it (Ctrl-C), or choose another folder with --data DIR or SLUICE_HOME");
            }
            return new StackFolder(folder, channel, lock);
        } catch (IOException e) {
            throw new UserException(
                    "the data folder " + folder + " cannot be written (" + e.getMessage()
                            + "): choose another with --data DIR or SLUICE_HOME",
                    e);
        }
    }

    private static FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // this very process runs a stack there
        }
    }

    private static void createPrivately(Path folder) throws IOException {
        // The log file may have made the folder already, but nothing has locked it yet.
        boolean first = !Files.exists(folder.resolve(LOCK));
        Files.createDirectories(folder);
        if (first && Files.getFileStore(folder).supportsFileAttributeView("posix")) {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
        }
    }

    public Path path() {
        return path;
    }

    public Path logs() {
        return path.resolve("logs");
    }

    public Path broker() {
        return path.resolve("broker");
    }

    public Path registry() {
        return path.resolve("registry");
    }

    public Path flink() {
        return path.resolve("flink");
    }

    public Path batch() {
        return path.resolve("batch");
    }

    public Path router() {
        return path.resolve("router");
    }

    /** Removes what Flink left there: the job begins anew and reads what it needs from the topics. */
    void clearFlink() {
        if (!Files.exists(flink())) {
            return;
        }
        try (Stream<Path> files = Files.walk(flink())) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        } catch (IOException | UncheckedIOException e) {
            throw new UserException(
                    "the folder " + flink() + " cannot be cleared (" + e.getMessage() + "): remove it by hand", e);
        }
    }

    /** Unlocks the folder. */
    @Override
    public void close() {
        try (channel) {
            if (lock.isValid()) {
                lock.release();
            }
        } catch (IOException e) {
            throw new UserException("the lock of " + path + " cannot be released", e);
        }
    }
}

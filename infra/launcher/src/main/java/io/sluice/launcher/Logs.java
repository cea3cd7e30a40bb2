package io.sluice.launcher;

import io.sluice.launcher.stack.StackFolder;
import java.nio.file.Path;
import picocli.CommandLine.ParseResult;

/** Chooses the log file before the first logger exists. */
public final class Logs {
    private static final String FILE_PROPERTY = "sluice.log.file";

    private Logs() {}

    /** A command that keeps its data, and so its logs, in a folder of the user's choice. */
    public interface InFolder {
        /** Data folder of this run. */
        Path dataFolder();

        /** Name of the log file in {@code logs/}. */
        default String logName() {
            return "sluice.log";
        }
    }

    /** Points logback at the log file of the command about to run; without effect once logging has begun. */
    static void configure(ParseResult parsed) {
        ParseResult last = parsed;
        while (last.hasSubcommand()) {
            last = last.subcommand();
        }
        if (System.getProperty(FILE_PROPERTY) != null) {
            return;
        }
        Path folder = StackFolder.defaultPath();
        // Beside a running stack's log, which that process alone rolls over.
        String name = "sluice-tools.log";
        if (last.commandSpec().userObject() instanceof InFolder command) {
            folder = command.dataFolder();
            name = command.logName();
        }
        System.setProperty(FILE_PROPERTY, folder.resolve("logs").resolve(name).toString());
    }

    /** The log file, for messages. */
    static String file() {
        return System.getProperty(FILE_PROPERTY, "the log");
    }
}

package io.sluice.launcher;

import io.sluice.embedded.StartupException;
import io.sluice.messaging.BrokerUnavailableException;
import io.sluice.runtime.ModelFormatException;
import io.sluice.schemas.IncompatibleSchemaException;
import io.sluice.schemas.RegistryUnavailableException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/** Turns a failure into one line for the user, and its whole trace into the log file. */
final class Failures implements IExecutionExceptionHandler {
    private static final List<Class<? extends RuntimeException>> EXPLAINED = List.of(
            UserException.class,
            StartupException.class,
            BrokerUnavailableException.class,
            RegistryUnavailableException.class,
            IncompatibleSchemaException.class,
            ModelFormatException.class,
            IllegalArgumentException.class,
            UncheckedIOException.class);

    @Override
    public int handleExecutionException(Exception failure, CommandLine line, ParseResult parsed) {
        Throwable cause = unwrap(failure);
        LoggerFactory.getLogger("failure").info("command={} failed", line.getCommandName(), failure);
        line.getErr().println(describe(cause));
        line.getErr().flush();
        return CommandLine.ExitCode.SOFTWARE;
    }

    /** The line to print. */
    static String describe(Throwable failure) {
        String message = failure.getMessage();
        if (message != null && EXPLAINED.stream().anyMatch(type -> type.isInstance(failure))) {
            return "error: " + message;
        }
        if (message != null && failure instanceof IllegalStateException) {
            return "error: " + message + " (more in " + Logs.file() + ")";
        }
        return "error: " + failure.getClass().getSimpleName() + (message == null ? "" : ": " + message)
                + " (this is a defect; the whole trace is in " + Logs.file() + ")";
    }

    /** The failure inside the wrappers that threads put around it. */
    static Throwable unwrap(Throwable failure) {
        Throwable inner = failure;
        while (inner.getCause() != null
                && (inner instanceof CompletionException || inner instanceof ExecutionException)) {
            inner = inner.getCause();
        }
        return inner;
    }
}

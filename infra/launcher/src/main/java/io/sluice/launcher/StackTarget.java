package io.sluice.launcher;

import io.sluice.launcher.stack.RunningStack;
import io.sluice.launcher.stack.StackFolder;
import io.sluice.messaging.KafkaSettings;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Options of commands that talk to a stack: one that runs on this machine, or broker and registry elsewhere. */
public final class StackTarget {
    @Option(names = "--data", paramLabel = "DIR", description = "Data folder of the stack; default: .sluice.")
    private Path data;

    @ArgGroup(exclusive = false, heading = "Without a stack on this machine:%n")
    private Outside outside;

    /** Where broker and registry are when no embedded stack describes itself in a folder. */
    static final class Outside {
        @Option(names = "--bootstrap", paramLabel = "HOST:PORT", required = true, description = "The broker.")
        private String bootstrap;

        @Option(names = "--registry", paramLabel = "URL", required = true, description = "The schema registry.")
        private String registry;
    }

    /**
     * The stack that runs on this machine; empty when the addresses were given.
     *
     * @throws UserException when none runs here
     */
    public Optional<RunningStack> stack() {
        return outside == null
                ? Optional.of(RunningStack.find(data == null ? StackFolder.defaultPath() : data))
                : Optional.empty();
    }

    /**
     * Where broker and registry are.
     *
     * @throws UserException when no addresses were given and no stack runs here
     */
    public KafkaSettings settings() {
        return stack().map(RunningStack::settings)
                .orElseGet(() -> new KafkaSettings(outside.bootstrap, outside.registry));
    }
}

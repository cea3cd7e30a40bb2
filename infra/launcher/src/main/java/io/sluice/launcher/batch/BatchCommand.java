package io.sluice.launcher.batch;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Offline jobs: submit, look, fetch, cancel. */
@Command(
        name = "batch",
        description = "Offline jobs: a file of prompts that are served where nobody else wants the workers.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            BatchSubmitCommand.class,
            BatchStatusCommand.class,
            BatchResultsCommand.class,
            BatchCancelCommand.class
        },
        mixinStandardHelpOptions = true)
public final class BatchCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "Missing a command: submit, status, results or cancel");
    }
}

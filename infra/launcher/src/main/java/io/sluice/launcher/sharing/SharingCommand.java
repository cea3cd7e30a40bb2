package io.sluice.launcher.sharing;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Best-effort work beside latency-critical work on a simulated GPU; needs no running stack. */
@Command(
        name = "sharing",
        description = "Compares policies that fill a GPU with best-effort work, on a simulated GPU.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {SharingCompareCommand.class, SharingListCommand.class},
        mixinStandardHelpOptions = true)
public final class SharingCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "Missing a command: compare or list");
    }
}

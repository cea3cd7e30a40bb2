package io.sluice.launcher.sharing;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Best-effort work beside latency-critical work: policies on a simulated GPU, and what a running stack does. */
@Command(
        name = "sharing",
        description =
                "Compares policies that fill a GPU with best-effort work, on a simulated GPU; says how a running stack's"
                        + " workers share theirs.",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {SharingCompareCommand.class, SharingListCommand.class, SharingStatusCommand.class},
        mixinStandardHelpOptions = true)
public final class SharingCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "Missing a command: compare, list or status");
    }
}

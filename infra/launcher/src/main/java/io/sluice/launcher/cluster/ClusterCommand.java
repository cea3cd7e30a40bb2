package io.sluice.launcher.cluster;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Cluster files; needs no running stack. */
@Command(
        name = "cluster",
        description = "Imports, checks and explains cluster files (examples/clusters/README.md).",
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {ClusterImportCommand.class, ClusterCheckCommand.class, ClusterSchemaCommand.class},
        mixinStandardHelpOptions = true)
public final class ClusterCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "Missing a command: import, check or schema");
    }
}

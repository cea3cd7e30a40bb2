package io.sluice.launcher.cluster;

import io.sluice.clusters.ClusterFiles;
import io.sluice.clusters.PlacementFiles;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Prints a JSON Schema. */
@Command(
        name = "schema",
        description = "Prints the JSON Schema of cluster files, for editors and other tools.",
        mixinStandardHelpOptions = true)
final class ClusterSchemaCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--placement", description = "The schema of placement files instead.")
    private boolean placement;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        out.print(placement ? PlacementFiles.schema() : ClusterFiles.schema());
        out.flush();
        return 0;
    }
}

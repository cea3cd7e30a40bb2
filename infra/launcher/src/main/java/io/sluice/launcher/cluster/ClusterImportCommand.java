package io.sluice.launcher.cluster;

import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.ClusterFiles;
import io.sluice.clusters.HelixFolder;
import io.sluice.clusters.PlacementFile;
import io.sluice.clusters.PlacementFiles;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Turns published data into files of ours. */
@Command(
        name = "import",
        description = {
            "Writes a cluster of a folder laid out as examples/helix as a cluster file (YAML),",
            "or, with --model and --layout, one of its placements as a placement file (JSON)."
        },
        mixinStandardHelpOptions = true)
final class ClusterImportCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "DIR", description = "The folder, for example examples/helix.")
    private Path folder;

    @Option(
            names = "--cluster",
            paramLabel = "NAME",
            required = true,
            description = "The cluster, for example single24.")
    private String cluster;

    @Option(names = "--model", paramLabel = "MODEL", description = "The placed model, for example llama2_70b.")
    private String model;

    @Option(names = "--layout", paramLabel = "METHOD", description = "The placement, for example helix.")
    private String layout;

    @Option(names = "--out", paramLabel = "FILE", required = true, description = "The file to write.")
    private Path out;

    @Override
    public Integer call() {
        if ((model == null) != (layout == null)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--model and --layout belong together; give both for a placement, none for a cluster");
        }
        HelixFolder source = HelixFolder.open(folder);
        PrintWriter print = spec.commandLine().getOut();
        if (layout == null) {
            ClusterDescription description = source.cluster(cluster);
            ClusterFiles.write(description, out);
            print.println(out + ": " + description.cluster().nodes().size() + " nodes, models "
                    + description.models().keySet());
        } else {
            PlacementFile placement = source.layout(cluster, model, layout);
            PlacementFiles.write(placement, out);
            print.println(out + ": " + placement.stages().size() + " stages of " + model + " by " + layout);
        }
        print.flush();
        return 0;
    }
}

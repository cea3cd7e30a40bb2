package io.sluice.launcher.cluster;

import io.sluice.clusters.ClusterDescription;
import io.sluice.clusters.ClusterFiles;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Reads a cluster file and shows what it understood. */
@Command(
        name = "check",
        description = {
            "Reads a cluster file and shows what it understood.",
            "Exit status 1 when the file is wrong; every problem is one line with file, line and remedy."
        },
        mixinStandardHelpOptions = true)
final class ClusterCheckCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "FILE", description = "The cluster file.")
    private Path file;

    @Override
    public Integer call() {
        ClusterDescription description = ClusterFiles.read(file);
        List<String> warnings = ClusterFiles.warnings(description);
        PrintWriter out = spec.commandLine().getOut();
        new ClusterTable(description).print(out);
        warnings.forEach(warning -> out.println("warning: " + warning));
        out.println(file + ": correct" + (warnings.isEmpty() ? "" : ", " + warnings.size() + " warnings"));
        out.flush();
        return 0;
    }
}

package io.sluice.launcher.batch;

import io.sluice.launcher.StackTarget;
import io.sluice.launcher.UserException;
import io.sluice.launcher.batch.JobTopics.JobView;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Fetches the results of a job. */
@Command(
        name = "results",
        description =
                "Writes a job's results so far, in the order of its items, as lines of an OpenAI batch output file.",
        mixinStandardHelpOptions = true)
final class BatchResultsCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "JOB", description = "Its id.")
    private String job;

    @Option(names = "--out", paramLabel = "FILE", description = "Write them to FILE; default: standard output.")
    private Path out;

    @Mixin
    private StackTarget target;

    @Override
    public Integer call() {
        JobView view;
        try (JobTopics topics = new JobTopics(target.settings())) {
            view = topics.require(job);
        }
        write(view);
        if (!view.isOver()) {
            PrintWriter err = spec.commandLine().getErr();
            err.println("job " + job + " has not ended: " + view.newest().getItemsDone() + " of "
                    + view.newest().getItemsTotal() + " items have results");
            err.flush();
        }
        return 0;
    }

    private void write(JobView view) {
        if (out == null) {
            PrintWriter lines = spec.commandLine().getOut();
            view.results().forEach(lines::println);
            lines.flush();
            return;
        }
        try {
            Files.write(out, view.results());
        } catch (IOException e) {
            throw new UserException("--out " + out + " cannot be written: " + e.getMessage(), e);
        }
    }
}

package io.sluice.launcher.batch;

import io.sluice.launcher.StackTarget;
import io.sluice.launcher.batch.JobTopics.JobView;
import io.sluice.records.BestEffortJob;
import io.sluice.records.JobCommand;
import io.sluice.records.JobKind;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Cancels a job. */
@Command(
        name = "cancel",
        description = "Cancels a job: nothing more of it is sent, what is in flight is ended. Results stay.",
        mixinStandardHelpOptions = true)
final class BatchCancelCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "JOB", description = "Its id.")
    private String job;

    @Mixin
    private StackTarget target;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        try (JobTopics topics = new JobTopics(target.settings())) {
            JobView view = topics.require(job);
            if (view.isOver()) {
                out.println("job " + job + " has ended before: "
                        + view.newest().getState().name().toLowerCase(Locale.ROOT));
            } else {
                topics.send(List.of(command(view)));
                out.println("job " + job + " is cancelled; ./sluice batch status " + job + " says when it has ended");
            }
        }
        out.flush();
        return 0;
    }

    private BestEffortJob command(JobView view) {
        return BestEffortJob.newBuilder()
                .setJobId(job)
                .setTenant(view.newest().getTenant())
                .setKind(JobKind.PROMPT_BATCH)
                .setCommand(JobCommand.CANCEL)
                .setModel("")
                .setInput(List.of())
                .setAtMs(System.currentTimeMillis())
                .build();
    }
}

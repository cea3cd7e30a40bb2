package io.sluice.launcher.batch;

import io.sluice.launcher.JsonFile;
import io.sluice.launcher.StackTarget;
import io.sluice.launcher.batch.JobTopics.JobView;
import io.sluice.records.BestEffortProgress;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says where jobs stand. */
@Command(
        name = "status",
        description = "Prints where jobs stand, as of what was published.",
        mixinStandardHelpOptions = true)
final class BatchStatusCommand implements Callable<Integer> {
    private static final String ROW = "%-28s %-16s %-10s %8s %8s %8s  %-20s  %s%n";

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "JOB", description = "Its id; default: all jobs.")
    private String job;

    @Mixin
    private StackTarget target;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the table to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        List<Map<String, Object>> rows = new ArrayList<>();
        try (JobTopics topics = new JobTopics(target.settings())) {
            if (job == null) {
                topics.all().values().forEach(view -> rows.add(row(view)));
            } else {
                rows.add(row(topics.require(job)));
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        out.printf(Locale.ROOT, ROW, "job", "tenant", "state", "done", "failed", "items", "since", "");
        for (Map<String, Object> row : rows) {
            out.printf(Locale.ROOT, ROW, row.values().toArray());
        }
        out.flush();
        JsonFile.write(json, rows);
        return 0;
    }

    private static Map<String, Object> row(JobView view) {
        BestEffortProgress newest = view.newest();
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("job", newest.getJobId());
        row.put("tenant", newest.getTenant());
        row.put("state", newest.getState().name().toLowerCase(Locale.ROOT));
        row.put("done", newest.getItemsDone());
        row.put("failed", newest.getItemsFailed());
        row.put("items", newest.getItemsTotal());
        row.put("at", Instant.ofEpochMilli(newest.getAtMs() / 1000 * 1000).toString());
        row.put("message", newest.getMessage());
        return row;
    }
}

package io.sluice.launcher;

import io.sluice.core.WorkerId;
import io.sluice.schemas.TopicSpec;
import io.sluice.schemas.Topics;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Prints the catalogue of topics; needs no running stack. */
@Command(
        name = "topics",
        description = "Prints the topics: key, partitions, clean-up, retention and registry subject.",
        mixinStandardHelpOptions = true)
final class TopicsCommand implements Callable<Integer> {
    private static final String ANY_WORKER = "worker";
    private static final String ROW = "%-32s %-29s %10s  %-14s %-9s  %s%n";

    @Spec
    private CommandSpec spec;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the catalogue to FILE as JSON, too.")
    private Path json;

    @Override
    public Integer call() {
        List<Map<String, Object>> rows = new ArrayList<>();
        Topics.all().forEach(topic -> rows.add(row(topic)));
        rows.add(row(Topics.activations(new WorkerId(ANY_WORKER))));
        PrintWriter out = spec.commandLine().getOut();
        out.printf(Locale.ROOT, ROW, "topic", "key", "partitions", "clean-up", "retention", "record");
        for (Map<String, Object> row : rows) {
            out.printf(
                    Locale.ROOT,
                    ROW,
                    row.get("topic"),
                    row.get("key"),
                    row.get("partitions"),
                    row.get("cleanup"),
                    row.get("retention"),
                    row.get("record"));
        }
        out.println("Registry subject of the values: <topic>-value; all activation topics share "
                + Topics.ACTIVATIONS_SUBJECT + ".");
        out.flush();
        JsonFile.write(json, rows);
        return 0;
    }

    private static Map<String, Object> row(TopicSpec<?> topic) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("topic", topic.name().replace("." + ANY_WORKER + ".", ".<worker>."));
        row.put("key", topic.keyMeaning());
        row.put("partitions", topic.partitions());
        row.put("cleanup", topic.cleanup().policy());
        row.put("retention", retention(topic));
        row.put("record", topic.type().getName());
        row.put("subject", topic.subject());
        return row;
    }

    private static String retention(TopicSpec<?> topic) {
        if (topic.cleanup().policy().equals("compact")) {
            return "for ever";
        }
        Duration kept = topic.retention();
        if (kept.toDays() > 0) {
            return kept.toDays() + " d";
        }
        return kept.toHours() > 0 ? kept.toHours() + " h" : kept.toMinutes() + " min";
    }
}

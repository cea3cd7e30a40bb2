package io.sluice.launcher.chaos;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.messaging.KafkaSettings;
import io.sluice.messaging.Tailed;
import io.sluice.messaging.TopicTail;
import io.sluice.records.BestEffortProgress;
import io.sluice.records.JobState;
import io.sluice.schemas.SchemaRegistry;
import io.sluice.schemas.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.IsolationLevel;

/**
 * What the progress topic says of a set of offline jobs: how each ended, which results its items have, whether more than once.
 * Records of other jobs are passed over; those of one job must be added in the order of their topic. Not thread-safe.
 */
final class JobAudit {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, Trail> trails = new LinkedHashMap<>();

    /**
     * A job that was sent.
     *
     * @param texts what its items get when nothing is hurt, in their order
     * @param cancelled whether its client took it back
     */
    record Sent(String job, List<String> texts, boolean cancelled) {
        Sent {
            texts = List.copyOf(texts);
        }
    }

    private static final class Trail {
        private final Map<Long, List<String>> results = new TreeMap<>();
        private JobState state = JobState.QUEUED;
        private long itemsDone;
        private int ends;
    }

    JobAudit(Collection<Sent> jobs) {
        jobs.forEach(sent -> trails.put(sent.job(), new Trail()));
    }

    /** Reads the topic to its present end. */
    static JobAudit read(KafkaSettings settings, SchemaRegistry registry, Collection<Sent> jobs) {
        JobAudit audit = new JobAudit(jobs);
        try (TopicTail<BestEffortProgress> tail = TopicTail.fromBeginning(
                settings, registry, Topics.BEST_EFFORT_PROGRESS, IsolationLevel.READ_COMMITTED)) {
            while (!tail.atEnd()) {
                for (Tailed<BestEffortProgress> record : tail.poll(POLL)) {
                    if (record.value() != null) {
                        audit.add(record.value());
                    }
                }
            }
        }
        return audit;
    }

    void add(BestEffortProgress progress) {
        Trail trail = trails.get(progress.getJobId());
        if (trail == null) {
            return;
        }
        trail.state = progress.getState();
        trail.itemsDone = progress.getItemsDone();
        trail.ends += isEnd(progress.getState()) ? 1 : 0;
        if (progress.getItemIndex() != null) {
            trail.results
                    .computeIfAbsent(progress.getItemIndex(), index -> new ArrayList<>())
                    .add(progress.getItemResult());
        }
    }

    private static boolean isEnd(JobState state) {
        return switch (state) {
            case SUCCEEDED, FAILED, CANCELLED -> true;
            case QUEUED, RUNNING, PAUSED -> false;
        };
    }

    /** The verdict on these jobs. */
    JobVerdict judge(Collection<Sent> jobs) {
        Count count = new Count();
        jobs.forEach(sent -> judge(sent, trails.get(sent.job()), count));
        return count.verdict(jobs);
    }

    private static void judge(Sent sent, Trail trail, Count count) {
        String job = sent.job();
        if (!isEnd(trail.state)) {
            count.stuck++;
            count.notes.add(job + " stuck: it is " + trail.state + " with " + trail.itemsDone + " items done");
        } else if (trail.ends > 1) {
            count.duplicated++;
            count.notes.add(job + " duplicated: it ended " + trail.ends + " times");
        } else if (trail.itemsDone != trail.results.size()) {
            count.wrong++;
            count.notes.add(job + " wrong: it says " + trail.itemsDone + " items done and has " + trail.results.size()
                    + " results");
        }
        for (int i = 0; i < sent.texts().size(); i++) {
            List<String> results = trail.results.getOrDefault((long) i, List.of());
            String item = job + " item " + i;
            if (results.isEmpty()) {
                if (!sent.cancelled()) {
                    count.lost++;
                    count.notes.add(item + " lost: no result");
                }
            } else if (results.size() > 1) {
                count.duplicated++;
                count.notes.add(item + " duplicated: " + results.size() + " results");
            } else {
                compare(item, results.getFirst(), sent.texts().get(i), count);
            }
        }
    }

    private static void compare(String item, String result, String expected, Count count) {
        JsonNode line = parse(result);
        if (!line.path("error").isMissingNode() && !line.path("error").isNull()) {
            count.failed++;
            count.notes.add(item + " failed: " + line.path("error"));
        } else if (text(line).equals(expected)) {
            count.done++;
        } else {
            count.wrong++;
            count.notes.add(item + " wrong: its text differs from the undisturbed one");
        }
    }

    /** The text in a line of results. */
    static String text(JsonNode line) {
        return line.at("/response/body/choices/0/text").asText();
    }

    static JsonNode parse(String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a result is no JSON object: " + line, e);
        }
    }

    private static final class Count {
        private int done;
        private int failed;
        private int lost;
        private int duplicated;
        private int stuck;
        private int wrong;
        private final List<String> notes = new ArrayList<>();

        JobVerdict verdict(Collection<Sent> jobs) {
            return new JobVerdict(
                    jobs.size(),
                    (int) jobs.stream().filter(Sent::cancelled).count(),
                    jobs.stream().mapToInt(sent -> sent.texts().size()).sum(),
                    done,
                    failed,
                    lost,
                    duplicated,
                    stuck,
                    wrong,
                    notes);
        }
    }
}

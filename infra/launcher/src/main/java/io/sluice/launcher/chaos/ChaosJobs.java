package io.sluice.launcher.chaos;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.launcher.UserException;
import io.sluice.launcher.batch.JobParts;
import io.sluice.launcher.batch.JobTopics;
import io.sluice.launcher.stack.EmbeddedStack;
import io.sluice.launcher.stack.Progress;
import io.sluice.records.BestEffortJob;
import io.sluice.records.JobCommand;
import io.sluice.records.JobKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * The offline jobs of a chaos run: a few greedy prompts, first all of them once undisturbed, then a job of them every minute,
 * of which each third is cancelled while it runs. {@link #play} runs on a thread of its own, the rest after it.
 */
final class ChaosJobs implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PROMPTS = 8;
    private static final int MAX_TOKENS = 24;
    private static final int CANCEL_EVERY = 3;
    private static final Duration EVERY = Duration.ofMinutes(1);
    private static final Duration CANCEL_AFTER = Duration.ofSeconds(4);
    private static final Duration UNDISTURBED_TIMEOUT = Duration.ofMinutes(3);
    private static final long LOOK_MS = 500;

    private final EmbeddedStack stack;
    private final Progress progress;
    private final String runId;
    private final int itemsPerJob;
    private final JobTopics topics;
    private final List<String> undisturbed = new ArrayList<>();
    private final List<JobAudit.Sent> sent = new ArrayList<>();

    /** @param runId prefix of job ids, new for every run on the same data */
    ChaosJobs(EmbeddedStack stack, Progress progress, String runId, int itemsPerJob) {
        this.stack = stack;
        this.progress = progress;
        this.runId = runId;
        this.itemsPerJob = itemsPerJob;
        this.topics = new JobTopics(stack.settings());
    }

    /**
     * Has every prompt answered once, while nothing is hurt, and remembers what came.
     *
     * @throws UserException when the job does not succeed in time
     */
    void rehearse() throws InterruptedException {
        String job = runId + "-undisturbed-job";
        List<String> nothing = IntStream.range(0, PROMPTS).mapToObj(i -> "").toList();
        List<JobAudit.Sent> rehearsal = List.of(new JobAudit.Sent(job, nothing, false));
        topics.send(JobParts.of(head(job, JobCommand.SUBMIT), lines(PROMPTS)));
        long deadline = System.nanoTime() + UNDISTURBED_TIMEOUT.toNanos();
        while (JobAudit.read(stack.settings(), stack.schemas(), rehearsal)
                        .judge(rehearsal)
                        .stuck()
                > 0) {
            if (System.nanoTime() - deadline > 0) {
                throw new UserException("job " + job + " did not end before any fault: look at the logs in "
                        + stack.description().logs());
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_MS);
        }
        for (String result : topics.require(job).results()) {
            undisturbed.add(JobAudit.text(JobAudit.parse(result)));
        }
        if (undisturbed.size() != PROMPTS || undisturbed.contains("")) {
            throw new UserException("job " + job + " did not succeed before any fault: ./sluice batch results " + job);
        }
    }

    /** Sends a job every minute for so long, and takes every third of them back; returns when the last is sent. */
    void play(Duration length) throws InterruptedException {
        long began = System.nanoTime();
        for (int i = 0; ; i++) {
            long due = EVERY.multipliedBy(i).toNanos();
            if (due >= length.toNanos()) {
                return;
            }
            sleepUntil(began + due);
            String job = runId + "-job-" + i;
            if (send(job, JobParts.of(head(job, JobCommand.SUBMIT), lines(itemsPerJob)))) {
                boolean cancelled = i % CANCEL_EVERY == CANCEL_EVERY - 1;
                if (cancelled) {
                    TimeUnit.NANOSECONDS.sleep(CANCEL_AFTER.toNanos());
                    cancelled = send(job, List.of(head(job, JobCommand.CANCEL)));
                }
                List<String> texts = IntStream.range(0, itemsPerJob)
                        .mapToObj(item -> undisturbed.get(item % PROMPTS))
                        .toList();
                synchronized (sent) {
                    sent.add(new JobAudit.Sent(job, texts, cancelled));
                }
            }
        }
    }

    /** False where the broker did not take it in time, of which its client knows. */
    private boolean send(String job, List<BestEffortJob> records) {
        try {
            topics.send(records);
            return true;
        } catch (UserException e) {
            progress.step("job", job + ": " + e.getMessage());
            return false;
        }
    }

    /** How things stand by the progress topic. */
    JobVerdict judge() {
        synchronized (sent) {
            return JobAudit.read(stack.settings(), stack.schemas(), sent).judge(sent);
        }
    }

    private static BestEffortJob head(String job, JobCommand command) {
        return BestEffortJob.newBuilder()
                .setJobId(job)
                .setTenant("chaos")
                .setWeight(1)
                .setKind(JobKind.PROMPT_BATCH)
                .setCommand(command)
                .setModel(command == JobCommand.SUBMIT ? ChaosStack.MODEL : "")
                .setInput(List.of())
                .setAtMs(System.currentTimeMillis())
                .build();
    }

    private static List<String> lines(int count) {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ObjectNode line = JSON.createObjectNode();
            line.put("custom_id", "item-" + i).put("method", "POST").put("url", "/v1/completions");
            line.putObject("body")
                    .put("prompt", "Verse " + (i % PROMPTS + 1) + ": the LORD")
                    .put("max_tokens", MAX_TOKENS)
                    .put("ignore_eos", true);
            lines.add(line.toString());
        }
        return lines;
    }

    private static void sleepUntil(long nanos) throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(Math.max(0, nanos - System.nanoTime()));
    }

    @Override
    public void close() {
        topics.close();
    }
}

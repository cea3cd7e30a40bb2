package io.sluice.batch;

import io.sluice.batch.JobChecks.Refusal;
import io.sluice.records.BestEffortJob;
import io.sluice.records.ErrorReason;
import io.sluice.records.JobCommand;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes records of the jobs topic: parts of jobs, in any order and as often as they come, and commands to cancel one. A job
 * begins when all its items are there. Used by one task.
 */
final class JobIntake {
    private static final Logger LOG = LoggerFactory.getLogger(JobIntake.class);
    /** After so long, what is in flight of a cancelled job is given up: its router knows nothing of it. */
    private static final long CANCEL_MS = 120_000;

    private final BatchConfig.Bounds bounds;
    private final JobChecks checks;
    private final JobBook book;
    private final Sending sending;
    private final Endings endings;
    private final BatchOutbox outbox;
    private final BatchMetrics metrics;

    JobIntake(
            BatchConfig.Bounds bounds,
            JobBook book,
            Sending sending,
            Endings endings,
            BatchOutbox outbox,
            BatchMetrics metrics) {
        this.bounds = bounds;
        this.checks = new JobChecks(bounds);
        this.book = book;
        this.sending = sending;
        this.endings = endings;
        this.outbox = outbox;
        this.metrics = metrics;
    }

    /** @throws Refusal when the record cannot be used; nothing has changed then, or the job has failed */
    void take(BestEffortJob record, byte[] key, long now) throws Refusal {
        JobChecks.checkId(record, key);
        if (record.getCommand() == JobCommand.CANCEL) {
            cancel(record.getJobId(), now);
        } else {
            part(record, now);
        }
    }

    private void part(BestEffortJob part, long now) throws Refusal {
        Optional<Job> known = book.find(part.getJobId());
        if (known.isPresent() && known.get().phase() != JobPhase.COLLECTING) {
            // It has all its parts, or is over: this is a repetition, and the first one counts.
            metrics.record("repeated");
            return;
        }
        Job.Head head = checks.head(part, book.nextOrder(), now);
        JobChecks.checkRange(part, head);
        if (known.isPresent()) {
            JobChecks.checkSame(head, known.get().head());
        }
        checkRoom(part, known, head, now);
        Job job = known.orElseGet(() -> begin(part, head, now));
        add(job, part);
        metrics.record("used");
        if (job.isComplete()) {
            job.phase(JobPhase.QUEUED, now);
            book.put(job);
            if (job.waiting() == 0) {
                job.phase(JobPhase.RUNNING, now);
                endings.endIfOver(job, now);
            }
            sending.ready(job);
        }
    }

    private void checkRoom(BestEffortJob part, Optional<Job> known, Job.Head head, long now) throws Refusal {
        long bytes = 0;
        for (String line : part.getInput()) {
            bytes += line.length();
        }
        try {
            checks.checkRoom(book, known.isEmpty(), bytes);
        } catch (Refusal refusal) {
            endings.end(known.orElseGet(() -> new Job(head, now)), JobPhase.FAILED, refusal.getMessage(), now);
            throw refusal;
        }
    }

    private Job begin(BestEffortJob part, Job.Head head, long now) {
        Job job = new Job(head, now);
        book.put(job);
        boolean whole = part.getInput().size() == head.items();
        outbox.state(job, whole ? "" : "it begins when all its parts are there");
        LOG.info(
                "job submitted id={} tenant={} weight={} items={}",
                job.id(),
                head.tenant(),
                head.weight(),
                head.items());
        return job;
    }

    private void add(Job job, BestEffortJob part) {
        List<String> lines = part.getInput();
        for (int i = 0; i < lines.size(); i++) {
            int index = Math.toIntExact(part.getFirstItem() + i);
            if (job.state(index) != ItemState.ABSENT) {
                continue;
            }
            String line = lines.get(i);
            Optional<String> tooLong = checks.tooLong(line.getBytes(StandardCharsets.UTF_8).length);
            if (tooLong.isPresent()) {
                endings.failed(job, index, null, "line_too_long", tooLong.get());
            } else {
                book.add(job, index, line);
            }
        }
    }

    private void cancel(String id, long now) throws Refusal {
        Job job = book.find(id)
                .orElseThrow(() -> new Refusal(
                        ErrorReason.INVALID_REQUEST, "job '" + id + "' is not known, so that it cannot be cancelled"));
        if (job.phase().isOver() || job.phase() == JobPhase.CANCELLING) {
            metrics.record("repeated");
            return;
        }
        metrics.record("used");
        sending.stop(job);
        job.phase(JobPhase.CANCELLING, now);
        book.put(job);
        for (int index = 0; index < job.head().items(); index++) {
            if (job.state(index) == ItemState.SENT) {
                outbox.cancel(new ItemId(id, index));
            }
        }
        LOG.info("job cancelled id={} inFlight={}", id, job.sent());
        endings.endIfOver(job, now);
    }

    /** Ends jobs whose parts stay away, and what a cancelled job waits for in vain. */
    void look(long now) {
        for (Job job : List.copyOf(book.all())) {
            long sinceMs = now - job.changedMs();
            if (job.phase() == JobPhase.COLLECTING && sinceMs > bounds.parts().toMillis()) {
                String message = job.present() + " of " + job.head().items() + " items came within "
                        + bounds.parts().toSeconds() + " s; submit the job again under a new id";
                endings.end(job, JobPhase.FAILED, message, now);
            } else if (job.phase() == JobPhase.CANCELLING && sinceMs > CANCEL_MS) {
                for (int index = 0; index < job.head().items(); index++) {
                    if (job.state(index) == ItemState.SENT) {
                        sending.ended();
                        endings.failed(job, index, "cancelled", "cancelled; no router knew the request");
                    }
                }
                endings.endIfOver(job, now);
            }
        }
    }
}

package io.sluice.batch;

import io.sluice.core.sharing.FairTurns;
import io.sluice.core.sharing.TenantId;
import io.sluice.records.BestEffortJob;
import io.sluice.records.ErrorReason;
import io.sluice.records.JobKind;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Decides whether a record of the jobs topic can be used. Stateless but for its bounds. */
final class JobChecks {
    private static final int SHOWN_CHARS = 40;
    private static final int MODEL_CHARS_MAX = 256;

    private final BatchConfig.Bounds bounds;

    JobChecks(BatchConfig.Bounds bounds) {
        this.bounds = bounds;
    }

    /** Why a record cannot be used. */
    static final class Refusal extends Exception {
        private static final long serialVersionUID = 1L;
        private final ErrorReason reason;

        Refusal(ErrorReason reason, String message) {
            super(message);
            this.reason = reason;
        }

        ErrorReason reason() {
            return reason;
        }
    }

    /** The job id, if it is one and equals the record's key. */
    static void checkId(BestEffortJob record, byte[] key) throws Refusal {
        String id = record.getJobId();
        require(
                ItemId.isJobId(id),
                "job_id '" + shown(id) + "' must be 1 to " + ItemId.JOB_CHARS_MAX + " characters of [A-Za-z0-9._-]");
        String its = new String(key, StandardCharsets.UTF_8);
        require(id.equals(its), "the record's key '" + shown(its) + "' must be the job_id '" + id + "'");
    }

    /** What a part says of its whole job. */
    Job.Head head(BestEffortJob part, long order, long nowMs) throws Refusal {
        require(
                part.getKind() == JobKind.PROMPT_BATCH,
                "kind " + part.getKind() + " is not served; PROMPT_BATCH is the only one");
        long items = part.getItemsTotal() == 0 ? part.getInput().size() : part.getItemsTotal();
        require(
                items >= 1 && items <= bounds.items(),
                "the job has " + items + " items: 1 to " + bounds.items() + " are taken; split it into several jobs");
        require(
                part.getModel().length() <= MODEL_CHARS_MAX,
                "model has " + part.getModel().length() + " characters, at most " + MODEL_CHARS_MAX + " are kept");
        try {
            return new Job.Head(
                    part.getJobId(),
                    order,
                    new TenantId(part.getTenant()),
                    FairTurns.weight("weight", part.getWeight()),
                    part.getModel(),
                    (int) items,
                    nowMs);
        } catch (IllegalArgumentException e) {
            throw new Refusal(ErrorReason.INVALID_REQUEST, e.getMessage());
        }
    }

    /** Whether the part's items are among the job's. */
    static void checkRange(BestEffortJob part, Job.Head job) throws Refusal {
        long first = part.getFirstItem();
        int count = part.getInput().size();
        require(
                first >= 0 && count >= 1 && first <= job.items() - count,
                "the part has " + count + " items from " + first + " on, the job has " + job.items()
                        + ": a part has at least one item, and all of them are among the job's");
    }

    /** Whether a further part is of the same job as the first one. */
    static void checkSame(Job.Head part, Job.Head job) throws Refusal {
        boolean same = part.tenant().equals(job.tenant())
                && part.weight() == job.weight()
                && part.model().equals(job.model())
                && part.items() == job.items();
        require(
                same,
                "the part says tenant " + part.tenant() + ", weight " + part.weight() + ", model '"
                        + shown(part.model()) + "' and " + part.items() + " items, the job's first one said "
                        + job.tenant() + ", " + job.weight() + ", '" + shown(job.model()) + "' and " + job.items()
                        + ": all parts of a job must say the same; choose a new job id for another job");
    }

    /** Whether there is room for one more job, or for the lines of a part. */
    void checkRoom(JobBook book, boolean newJob, long moreBytes) throws Refusal {
        if (newJob && book.open() >= bounds.jobs()) {
            throw new Refusal(
                    ErrorReason.QUEUE_FULL,
                    book.open() + " jobs have not ended, as many as --max-jobs lets in; submit it again later");
        }
        if (book.bytes() + moreBytes > bounds.bytes()) {
            throw new Refusal(
                    ErrorReason.QUEUE_FULL,
                    "the lines of jobs that have not ended have " + book.bytes() + " bytes, with this part they would"
                            + " be more than --max-bytes " + bounds.bytes() + "; submit it again later");
        }
    }

    /** Why a line is not kept; empty: it is. */
    Optional<String> tooLong(int lineBytes) {
        return lineBytes <= bounds.lineBytes()
                ? Optional.empty()
                : Optional.of("the line has " + lineBytes + " bytes, at most " + bounds.lineBytes() + " are taken");
    }

    private static void require(boolean holds, String message) throws Refusal {
        if (!holds) {
            throw new Refusal(ErrorReason.INVALID_REQUEST, message);
        }
    }

    private static String shown(String text) {
        return text.length() <= SHOWN_CHARS ? text : text.substring(0, SHOWN_CHARS) + "…";
    }
}

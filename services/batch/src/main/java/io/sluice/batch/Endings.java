package io.sluice.batch;

import io.sluice.records.Completion;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The ways in which items and jobs end, each with exactly one record for whoever waits. Used by one task. */
final class Endings {
    private static final Logger LOG = LoggerFactory.getLogger(Endings.class);

    private final JobBook book;
    private final BatchOutbox outbox;
    private final BatchMetrics metrics;

    Endings(JobBook book, BatchOutbox outbox, BatchMetrics metrics) {
        this.book = book;
        this.outbox = outbox;
        this.metrics = metrics;
    }

    /** An item that was sent is completed. */
    void completed(Job job, int index, Completion completion) {
        ItemId item = new ItemId(job.id(), index);
        String result;
        try {
            BatchLine line = BatchLine.parse(book.line(job, index), job.head().model());
            result = ResultLine.completed(item, line, completion);
        } catch (BatchLine.Problem e) {
            throw new IllegalStateException("item " + item + " was sent and its line cannot be read", e);
        }
        book.state(job, index, ItemState.DONE);
        outbox.result(job, index, result);
        metrics.result("completed");
    }

    /** An item that was sent ended in an error. */
    void failed(Job job, int index, String code, String message) {
        failed(job, index, BatchLine.customId(book.line(job, index)).orElse(null), code, message);
    }

    /**
     * An item has an error for a result.
     *
     * @param customId null: none could be read
     */
    void failed(Job job, int index, String customId, String code, String message) {
        book.state(job, index, ItemState.FAILED);
        outbox.result(job, index, ResultLine.failed(new ItemId(job.id(), index), customId, code, message));
        metrics.result(code);
    }

    /** Ends a job of which nothing is left to do. */
    void endIfOver(Job job, long now) {
        if (job.phase() == JobPhase.CANCELLING && job.sent() == 0) {
            end(job, JobPhase.CANCELLED, job.done() + " of " + job.head().items() + " items had ended", now);
        } else if (job.phase() == JobPhase.RUNNING && job.done() == job.head().items()) {
            end(job, JobPhase.SUCCEEDED, job.failed() == 0 ? "" : job.failed() + " items ended in an error", now);
        }
    }

    /** Ends a job. */
    void end(Job job, JobPhase phase, String message, long now) {
        book.end(job, phase, now);
        outbox.state(book.find(job.id()).orElseThrow(), message);
        metrics.ended(phase);
        LOG.info(
                "job ended id={} tenant={} state={} items={} done={} failed={}",
                job.id(),
                job.head().tenant(),
                phase,
                job.head().items(),
                job.done(),
                job.failed());
    }
}

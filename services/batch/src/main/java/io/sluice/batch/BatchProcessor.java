package io.sluice.batch;

import io.sluice.batch.JobChecks.Refusal;
import io.sluice.records.ErrorReason;
import io.sluice.records.ErrorRecord;
import io.sluice.schemas.RecordFormatException;
import io.sluice.schemas.Topics;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one task that decides about jobs: parts, commands and the ends of requests in, requests and results out. All state is
 * in stores, or rebuilt from them in {@link #init}.
 */
final class BatchProcessor implements Processor<byte[], byte[], byte[], Object> {
    /** How often items are sent though nothing has come. */
    static final Duration TICK = Duration.ofMillis(100);
    /** How often jobs are looked for that wait in vain. */
    static final Duration SLOW_TICK = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(BatchProcessor.class);

    private final BatchConfig config;
    private final BatchTopology.Formats formats;
    private final BatchMetrics metrics;

    private ProcessorContext<byte[], Object> context;
    private JobBook book;
    private BatchOutbox outbox;
    private Endings endings;
    private Sending sending;
    private JobIntake jobs;

    BatchProcessor(BatchConfig config, BatchTopology.Formats formats, BatchMetrics metrics) {
        this.config = config;
        this.formats = formats;
        this.metrics = metrics;
    }

    @Override
    public void init(ProcessorContext<byte[], Object> processorContext) {
        context = processorContext;
        outbox = new BatchOutbox(context);
        book = new JobBook(
                context.getStateStore(BatchTopology.JOBS_STORE),
                context.getStateStore(BatchTopology.ITEMS_STORE),
                context.getStateStore(BatchTopology.LINES_STORE));
        endings = new Endings(book, outbox, metrics);
        sending = new Sending(config.window(), book, outbox, endings);
        jobs = new JobIntake(config.bounds(), book, sending, endings, outbox, metrics);
        book.restore();
        sending.restore();
        context.schedule(TICK, PunctuationType.WALL_CLOCK_TIME, sending::go);
        context.schedule(SLOW_TICK, PunctuationType.WALL_CLOCK_TIME, this::slowTick);
        LOG.info("batch task ready jobs={} inFlight={}", book.open(), sending.inFlight());
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        BatchIntake.Origin origin = BatchIntake.Origin.of(record.headers());
        long now = context.currentSystemTimeMs();
        if (origin.topic().equals(Topics.BEST_EFFORT_JOBS.name())) {
            onJob(record, origin, now);
        } else {
            onEnd(record, origin, now);
        }
        sending.go(now);
    }

    private void onJob(Record<byte[], byte[]> record, BatchIntake.Origin origin, long now) {
        try {
            jobs.take(formats.jobs().deserialize(origin.topic(), record.value()), record.key(), now);
        } catch (Refusal refusal) {
            metrics.record("refused");
            outbox.deadLetter(origin, record.key(), record.value(), refusal.reason(), refusal.getMessage());
        } catch (RecordFormatException e) {
            metrics.record("refused");
            outbox.deadLetter(origin, record.key(), record.value(), e.reason(), e.getMessage());
        }
    }

    /** A request has ended; what is of no item that is out now was counted before, or is nobody's. */
    private void onEnd(Record<byte[], byte[]> record, BatchIntake.Origin origin, long now) {
        ItemId item =
                ItemId.of(new String(record.key(), StandardCharsets.UTF_8)).orElseThrow();
        Optional<Job> found = book.find(item.job())
                .filter(job -> item.index() < job.head().items() && job.state(item.index()) == ItemState.SENT);
        if (found.isEmpty()) {
            metrics.record("repeated");
            return;
        }
        Job job = found.get();
        try {
            if (origin.topic().equals(Topics.COMPLETIONS.name())) {
                endings.completed(job, item.index(), formats.completions().deserialize(origin.topic(), record.value()));
                sending.ended();
            } else {
                onError(job, item.index(), formats.failures().deserialize(origin.topic(), record.value()), now);
            }
        } catch (RecordFormatException e) {
            // Whoever wrote it, nothing else will come under this id.
            endings.failed(job, item.index(), "internal_error", "the result cannot be read: " + e.getMessage());
            sending.ended();
        }
        endings.endIfOver(job, now);
    }

    private void onError(Job job, int index, ErrorRecord error, long now) {
        if (error.getReason() == ErrorReason.QUEUE_FULL) {
            metrics.record("returned");
            sending.returned(job, index, now);
            return;
        }
        endings.failed(job, index, error.getReason().name().toLowerCase(Locale.ROOT), error.getMessage());
        sending.ended();
    }

    private void slowTick(long now) {
        jobs.look(now);
        sending.go(now);
        long waiting = 0;
        for (Job job : book.all()) {
            waiting += job.waiting();
        }
        metrics.now(book.open(), sending.inFlight(), waiting, book.bytes());
    }
}

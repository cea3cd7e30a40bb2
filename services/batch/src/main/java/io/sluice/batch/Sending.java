package io.sluice.batch;

import io.sluice.core.sharing.FairWindow;
import io.sluice.records.InferenceRequest;
import io.sluice.records.ServiceClass;
import java.util.Optional;

/**
 * Sends items as best-effort requests: as many as the window lets out, whose turn it is by {@link FairWindow}. A line that
 * is no request gets its error here, when its turn comes. Used by one task.
 */
final class Sending {
    /** Most items that are looked at between two records. */
    private static final int PER_LOOK = 200;
    /** After the router's queue was full. */
    private static final long PAUSE_MS = 1_000;

    private final JobBook book;
    private final BatchOutbox outbox;
    private final Endings endings;
    private final FairWindow window;
    private long pausedUntilMs;

    Sending(int windowSize, JobBook book, BatchOutbox outbox, Endings endings) {
        this.book = book;
        this.outbox = outbox;
        this.endings = endings;
        this.window = new FairWindow(windowSize);
    }

    /** Takes up the jobs that the book holds after a restart; what was out is out. */
    void restore() {
        for (Job job : book.all()) {
            for (int i = 0; i < job.sent(); i++) {
                window.restored();
            }
            ready(job);
        }
    }

    /** A job may have items to send. */
    void ready(Job job) {
        boolean sends = job.phase() == JobPhase.QUEUED || job.phase() == JobPhase.RUNNING;
        if (sends && job.waiting() > 0) {
            window.enter(
                    job.id(),
                    job.head().order(),
                    job.head().tenant(),
                    job.head().weight());
        }
    }

    /** A job sends nothing more. */
    void stop(Job job) {
        window.leave(job.id());
    }

    /** A request has ended, whatever came of it. */
    void ended() {
        window.ended();
    }

    /** The router has no room: the item waits again, and everybody a while. */
    void returned(Job job, int index, long now) {
        window.ended();
        book.state(job, index, ItemState.WAITING);
        pausedUntilMs = now + PAUSE_MS;
        ready(job);
    }

    int inFlight() {
        return window.inFlight();
    }

    /** Sends what may be sent now. */
    void go(long now) {
        for (int looks = 0; looks < PER_LOOK && now >= pausedUntilMs; looks++) {
            Optional<String> turn = window.next();
            if (turn.isEmpty()) {
                return;
            }
            Job job = book.find(turn.get()).orElseThrow();
            if (job.phase() == JobPhase.QUEUED) {
                job.phase(JobPhase.RUNNING, now);
                book.put(job);
                outbox.state(job, "");
            }
            send(job, job.nextWaiting(), now);
            if (job.waiting() == 0) {
                window.leave(job.id());
            }
            endings.endIfOver(job, now);
        }
    }

    private void send(Job job, int index, long now) {
        ItemId item = new ItemId(job.id(), index);
        String text = book.line(job, index);
        try {
            BatchLine line = BatchLine.parse(text, job.head().model());
            InferenceRequest.Builder request = line.request(item.requestId())
                    .setServiceClass(ServiceClass.BEST_EFFORT)
                    .setTenant(job.head().tenant().value())
                    .setWeight(job.head().weight())
                    .setArrivalMs(now);
            if (!line.hasSeed()) {
                request.setSeed(index);
            }
            book.state(job, index, ItemState.SENT);
            window.started(job.id(), line.expectedTokens());
            outbox.request(request.build());
        } catch (BatchLine.Problem problem) {
            String customId = BatchLine.customId(text).orElse(null);
            endings.failed(job, index, customId, "invalid_line", problem.getMessage());
        }
    }
}

package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.batching.LinkLimits;
import io.sluice.core.batching.LinkQueue;
import io.sluice.core.batching.SchedulingBounds;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.runtime.PromptChunks;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What waits for a slow link of this worker, and which record goes next and when: one {@link LinkQueue} per next worker,
 * all of them behind the one bandwidth that the worker declares. Decode steps go first, those to one worker together;
 * prompt chunks go by rank, in records of at most {@link SchedulingBounds#mostRecordSeconds}. A record is due once the
 * former ones have had their time on the link, so that hardly more than one is ahead of a decode step in the producer,
 * whose own queue is first in, first out. Times are nanoseconds of any one monotonic clock. Not thread-safe.
 */
final class LinkPacer {
    /** A record goes so long before the link is free, so that the link does not run dry. */
    static final long AHEAD_NANOS = 1_000_000;

    /** What a record and a chunk take beside the payload, about, bytes. */
    static final int RECORD_BYTES = 200;

    private static final int CHUNK_BYTES = 64;
    /** Prompts on their way to one worker that are remembered; further ones are sent in order of arrival. */
    private static final int MAX_PROMPTS = 4_096;

    private final LinkLimits limits;
    private final double bytesPerSecond;
    private final long mostPromptTokens;
    private final Map<WorkerId, Link> links = new LinkedHashMap<>();
    /** Links that have something waiting; the head has its turn. */
    private final List<Link> turns = new ArrayList<>();

    private long freeAtNanos;
    private long promptTokens;
    private int decodeRecordsInARow;
    private boolean started;

    /**
     * @param bytesPerSecond declared bandwidth of this worker
     * @param mostPromptTokens so many prompt positions may wait before {@link #full}
     */
    LinkPacer(LinkLimits limits, double bytesPerSecond, long mostPromptTokens) {
        this.limits = Objects.requireNonNull(limits, "limits");
        this.bytesPerSecond = bytesPerSecond;
        this.mostPromptTokens = mostPromptTokens;
        if (!(bytesPerSecond > 0) || mostPromptTokens < 1 || limits.promptTokensPerRecord() < PromptChunks.MIN_CHUNK) {
            throw new IllegalArgumentException("a link of " + bytesPerSecond + " bytes/s for " + mostPromptTokens
                    + " waiting positions in " + limits + ": both must be positive, and a record must hold "
                    + PromptChunks.MIN_CHUNK + " positions");
        }
    }

    /** One record. */
    record Departure(WorkerId to, List<ActivationChunk> chunks) {}

    /** Adds a chunk for a worker; a prompt chunk is cut where it must be. */
    void offer(WorkerId to, ActivationChunk chunk) {
        Link link = links.computeIfAbsent(to, Link::new);
        if (link.queue.isEmpty()) {
            turns.add(link);
        }
        SessionId session = new SessionId(chunk.getSessionId());
        if (chunk.getKind() != ChunkKind.FORWARD) {
            link.ended(session, chunk.getAttempt());
            link.queue.addDecode(chunk);
            return;
        }
        Prompt prompt = link.prompt(session, chunk);
        if (prompt == null) {
            link.queue.addDecode(chunk);
            return;
        }
        for (ActivationChunk part : cut(chunk, limits.promptTokensPerRecord())) {
            link.queue.addPrompt(session, part.getCount(), prompt.rank, part);
            promptTokens += part.getCount();
        }
    }

    /** Prompt positions that wait. */
    long promptTokens() {
        return promptTokens;
    }

    /** Whether so many prompt positions wait that no more should be computed; decode steps are always taken. */
    boolean full() {
        return promptTokens >= mostPromptTokens;
    }

    /** Time until {@link #take} gives a record, nanoseconds: 0 now, {@link Long#MAX_VALUE} when nothing waits. */
    long untilDueNanos(long nowNanos) {
        if (turns.isEmpty()) {
            return Long.MAX_VALUE;
        }
        return started ? Math.max(0, freeAtNanos - AHEAD_NANOS - nowNanos) : 0;
    }

    /** The next record; null when none is due. */
    Departure take(long nowNanos) {
        if (untilDueNanos(nowNanos) > 0) {
            return null;
        }
        Departure next = next();
        long bytes = RECORD_BYTES;
        for (ActivationChunk chunk : next.chunks) {
            bytes += CHUNK_BYTES + chunk.getPayload().remaining();
        }
        long from = started && freeAtNanos - nowNanos > 0 ? freeAtNanos : nowNanos;
        freeAtNanos = from + Math.round(bytes / bytesPerSecond * 1e9);
        started = true;
        return next;
    }

    /** The next record, due or not; null when nothing waits. */
    Departure drain() {
        return turns.isEmpty() ? null : next();
    }

    private Departure next() {
        Link link = turns.remove(turn());
        promptTokens -= link.queue.promptTokens();
        LinkQueue.Outgoing<ActivationChunk> record = link.queue.next();
        promptTokens += link.queue.promptTokens();
        decodeRecordsInARow = record.decodes() ? decodeRecordsInARow + 1 : 0;
        if (!link.queue.isEmpty()) {
            turns.add(link);
        }
        return new Departure(
                link.to, record.pieces().stream().map(LinkQueue.Piece::item).toList());
    }

    /** Links take turns; one with decode steps goes before those with prompts only, a bounded number of times in a row. */
    private int turn() {
        if (decodeRecordsInARow < limits.decodeRecordsPerPrompt()) {
            for (int i = 0; i < turns.size(); i++) {
                if (turns.get(i).queue.decodes() > 0) {
                    return i;
                }
            }
        }
        return 0;
    }

    /** Parts of at most so many positions, none of just one: see {@link PromptChunks}. */
    static List<ActivationChunk> cut(ActivationChunk chunk, int mostTokens) {
        int count = chunk.getCount();
        if (count <= mostTokens) {
            return List.of(chunk);
        }
        ByteBuffer payload = chunk.getPayload();
        int bytesPerToken = payload.remaining() / count;
        List<ActivationChunk> parts = new ArrayList<>();
        int from = 0;
        for (int size : PromptChunks.split(count, mostTokens)) {
            int end = from + size;
            parts.add(new ActivationChunk(
                    chunk.getSessionId(),
                    chunk.getAttempt(),
                    chunk.getKind(),
                    chunk.getPosition() + from,
                    size,
                    chunk.getEnterLayer(),
                    chunk.getDtype(),
                    chunk.getHidden(),
                    payload.slice(payload.position() + from * bytesPerToken, size * bytesPerToken),
                    chunk.getLastOfPrompt() && end == count,
                    from == 0 ? chunk.getSetup() : null,
                    chunk.getHops()));
            from = end;
        }
        return parts;
    }

    /** A prompt of which chunks are still to come. */
    private record Prompt(int attempt, double rank) {}

    private final class Link {
        private final WorkerId to;
        private final LinkQueue<ActivationChunk> queue = new LinkQueue<>(limits);
        private final LinkedHashMap<SessionId, Prompt> prompts = new LinkedHashMap<>();
        private long arrivals;

        Link(WorkerId to) {
            this.to = to;
        }

        /** The prompt that the chunk is of; null for a decode step. A prompt's first chunk carries the set-up. */
        Prompt prompt(SessionId session, ActivationChunk chunk) {
            Prompt prompt = prompts.get(session);
            if (chunk.getSetup() != null) {
                if (prompt != null && prompt.attempt < chunk.getAttempt()) {
                    forget(session);
                }
                double rank = SchedulingBounds.DEFAULT.rank(
                        arrivals++, chunk.getSetup().getPromptTokens());
                prompt = new Prompt(chunk.getAttempt(), rank);
                prompts.put(session, prompt);
                if (prompts.size() > MAX_PROMPTS) {
                    prompts.pollFirstEntry();
                }
            } else if (prompt == null && chunk.getCount() > 1) {
                prompt = new Prompt(chunk.getAttempt(), arrivals++);
            }
            if (prompt != null && chunk.getLastOfPrompt()) {
                prompts.remove(session);
            }
            return prompt;
        }

        /** Of a session that is over nothing more need be sent. */
        void ended(SessionId session, int attempt) {
            Prompt prompt = prompts.get(session);
            if (prompt == null || prompt.attempt <= attempt) {
                prompts.remove(session);
                forget(session);
            }
        }

        private void forget(SessionId session) {
            promptTokens -= queue.promptTokens();
            queue.remove(session);
            promptTokens += queue.promptTokens();
        }
    }
}

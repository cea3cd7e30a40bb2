package io.sluice.launcher.bench.recovery;

import io.sluice.core.WorkerId;
import io.sluice.core.recovery.LogRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The activation topics of a generation's workers, in memory: what was sent to each, in order. Offsets count records of
 * a worker from 0, as in a topic of its own. Not thread-safe.
 */
final class ActivationLog {
    private final Map<WorkerId, List<Chunk>> topics = new LinkedHashMap<>();

    /**
     * Encoded hidden states of positions {@code [position, position + count)}.
     *
     * @param payload not to be changed
     */
    record Chunk(int position, int count, ByteBuffer payload) {}

    /** Appends; returns the offset. */
    long append(WorkerId worker, Chunk chunk) {
        List<Chunk> topic = topics.computeIfAbsent(worker, ignored -> new ArrayList<>());
        topic.add(chunk);
        return topic.size() - 1L;
    }

    /**
     * The encoded rows of positions {@code [0, end)}, in order; of a position that was sent twice the later one.
     *
     * @param rowBytes bytes of one position
     * @throws IllegalStateException when the ranges do not hold them all
     */
    List<ByteBuffer> rows(List<LogRange> ranges, int end, int rowBytes) {
        ByteBuffer[] rows = new ByteBuffer[end];
        for (LogRange range : ranges) {
            List<Chunk> topic = topics.getOrDefault(range.worker(), List.of());
            for (long offset = range.firstOffset(); offset < range.endOffset(); offset++) {
                Chunk chunk = topic.get((int) offset);
                for (int i = 0; i < chunk.count() && chunk.position() + i < end; i++) {
                    rows[chunk.position() + i] = chunk.payload().slice(i * rowBytes, rowBytes);
                }
            }
        }
        for (int position = 0; position < end; position++) {
            if (rows[position] == null) {
                throw new IllegalStateException("the log " + ranges + " holds no inputs of position " + position);
            }
        }
        return List.of(rows);
    }

    void clear() {
        topics.clear();
    }
}

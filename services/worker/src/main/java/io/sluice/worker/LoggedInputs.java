package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Picks the inputs of one session out of records of the log, whatever their order, and gives every position before the
 * start once. An attempt stands for the positions from its first one on until the next attempt goes on from there:
 * what an older one has computed beyond that never led to a token that counts. Not thread-safe.
 */
final class LoggedInputs {
    private final InputLog.Order order;
    private final byte[] name;
    private final List<ActivationChunk> found = new ArrayList<>();

    LoggedInputs(InputLog.Order order) {
        this.order = Objects.requireNonNull(order, "order");
        this.name = order.session().value().getBytes(StandardCharsets.UTF_8);
    }

    InputLog.Order order() {
        return order;
    }

    /**
     * Whether the record may hold chunks of the session. Session ids stand in a record as they are, so that a look at
     * its bytes spares the decoding of most of those that hold none.
     */
    boolean mayBeIn(byte[] record) {
        for (int i = 0; i <= record.length - name.length; i++) {
            if (record[i] == name[0] && Arrays.equals(record, i, i + name.length, name, 0, name.length)) {
                return true;
            }
        }
        return false;
    }

    /** Takes the session's inputs of a record. */
    void take(ActivationBatch batch) {
        for (ActivationChunk chunk : batch.getChunks()) {
            if (chunk.getSessionId().equals(order.session().value())
                    && chunk.getKind() == ChunkKind.FORWARD
                    && chunk.getEnterLayer() == order.enterLayer()
                    && chunk.getAttempt() < order.attempt()
                    && chunk.getCount() >= 1
                    && chunk.getPosition() >= 0
                    && chunk.getPosition() < order.start()) {
                found.add(chunk);
            }
        }
    }

    /**
     * The inputs of positions {@code [0, start)} in order, as chunks of the attempt that rebuilds.
     *
     * @param reader checks and expands the payloads
     * @throws IllegalArgumentException when a position is missing or a chunk cannot be used; the message names it
     */
    List<InboundChunk> inOrder(ChunkReader reader, Arrival arrival) {
        TreeMap<Integer, List<ActivationChunk>> byAttempt = new TreeMap<>();
        found.forEach(chunk -> byAttempt
                .computeIfAbsent(chunk.getAttempt(), key -> new ArrayList<>())
                .add(chunk));
        List<InboundChunk> inputs = new ArrayList<>();
        int next = 0;
        for (Map.Entry<Integer, List<ActivationChunk>> attempt : byAttempt.entrySet()) {
            int end = endOf(byAttempt, attempt.getKey());
            attempt.getValue().sort(Comparator.comparingInt(ActivationChunk::getPosition));
            for (ActivationChunk chunk : attempt.getValue()) {
                int from = Math.max(next, chunk.getPosition());
                int to = Math.min(end, chunk.getPosition() + chunk.getCount());
                if (from < to && from == next) {
                    inputs.add(input(reader, chunk, from, to, arrival));
                    next = to;
                }
            }
        }
        if (next < order.start()) {
            throw new IllegalArgumentException("position " + next + " of session " + order.session() + " is not in "
                    + order.ranges() + ", which should hold all before " + order.start());
        }
        return inputs;
    }

    /** Where a newer attempt takes over from this one. */
    private int endOf(TreeMap<Integer, List<ActivationChunk>> byAttempt, int attempt) {
        return byAttempt.tailMap(attempt, false).values().stream()
                .flatMap(List::stream)
                .mapToInt(ActivationChunk::getPosition)
                .reduce(order.start(), Math::min);
    }

    private InboundChunk input(ChunkReader reader, ActivationChunk chunk, int from, int to, Arrival arrival) {
        // Set-ups in the log are those of other workers, timings those of steps long over.
        ActivationChunk bare = new ActivationChunk(
                chunk.getSessionId(),
                order.attempt(),
                ChunkKind.FORWARD,
                chunk.getPosition(),
                chunk.getCount(),
                chunk.getEnterLayer(),
                chunk.getDtype(),
                chunk.getHidden(),
                chunk.getPayload(),
                false,
                null,
                List.of());
        return reader.read(bare, arrival).slice(from - chunk.getPosition(), to - chunk.getPosition());
    }

    /** The session it is for. */
    SessionId session() {
        return order.session();
    }
}

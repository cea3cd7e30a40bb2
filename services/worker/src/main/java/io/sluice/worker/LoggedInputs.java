package io.sluice.worker;

import io.sluice.core.stage.LogPicker;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** Finds the inputs of one session in records of the log, for the core's {@link LogPicker}. Not thread-safe. */
final class LoggedInputs {
    private final LogPicker.Want want;
    private final LogPicker<ActivationChunk> picker;
    private final byte[] name;

    LoggedInputs(LogPicker.Want want) {
        this.want = Objects.requireNonNull(want, "want");
        this.picker = new LogPicker<>(want);
        this.name = want.session().value().getBytes(StandardCharsets.UTF_8);
    }

    LogPicker.Want want() {
        return want;
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
            if (chunk.getKind() == ChunkKind.FORWARD
                    && chunk.getSessionId().equals(want.session().value())) {
                picker.take(
                        chunk,
                        want.session(),
                        chunk.getAttempt(),
                        chunk.getEnterLayer(),
                        chunk.getPosition(),
                        chunk.getCount());
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
        List<LogPicker.Piece<ActivationChunk>> pieces = picker.inOrder();
        picker.missing(pieces).ifPresent(position -> {
            throw new IllegalArgumentException(picker.missed(position));
        });
        List<InboundChunk> inputs = new ArrayList<>();
        pieces.forEach(piece -> inputs.add(input(reader, piece, arrival)));
        return inputs;
    }

    private InboundChunk input(ChunkReader reader, LogPicker.Piece<ActivationChunk> piece, Arrival arrival) {
        // Set-ups in the log are those of other workers, timings those of steps long over.
        ActivationChunk chunk = piece.chunk();
        ActivationChunk bare = new ActivationChunk(
                chunk.getSessionId(),
                want.attempt(),
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
        return reader.read(bare, arrival).slice(piece.from(), piece.to());
    }
}

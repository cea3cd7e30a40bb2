package io.sluice.worker;

import io.sluice.core.WorkerId;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.DType;
import io.sluice.records.HopTiming;
import io.sluice.records.SessionSetup;
import io.sluice.runtime.ActivationCodec;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.PromptChunks;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Builds the chunks a worker sends: hidden states in the element type of the link, split by position ranges so that no
 * payload is over the bound. One conversion pass over the elements. Stateless but for the types it asks for.
 */
final class ChunkWriter {
    /**
     * Payload bound when sending; below the format's 1 MiB, so that a record with its frame passes a default broker.
     */
    static final int MAX_PAYLOAD_BYTES = ChunkReader.MAX_PAYLOAD_BYTES - (1 << 16);

    private final PayloadTypes types;
    private final int hiddenSize;
    private final int maxPayloadBytes;

    ChunkWriter(PayloadTypes types, int hiddenSize, int maxPayloadBytes) {
        this.types = Objects.requireNonNull(types, "types");
        this.hiddenSize = hiddenSize;
        this.maxPayloadBytes = maxPayloadBytes;
        if (maxPositions() < PromptChunks.MIN_CHUNK) {
            throw new IllegalArgumentException(PromptChunks.MIN_CHUNK + " positions of " + hiddenSize
                    + " elements do not fit into a payload of " + maxPayloadBytes + " bytes");
        }
    }

    /** Most positions of hidden states in one payload. */
    int maxPositions() {
        return maxPayloadBytes / types.longest().rowBytes(hiddenSize);
    }

    /**
     * The chunks for the next stage.
     *
     * @param hidden row-major {@code [source.count(), hiddenSize]}, from its position on
     * @param setup null once the next stage knows the session
     * @throws IllegalArgumentException when a value does not fit the element type
     */
    List<ActivationChunk> hidden(
            InboundChunk source,
            WorkerId next,
            int enterLayer,
            FloatBuffer hidden,
            SessionSetup setup,
            List<HopTiming> hops) {
        ActivationDtype type = types.to(next, source.count());
        int start = hidden.position();
        List<ActivationChunk> chunks = new ArrayList<>(1);
        int to = 0;
        for (int size : PromptChunks.split(source.count(), maxPositions())) {
            int from = to;
            to += size;
            FloatBuffer part = hidden.slice(start + from * hiddenSize, size * hiddenSize);
            ByteBuffer payload = ActivationCodec.encode(part, size, hiddenSize, type);
            chunks.add(new ActivationChunk(
                    source.session().value(),
                    source.attempt(),
                    ChunkKind.FORWARD,
                    source.position() + from,
                    size,
                    enterLayer,
                    wire(type),
                    hiddenSize,
                    payload,
                    source.lastOfPrompt() && to == source.count(),
                    from == 0 ? setup : null,
                    hops));
        }
        return chunks;
    }

    private static DType wire(ActivationDtype type) {
        return switch (type) {
            case FP16 -> DType.FP16;
            case FP32 -> DType.FP32;
            case INT8_BLOCK -> DType.INT8_BLOCK;
        };
    }

    /** The next decode step, for the first stage. */
    static ActivationChunk decode(InboundChunk source, int position, int tokenId) {
        ByteBuffer payload = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        payload.putInt(0, tokenId);
        return new ActivationChunk(
                source.session().value(),
                source.attempt(),
                ChunkKind.FORWARD,
                position,
                1,
                0,
                DType.TOKEN_IDS,
                0,
                payload,
                true,
                null,
                List.of());
    }

    /** Frees the session at the receiver. */
    static ActivationChunk release(String session, int attempt) {
        return new ActivationChunk(
                session,
                attempt,
                ChunkKind.RELEASE,
                0,
                0,
                0,
                DType.TOKEN_IDS,
                0,
                ByteBuffer.allocate(0),
                false,
                null,
                List.of());
    }
}

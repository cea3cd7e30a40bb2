package io.sluice.worker;

import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.DType;
import io.sluice.runtime.ActivationCodec;
import io.sluice.runtime.ActivationDtype;
import io.sluice.runtime.ModelConfig;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Objects;

/**
 * Checks a chunk against the model served and expands its payload to fp32. Payloads are little-endian: token ids
 * int32 {@code [count]}, hidden states fp16, fp32 or int8 blocks {@code [count, hidden]}. Stateless and thread-safe.
 */
final class ChunkReader {
    /** Largest payload of a chunk, bytes. */
    static final int MAX_PAYLOAD_BYTES = 1 << 20;

    private final ModelConfig model;
    private final String servedModel;
    private final WorkerId self;

    ChunkReader(ModelConfig model, String servedModel, WorkerId self) {
        this.model = Objects.requireNonNull(model, "model");
        this.servedModel = Objects.requireNonNull(servedModel, "servedModel");
        this.self = Objects.requireNonNull(self, "self");
    }

    /**
     * The chunk, ready to run.
     *
     * @throws IllegalArgumentException when it cannot be used; the message names field and value
     */
    InboundChunk read(ActivationChunk chunk, Arrival arrival) {
        SessionId session = new SessionId(chunk.getSessionId());
        require(chunk.getAttempt() >= 1, "attempt", chunk.getAttempt(), "attempts count from 1");
        if (chunk.getKind() == ChunkKind.RELEASE || chunk.getKind() == ChunkKind.DROP) {
            return InboundChunk.end(session, chunk.getAttempt(), chunk.getKind(), arrival);
        }
        SessionPlan plan = chunk.getSetup() == null
                ? null
                : SessionPlan.of(chunk.getSetup(), servedModel, model.layerCount(), self);
        if (chunk.getKind() == ChunkKind.PREPARE) {
            require(plan != null, "setup", null, "a PREPARE is nothing but a set-up");
            return InboundChunk.prepare(session, chunk.getAttempt(), plan, arrival);
        }
        int count = chunk.getCount();
        require(count >= 1, "count", count, "at least 1 is needed");
        require(chunk.getPosition() >= 0, "position", chunk.getPosition(), "positions count from 0");
        require(
                count <= model.contextLength() && chunk.getPosition() <= model.contextLength() - count,
                "position + count",
                (long) chunk.getPosition() + count,
                "the context of " + servedModel + " ends at " + model.contextLength());
        require(
                chunk.getEnterLayer() >= 0 && chunk.getEnterLayer() < model.layerCount(),
                "enter_layer",
                chunk.getEnterLayer(),
                servedModel + " has " + model.layerCount() + " layers");
        ByteBuffer payload = chunk.getPayload();
        require(
                payload.remaining() <= MAX_PAYLOAD_BYTES,
                "payload bytes",
                payload.remaining(),
                "at most 1 MiB is allowed");
        boolean tokens = chunk.getDtype() == DType.TOKEN_IDS;
        require(
                tokens == (chunk.getEnterLayer() == 0),
                "dtype",
                chunk.getDtype(),
                "layer " + chunk.getEnterLayer() + " takes " + (tokens ? "hidden states" : "token ids"));
        return new InboundChunk(
                session,
                chunk.getAttempt(),
                ChunkKind.FORWARD,
                chunk.getPosition(),
                count,
                chunk.getEnterLayer(),
                tokens ? tokenIds(chunk, payload) : null,
                tokens ? null : hidden(chunk, payload),
                chunk.getLastOfPrompt(),
                plan,
                chunk.getHops(),
                arrival);
    }

    private int[] tokenIds(ActivationChunk chunk, ByteBuffer payload) {
        require(
                payload.remaining() == (long) chunk.getCount() * Integer.BYTES,
                "payload bytes",
                payload.remaining(),
                chunk.getCount() + " token ids take " + (long) chunk.getCount() * Integer.BYTES);
        int[] ids = new int[chunk.getCount()];
        payload.duplicate().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(ids);
        for (int id : ids) {
            require(
                    id >= 0 && id < model.vocabSize(),
                    "token id",
                    id,
                    "the vocabulary has " + model.vocabSize() + " entries");
        }
        return ids;
    }

    private FloatBuffer hidden(ActivationChunk chunk, ByteBuffer payload) {
        require(
                chunk.getHidden() == model.hiddenSize(),
                "hidden",
                chunk.getHidden(),
                servedModel + " has a hidden size of " + model.hiddenSize());
        return ActivationCodec.decode(payload, chunk.getCount(), model.hiddenSize(), type(chunk.getDtype()));
    }

    private static ActivationDtype type(DType wire) {
        return switch (wire) {
            case FP16 -> ActivationDtype.FP16;
            case FP32 -> ActivationDtype.FP32;
            case INT8_BLOCK -> ActivationDtype.INT8_BLOCK;
            case TOKEN_IDS ->
                throw new IllegalArgumentException("chunk: dtype is TOKEN_IDS where hidden states are due");
        };
    }

    private static void require(boolean holds, String field, Object value, String why) {
        if (!holds) {
            throw new IllegalArgumentException("chunk: " + field + " is " + value + "; " + why);
        }
    }
}

package io.sluice.router;

import io.sluice.core.Stage;
import io.sluice.core.routing.SessionLife;
import io.sluice.messaging.StageCodec;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.Completion;
import io.sluice.records.DType;
import io.sluice.records.HopSummary;
import io.sluice.records.HopTiming;
import io.sluice.records.Session;
import io.sluice.records.SessionSetup;
import io.sluice.records.SessionState;
import io.sluice.records.Token;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** From the router's domain to wire records. Stateless. */
final class RouterCodec {
    /** Sender of the first chunk of every session. */
    static final String SENDER = "router";

    private static final long MICROS_PER_MILLI = 1000;

    private RouterCodec() {}

    /** The prompt, for the first stage of the session's pipeline. */
    static ToWorker prompt(RoutedRequest request, SessionLife life, long nowMs) {
        int[] ids = request.promptIds();
        ByteBuffer payload = ByteBuffer.allocate(ids.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        payload.asIntBuffer().put(ids);
        SessionSetup setup = new SessionSetup(
                request.model(),
                life.epoch(),
                StageCodec.encode(life.pipeline()),
                ids.length,
                request.maxTokens(),
                request.kvTokens(),
                request.temperature(),
                request.topK(),
                request.topP(),
                request.seed(),
                request.ignoreEos(),
                StageCodec.encode(request.serviceClass()),
                null);
        return toFirst(life, chunk(life, ChunkKind.FORWARD, ids.length, payload, setup), nowMs);
    }

    /** Frees the session along its pipeline. */
    static ToWorker release(SessionLife life, long nowMs) {
        return toFirst(life, chunk(life, ChunkKind.RELEASE, 0, ByteBuffer.allocate(0), null), nowMs);
    }

    private static ActivationChunk chunk(
            SessionLife life, ChunkKind kind, int count, ByteBuffer payload, SessionSetup setup) {
        return new ActivationChunk(
                life.id().value(),
                life.attempt(),
                kind,
                0,
                count,
                life.pipeline().first().layers().first(),
                DType.TOKEN_IDS,
                0,
                payload,
                true,
                setup,
                List.of());
    }

    private static ToWorker toFirst(SessionLife life, ActivationChunk chunk, long nowMs) {
        return new ToWorker(
                life.pipeline().first().worker(),
                new ActivationBatch(SENDER, nowMs * MICROS_PER_MILLI, List.of(chunk)));
    }

    /** A state change of a session that has, or had, a pipeline. */
    static Session session(RoutedRequest request, SessionLife life, SessionState state, long nowMs) {
        return new Session(
                request.id().value(),
                request.model(),
                state,
                life.attempt(),
                life.epoch(),
                life.pipeline() == null ? List.of() : StageCodec.encode(life.pipeline()),
                request.promptIds().length,
                request.maxTokens(),
                request.kvTokens(),
                nowMs,
                "");
    }

    /** The refusal of a request that never became a session. */
    static Session rejected(String requestId, String model, long nowMs) {
        return new Session(requestId, model, SessionState.REJECTED, 0, 0L, List.of(), 0, 0, 0, nowMs, "");
    }

    /** @param tokens all tokens of the session, by index */
    static Completion completion(StoredSession session, List<Token> tokens) {
        RoutedRequest request = session.request();
        SessionLife life = session.life();
        StringBuilder text = new StringBuilder();
        List<Integer> ids = new ArrayList<>(tokens.size());
        for (Token token : tokens) {
            text.append(token.getText());
            ids.add(token.getTokenId());
        }
        Token last = tokens.getLast();
        return new Completion(
                request.id().value(),
                request.model(),
                request.tenant(),
                text.toString(),
                Arrays.stream(request.promptIds()).boxed().toList(),
                ids,
                request.promptIds().length,
                tokens.size(),
                last.getFinishReason(),
                life.attempt(),
                life.epoch(),
                StageCodec.encode(life.pipeline()),
                request.arrivalMs(),
                session.assignedMs(),
                tokens.getFirst().getEmittedMs(),
                last.getEmittedMs(),
                hops(life, tokens));
    }

    /** Sums the timings per worker, in pipeline order. */
    private static List<HopSummary> hops(SessionLife life, List<Token> tokens) {
        Map<String, HopSummary> sums = new LinkedHashMap<>();
        for (Stage stage : life.pipeline().stages()) {
            sums.put(stage.worker().value(), new HopSummary(stage.worker().value(), 0, 0L, 0L, 0L));
        }
        for (Token token : tokens) {
            for (HopTiming hop : token.getHops()) {
                HopSummary sum = sums.get(hop.getWorker());
                if (sum != null) {
                    sum.setSteps(sum.getSteps() + 1);
                    sum.setTransferUs(sum.getTransferUs() + hop.getTransferUs());
                    sum.setQueueUs(sum.getQueueUs() + hop.getQueueUs());
                    sum.setComputeUs(sum.getComputeUs() + hop.getComputeUs());
                }
            }
        }
        return List.copyOf(sums.values());
    }
}

package io.sluice.router;

import io.sluice.core.SessionId;
import io.sluice.core.Stage;
import io.sluice.core.recovery.Assignment;
import io.sluice.core.routing.Notice;
import io.sluice.core.routing.SessionLife;
import io.sluice.core.slo.SessionBudgets;
import io.sluice.core.slo.Slo;
import io.sluice.messaging.ResumeCodec;
import io.sluice.messaging.StageCodec;
import io.sluice.records.ActivationBatch;
import io.sluice.records.ActivationChunk;
import io.sluice.records.ChunkKind;
import io.sluice.records.Completion;
import io.sluice.records.DType;
import io.sluice.records.HopSummary;
import io.sluice.records.HopTiming;
import io.sluice.records.Session;
import io.sluice.records.SessionResume;
import io.sluice.records.SessionSetup;
import io.sluice.records.SessionState;
import io.sluice.records.StageBudget;
import io.sluice.records.Token;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** From the router's domain to wire records. Stateless. */
final class RouterCodec {
    /** Sender of the first chunk of every session. */
    static final String SENDER = "router";

    private static final long MICROS_PER_MILLI = 1000;

    private RouterCodec() {}

    /** The prompt, for the first stage of the session's pipeline. */
    static ToWorker prompt(RoutedRequest request, SessionLife life, SessionBudgets budgets, long nowMs) {
        return toFirst(life, 0, request.promptIds(), setup(request, life, budgets, null), nowMs);
    }

    /**
     * Where a session goes on, for the first stage of its new pipeline: some of prompt and tokens.
     *
     * @param tokenIds all tokens so far
     */
    static ToWorker forward(
            StoredSession session, Notice.Forward notice, List<Integer> tokenIds, SessionBudgets budgets, long nowMs) {
        int[] prompt = session.request().promptIds();
        int[] ids = new int[notice.count()];
        for (int i = 0; i < ids.length; i++) {
            int at = notice.position() + i;
            ids[i] = at < prompt.length ? prompt[at] : tokenIds.get(at - prompt.length);
        }
        return toFirst(session.life(), notice.position(), ids, setup(session, tokenIds, budgets), nowMs);
    }

    /** The new attempt's set-up, for a stage whose first chunk comes from the stage before. */
    static ToWorker prepare(
            StoredSession session, Notice.Prepare notice, List<Integer> tokenIds, SessionBudgets budgets, long nowMs) {
        SessionLife life = session.life();
        SessionSetup setup = setup(session, tokenIds, budgets);
        return to(notice.stage(), chunk(life.id(), life.attempt(), ChunkKind.PREPARE, notice.stage(), setup), nowMs);
    }

    /** Frees the session at one stage. */
    static ToWorker drop(SessionId session, Notice.Drop notice, long nowMs) {
        return to(notice.stage(), chunk(session, notice.attempt(), ChunkKind.DROP, notice.stage(), null), nowMs);
    }

    private static SessionSetup setup(StoredSession session, List<Integer> tokenIds, SessionBudgets budgets) {
        Assignment assignment = session.life().assignments().getLast();
        SessionResume resume =
                tokenIds.isEmpty() ? null : ResumeCodec.encode(assignment.position(), tokenIds, assignment.stages());
        return setup(session.request(), session.life(), budgets, resume);
    }

    private static SessionSetup setup(
            RoutedRequest request, SessionLife life, SessionBudgets budgets, SessionResume resume) {
        return new SessionSetup(
                request.model(),
                life.epoch(),
                StageCodec.encode(life.pipeline()),
                request.promptIds().length,
                request.maxTokens(),
                request.kvTokens(),
                request.temperature(),
                request.topK(),
                request.topP(),
                request.seed(),
                request.ignoreEos(),
                StageCodec.encode(request.serviceClass()),
                request.tenant(),
                request.weight(),
                resume,
                wire(budgets));
    }

    private static List<StageBudget> wire(SessionBudgets budgets) {
        return budgets.stages().stream()
                .map(budget -> new StageBudget(budget.ttftMicros(), budget.tpotMicros()))
                .toList();
    }

    private static ToWorker toFirst(SessionLife life, int position, int[] ids, SessionSetup setup, long nowMs) {
        ByteBuffer payload = ByteBuffer.allocate(ids.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        payload.asIntBuffer().put(ids);
        Stage first = life.pipeline().first();
        ActivationChunk chunk = chunk(life.id(), life.attempt(), ChunkKind.FORWARD, first, setup);
        chunk.setPosition(position);
        chunk.setCount(ids.length);
        chunk.setPayload(payload);
        return to(first, chunk, nowMs);
    }

    /** A chunk without content. */
    private static ActivationChunk chunk(
            SessionId session, int attempt, ChunkKind kind, Stage stage, SessionSetup setup) {
        return new ActivationChunk(
                session.value(),
                attempt,
                kind,
                0,
                0,
                stage.layers().first(),
                DType.TOKEN_IDS,
                0,
                ByteBuffer.allocate(0),
                true,
                setup,
                List.of());
    }

    private static ToWorker to(Stage stage, ActivationChunk chunk, long nowMs) {
        return new ToWorker(stage.worker(), new ActivationBatch(SENDER, nowMs * MICROS_PER_MILLI, List.of(chunk)));
    }

    /** A state change of a session that has, or had, a pipeline. */
    static Session session(RoutedRequest request, SessionLife life, SessionState state, long nowMs) {
        return session(request, life, state, SessionBudgets.NONE, "", nowMs);
    }

    /** A session has its first pipeline. */
    static Session assigned(RoutedRequest request, SessionLife life, SessionBudgets budgets, long nowMs) {
        return session(request, life, SessionState.ASSIGNED, budgets, "", nowMs);
    }

    /** @param reason what was lost and how the session goes on, for people */
    static Session reassigned(
            RoutedRequest request, SessionLife life, SessionBudgets budgets, String reason, long nowMs) {
        return session(request, life, SessionState.REASSIGNED, budgets, reason, nowMs);
    }

    private static Session session(
            RoutedRequest request,
            SessionLife life,
            SessionState state,
            SessionBudgets budgets,
            String reason,
            long nowMs) {
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
                reason,
                wire(budgets));
    }

    /** The refusal of a request that never became a session. */
    static Session rejected(String requestId, String model, long nowMs) {
        return new Session(requestId, model, SessionState.REJECTED, 0, 0L, List.of(), 0, 0, 0, nowMs, "", List.of());
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
        long ttftMs = Math.max(0, tokens.getFirst().getEmittedMs() - request.arrivalMs());
        Double tpotMs = tpotMs(tokens);
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
                hops(life, tokens),
                ttftMs,
                tpotMs,
                request.slo().isNone() ? null : sloMet(request.slo(), ttftMs, tpotMs));
    }

    private static boolean sloMet(Slo slo, long ttftMs, Double tpotMs) {
        return slo.met(ttftMs, tpotMs == null ? OptionalDouble.empty() : OptionalDouble.of(tpotMs));
    }

    private static Double tpotMs(List<Token> tokens) {
        int steps = tokens.size() - 1;
        long took = tokens.getLast().getEmittedMs() - tokens.getFirst().getEmittedMs();
        return steps == 0 ? null : (double) Math.max(0, took) / steps;
    }

    /** Sums the timings per worker: first the last pipeline in its order, then workers of earlier attempts. */
    private static List<HopSummary> hops(SessionLife life, List<Token> tokens) {
        Map<String, HopSummary> sums = new LinkedHashMap<>();
        for (Stage stage : life.pipeline().stages()) {
            sums.put(stage.worker().value(), new HopSummary(stage.worker().value(), 0, 0L, 0L, 0L));
        }
        for (Token token : tokens) {
            for (HopTiming hop : token.getHops()) {
                HopSummary sum = sums.computeIfAbsent(hop.getWorker(), worker -> new HopSummary(worker, 0, 0L, 0L, 0L));
                sum.setSteps(sum.getSteps() + 1);
                sum.setTransferUs(sum.getTransferUs() + hop.getTransferUs());
                sum.setQueueUs(sum.getQueueUs() + hop.getQueueUs());
                sum.setComputeUs(sum.getComputeUs() + hop.getComputeUs());
            }
        }
        return List.copyOf(sums.values());
    }
}

package io.sluice.simtest;

import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.slo.Slo;
import io.sluice.core.slo.StageBudget;
import java.util.List;

/** The records on the simulated topics: what the schemas say, as far as decisions depend on it. */
final class Wire {
    private Wire() {}

    /** @param prompt null: the request of this id is cancelled */
    record Request(SessionId id, int[] prompt, int maxTokens, long seed, ServiceClass serviceClass, Slo slo) {
        static Request cancel(SessionId id) {
            return new Request(id, null, 0, 0, ServiceClass.LATENCY_CRITICAL, Slo.NONE);
        }

        boolean cancels() {
            return prompt == null;
        }
    }

    /** @param stages null for an attempt from nothing */
    record Resume(int position, int[] tokenIds, List<StageResume> stages) {}

    /** @param resume null: the attempt starts from nothing */
    record Setup(
            Pipeline pipeline,
            int promptTokens,
            int maxTokens,
            int kvTokens,
            long seed,
            Resume resume,
            ServiceClass serviceClass,
            List<StageBudget> budgets) {
        /** What the stage begins with. */
        StageResume resume(int stage) {
            return resume == null ? StageResume.fresh() : resume.stages().get(stage);
        }

        /** First position whose output is new. */
        int newFrom() {
            return resume == null ? 0 : resume.position();
        }
    }

    enum Kind {
        FORWARD,
        RELEASE,
        DROP,
        PREPARE
    }

    /**
     * @param tokens for the first stage, else null
     * @param hidden for the others, else null
     */
    record Chunk(
            SessionId session,
            int attempt,
            Kind kind,
            int position,
            int count,
            int enterLayer,
            int[] tokens,
            long[] hidden,
            boolean samples,
            Setup setup,
            List<StepTrace.Hop> hops) {
        int end() {
            return position + count;
        }

        static Chunk word(SessionId session, int attempt, Kind kind, Setup setup) {
            return new Chunk(session, attempt, kind, 0, 0, 0, null, null, false, setup, List.of());
        }

        static Chunk tokens(SessionId session, int attempt, int position, int[] ids, boolean samples, Setup setup) {
            return new Chunk(
                    session, attempt, Kind.FORWARD, position, ids.length, 0, ids, null, samples, setup, List.of());
        }
    }

    /** One record of an activation topic. */
    record Activation(String sender, List<Chunk> chunks) {}

    record Token(SessionId session, int attempt, int index, int id, boolean last, List<StepTrace.Hop> hops) {}

    record Report(SessionId session, int attempt, WorkerId worker, long incarnation, Trouble trouble) {}

    record Completion(SessionId session, int attempt, int[] tokens) {}

    /** @param refused whether it was never accepted */
    record Failure(SessionId session, boolean refused, String reason) {}

    /** What best-effort work may use of one worker. */
    record Limit(WorkerId worker, long incarnation, double quota) {}

    /** Limits of all workers, from one lease. */
    record Limits(long epoch, List<Limit> limits, long atMillis, long validUntilMillis) {}

    /** A session as the router publishes it when it is assigned. */
    record Session(SessionId session, int attempt, long epoch, Pipeline pipeline) {}

    /** @param incarnation 0: whichever runs */
    record Command(WorkerId worker, boolean drain, long deadlineMillis) {}
}

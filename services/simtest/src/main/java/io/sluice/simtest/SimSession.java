package io.sluice.simtest;

import io.sluice.core.Pipeline;
import io.sluice.core.ServiceClass;
import io.sluice.core.SessionId;
import io.sluice.core.recovery.StageResume;
import io.sluice.core.recovery.StepTrace;
import io.sluice.core.routing.KvReservation;
import io.sluice.core.stage.SessionAtStage;
import io.sluice.core.stage.StageChunk;
import io.sluice.core.stage.StageSetup;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** One attempt of a session at a simulated stage. Mutable. */
final class SimSession extends SessionAtStage<SimSession.Chunk, SimSession.Plan, KvCache> {
    SimSession(SessionId id, int attempt, long nowNanos) {
        super(id, attempt, nowNanos);
    }

    /** The hops of a step with this one. */
    List<StepTrace.Hop> hops(SimWorker worker, Wire.Chunk chunk) {
        List<StepTrace.Hop> hops = new ArrayList<>(chunk.hops());
        hops.add(new StepTrace.Hop(worker.id(), firstOffset, lastOffset));
        return hops;
    }

    /** A set-up as one of its stages reads it. */
    record Plan(Wire.Setup setup, int index, List<StageResume> resumes) implements StageSetup {
        static Plan of(Wire.Setup setup, SimWorker worker) {
            List<StageResume> resumes = new ArrayList<>();
            for (int i = 0; i < setup.pipeline().stages().size(); i++) {
                resumes.add(setup.resume(i));
            }
            int index = setup.pipeline().stages().stream()
                    .map(stage -> stage.worker())
                    .toList()
                    .indexOf(worker.id());
            return new Plan(setup, index, List.copyOf(resumes));
        }

        @Override
        public Pipeline pipeline() {
            return setup.pipeline();
        }

        @Override
        public int position() {
            return setup.resume() == null
                    ? setup.promptTokens() - 1
                    : setup.resume().position();
        }

        @Override
        public int promptTokens() {
            return setup.promptTokens();
        }

        @Override
        public int kvTokens() {
            return KvReservation.roundUp(setup.kvTokens());
        }

        @Override
        public boolean bestEffort() {
            return setup.serviceClass() == ServiceClass.BEST_EFFORT;
        }

        @Override
        public boolean resumed() {
            return setup.resume() != null;
        }
    }

    /**
     * A chunk, and the record that it came in.
     *
     * @param attempt for which the stage takes it; another one than the sender's only where fencing is broken on purpose
     * @param offset {@link StageChunk#NOT_LOGGED}: it came in none
     */
    record Chunk(Wire.Chunk wire, int attempt, long offset, Plan plan) implements StageChunk<Plan> {
        @Override
        public SessionId session() {
            return wire.session();
        }

        @Override
        public Kind type() {
            return switch (wire.kind()) {
                case FORWARD -> Kind.FORWARD;
                case RELEASE -> Kind.RELEASE;
                case DROP -> Kind.DROP;
                case PREPARE -> Kind.PREPARE;
            };
        }

        @Override
        public int position() {
            return wire.position();
        }

        @Override
        public int end() {
            return wire.end();
        }

        int count() {
            return wire.count();
        }

        @Override
        public int enterLayer() {
            return plan != null && type() != Kind.FORWARD ? plan.enterLayer() : wire.enterLayer();
        }

        @Override
        public boolean lastOfPrompt() {
            return wire.samples();
        }

        /** Some of its positions, counted from its first. */
        Chunk slice(int from, int to) {
            Wire.Chunk part = new Wire.Chunk(
                    wire.session(),
                    wire.attempt(),
                    wire.kind(),
                    wire.position() + from,
                    to - from,
                    wire.enterLayer(),
                    wire.tokens() == null ? null : Arrays.copyOfRange(wire.tokens(), from, to),
                    wire.hidden() == null ? null : Arrays.copyOfRange(wire.hidden(), from, to),
                    wire.samples() && to == wire.count(),
                    null,
                    wire.hops());
            return new Chunk(part, attempt, offset, null);
        }

        /** As inputs that an attempt reads from the log: nothing comes of them but KV cache. */
        Chunk asLogged(int by) {
            Wire.Chunk bare = new Wire.Chunk(
                    wire.session(),
                    by,
                    wire.kind(),
                    wire.position(),
                    wire.count(),
                    wire.enterLayer(),
                    wire.tokens(),
                    wire.hidden(),
                    false,
                    null,
                    List.of());
            return new Chunk(bare, by, NOT_LOGGED, null);
        }
    }
}

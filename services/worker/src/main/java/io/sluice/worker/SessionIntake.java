package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.core.SessionId;
import io.sluice.core.WorkerId;
import io.sluice.core.recovery.Trouble;
import io.sluice.core.stage.KvPool;
import io.sluice.core.stage.LogPicker;
import io.sluice.core.stage.StageDesk;
import io.sluice.core.stage.StageIntake;
import io.sluice.core.stage.StageLedger;
import io.sluice.core.stage.StageLimits;
import io.sluice.runtime.StageRunner;
import io.sluice.runtime.StageRunner.KvSlot;
import io.sluice.worker.sharing.SharingSettings;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives the core's {@link StageIntake}, which decides what becomes of chunks and sessions at this stage, what it needs of
 * this process: the runner's KV cache, the work feed, the log, the outbox. Owned by the compute thread.
 */
final class SessionIntake {
    private static final Logger LOG = LoggerFactory.getLogger(SessionIntake.class);

    private final StageRunner runner;
    private final WorkFeed feed;
    private final InputLog log;
    private final Outbox outbox;
    private final WorkerMetrics metrics;
    private final Consumer<LayerRange> begun;
    private final LongSupplier nanos;
    private final boolean takesBestEffort;
    private final WorkerId self;
    private final StageIntake<InboundChunk, SessionPlan, KvSlot, StageSession> rules;

    /** @param begun told of the layers of every set-up that comes */
    SessionIntake(
            LoopSettings settings,
            SharingSettings sharing,
            StageRunner runner,
            WorkFeed feed,
            InputLog log,
            Outbox outbox,
            WorkerMetrics metrics,
            Consumer<LayerRange> begun,
            LongSupplier nanos) {
        this.runner = Objects.requireNonNull(runner, "runner");
        this.feed = Objects.requireNonNull(feed, "feed");
        this.log = Objects.requireNonNull(log, "log");
        this.outbox = Objects.requireNonNull(outbox, "outbox");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.begun = Objects.requireNonNull(begun, "begun");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
        this.takesBestEffort = sharing.enabled();
        this.self = settings.self();
        StageLimits limits = new StageLimits(
                settings.self(),
                settings.maxWaitingSessions(),
                settings.waitTimeout(),
                settings.gapTimeout(),
                settings.idleTimeout(),
                settings.rebuildTimeout(),
                sharing.kvShare());
        this.rules = new StageIntake<>(limits, new StageLedger(), new Pool(), new Desk());
    }

    int sessions() {
        return rules.sessions().size();
    }

    /** The layers of every session whose set-up is known, one element per session. */
    List<LayerRange> layers() {
        return rules.sessions().stream()
                .filter(session -> session.plan != null)
                .map(session -> session.plan.layers())
                .toList();
    }

    /**
     * Ends best-effort sessions over layers that a placement has taken from this worker: such a session may rest for
     * minutes, and would keep the layers, and what is to be placed here, for so long. It goes on by another pipeline.
     */
    void giveWay(Predicate<LayerRange> outlived) {
        List<StageSession> leaving = rules.sessions().stream()
                .filter(session -> session.plan != null && session.plan.bestEffort())
                .filter(session -> outlived.test(session.plan.layers()))
                .toList();
        for (StageSession session : leaving) {
            fail(
                    session.id,
                    session.attempt,
                    Trouble.LAYERS_NOT_HELD,
                    "worker " + self + " no longer serves layers " + session.plan.layers()
                            + ": best-effort work gives way to the new placement");
        }
    }

    void accept(InboundChunk chunk) {
        if (chunk.plan() != null && chunk.plan().bestEffort() && !takesBestEffort) {
            fail(
                    chunk.session(),
                    chunk.attempt(),
                    Trouble.NO_CAPACITY,
                    "worker " + self + " takes no best-effort work: start it with --best-effort, or send the request to"
                            + " others");
            return;
        }
        if (chunk.plan() != null) {
            begun.accept(chunk.plan().layers());
        }
        rules.accept(chunk, nanos.getAsLong());
    }

    /** The inputs of a session that rebuilds have been read. */
    void rebuilt(Inbound.Rebuilt rebuilt) {
        rules.rebuilt(rebuilt.session(), rebuilt.attempt(), rebuilt.chunks(), nanos.getAsLong());
    }

    /** The last token of a session is out: frees it and tells the first stage. */
    void finished(SessionId id, int attempt) {
        rules.finished(id, attempt);
    }

    /** The session cannot go on here; see {@link StageIntake#fail}. */
    void fail(SessionId id, int attempt, Trouble trouble, String message) {
        rules.fail(id, attempt, trouble, message);
    }

    /** Reports what has waited too long for KV cache, for the log or for a missing chunk, and drops what is idle. */
    void sweep(long nowNanos) {
        rules.sweep(nowNanos);
    }

    /** What the rules have done around them. */
    private final class Desk implements StageDesk<InboundChunk, StageSession> {
        @Override
        public StageSession open(SessionId session, int attempt, long nowNanos) {
            return new StageSession(session, attempt, nowNanos);
        }

        @Override
        public void work(StageSession session, InboundChunk chunk) {
            feed.add(session, chunk);
        }

        @Override
        public void forget(StageSession session) {
            feed.remove(session);
        }

        @Override
        public void readLog(StageSession session, LogPicker.Want want) {
            log.read(want);
        }

        @Override
        public void report(SessionId session, int attempt, Trouble trouble, String message) {
            metrics.failed(trouble);
            outbox.report(session, attempt, trouble, message);
        }

        @Override
        public void sendRelease(WorkerId to, SessionId session, int attempt) {
            outbox.forward(to, List.of(ChunkWriter.release(session.value(), attempt)));
        }

        @Override
        public boolean holds(LayerRange layers) {
            return runner.held().contains(layers);
        }

        @Override
        public boolean holds(int layer) {
            return runner.held().contains(layer);
        }

        @Override
        public String held() {
            return runner.held().toString();
        }

        @Override
        public void dropped(Drop why) {
            metrics.dropped(why.name().toLowerCase(Locale.ROOT));
        }

        @Override
        public void noted(SessionId session, int attempt, String what) {
            LOG.info("session={} attempt={} {}", session, attempt, what);
        }
    }

    /** The runner's KV cache. */
    private final class Pool implements KvPool<KvSlot> {
        @Override
        public long capacityTokens(LayerRange layers) {
            return runner.kvCapacityTokens(layers);
        }

        @Override
        public int mostPositions() {
            return runner.model().contextLength();
        }

        @Override
        public Optional<KvSlot> reserve(int tokens, LayerRange layers) {
            return runner.reserve(tokens, layers);
        }

        @Override
        public Optional<KvSlot> reserveBestEffort(int tokens, LayerRange layers) {
            return runner.reserveBestEffort(tokens, layers);
        }

        @Override
        public void release(KvSlot slot) {
            runner.release(slot);
        }

        @Override
        public void truncate(KvSlot slot, int positions) {
            runner.truncate(slot, positions);
        }

        @Override
        public LayerRange layers(KvSlot slot) {
            return slot.layers();
        }

        @Override
        public int length(KvSlot slot) {
            return slot.length();
        }

        @Override
        public int roomFor(KvSlot slot) {
            return slot.capacityTokens();
        }
    }
}

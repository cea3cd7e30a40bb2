package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.runtime.ElasticStageRunner;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.StageRunner;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries placements out while sessions run: has missing layers loaded beside the compute thread, switches the range
 * served to new sessions at once when they are ready, and lets former layers go when no session needs them and none is
 * to be expected that was routed before the switch: {@link #LEAST_GRACE} after it, when the last such session came
 * {@link #QUIET} ago, at the latest after {@link #GRACE}. A latency-critical session keeps its range for good; best-effort ones,
 * which may rest for minutes, give way ({@link #outlived}).
 * When an order cannot be carried out, what is served stays. Owned by the compute thread, but for {@link #holding}.
 */
final class LayerKeeper {
    /** How long layers stay at most that were served until a moment ago and that no session needs. */
    static final Duration GRACE = Duration.ofSeconds(10);
    /**
     * How long they stay in any case: the switch has to be announced, an allocation made of it (one a second at most),
     * the router to hear of it, and what it had sent before to arrive. One that comes later still is not lost, it is
     * begun anew elsewhere.
     */
    static final Duration LEAST_GRACE = Duration.ofSeconds(3);
    /** For so long no session must have come for them. */
    static final Duration QUIET = Duration.ofMillis(1_500);

    private static final Logger LOG = LoggerFactory.getLogger(LayerKeeper.class);

    private final WorkerId self;
    private final ElasticStageRunner runner;
    private final int maxLayers;
    private final LayerLoads loads;
    private final Speeds speeds;
    private final Consumer<Holding> announcer;
    private final WorkerMetrics metrics;
    private final LongSupplier nanos;
    private final ArrayDeque<Former> formers = new ArrayDeque<>();
    private Supplier<Collection<LayerRange>> sessionLayers = List::of;
    /** Null unless the last layer is held. */
    private TokenStep tokens;
    /** Newest order heard, carried out or not. */
    private long newestEpoch;
    /** The order not yet carried out; null: none. */
    private LayerOrder wanted;

    private long wantedSinceNanos;
    private boolean waitsForRoom;
    /** Layers being loaded; null: none. */
    private HeldLayers loading;

    private long epoch;
    private CostModel cost;
    private volatile Holding holding;

    /** A range served until a moment ago. */
    private static final class Former {
        private final LayerRange layers;
        private final long sinceNanos;
        private long lastComeNanos;

        Former(LayerRange layers, long nowNanos) {
            this.layers = layers;
            this.sinceNanos = nowNanos;
            this.lastComeNanos = nowNanos;
        }

        boolean over(long nowNanos) {
            long stayed = nowNanos - sinceNanos;
            return stayed >= GRACE.toNanos()
                    || stayed >= LEAST_GRACE.toNanos() && nowNanos - lastComeNanos >= QUIET.toNanos();
        }
    }

    /**
     * @param maxLayers most layers to hold at once
     * @param announcer told of every change
     */
    LayerKeeper(
            WorkerId self,
            ElasticStageRunner runner,
            int maxLayers,
            LayerLoads loads,
            Speeds speeds,
            Consumer<Holding> announcer,
            WorkerMetrics metrics,
            LongSupplier nanos) {
        this.self = Objects.requireNonNull(self, "self");
        this.runner = Objects.requireNonNull(runner, "runner");
        this.maxLayers = maxLayers;
        this.loads = Objects.requireNonNull(loads, "loads");
        this.speeds = Objects.requireNonNull(speeds, "speeds");
        this.announcer = Objects.requireNonNull(announcer, "announcer");
        this.metrics = Objects.requireNonNull(metrics, "metrics");
        this.nanos = Objects.requireNonNull(nanos, "nanos");
    }

    /**
     * Starts from what the runner serves, without announcing it.
     *
     * @param newest the newest order heard; carried out when its layers are served
     * @param cost speed over the layers served, of a spare over one layer
     * @param tokens null unless the last layer is held
     */
    void begin(LayerOrder newest, CostModel cost, TokenStep tokens) {
        this.cost = Objects.requireNonNull(cost, "cost");
        this.tokens = tokens;
        newestEpoch = newest.epoch();
        epoch = newest.layers().equals(runner.served()) ? newest.epoch() : 0;
        holding = snapshot();
    }

    /** Tells where to look up the layers of the sessions at hand, those included that still wait for KV cache. */
    void watch(Supplier<Collection<LayerRange>> layersOfSessions) {
        sessionLayers = Objects.requireNonNull(layersOfSessions, "layersOfSessions");
    }

    /** A session has come that runs these layers; where they are not those served, more of its kind may follow. */
    void begun(LayerRange layers) {
        if (serves(layers)) {
            return;
        }
        for (Former former : formers) {
            if (former.layers.first() < layers.end() && layers.first() < former.layers.end()) {
                former.lastComeNanos = nanos.getAsLong();
            }
        }
    }

    /** Whether these layers are no longer served and no session is expected any more that was routed while they were. */
    boolean outlived(LayerRange layers) {
        return !serves(layers)
                && formers.stream()
                        .noneMatch(former ->
                                former.layers.first() <= layers.first() && layers.end() <= former.layers.end());
    }

    private boolean serves(LayerRange layers) {
        return runner.served()
                .filter(range -> range.first() <= layers.first() && layers.end() <= range.end())
                .isPresent();
    }

    /** What the worker holds and offers now; any thread. */
    Holding holding() {
        return holding;
    }

    /** What turns logits into text; null unless the last layer is held. */
    TokenStep tokens() {
        return tokens;
    }

    /** A placement says this; older ones than the newest heard say nothing. */
    void order(LayerOrder order) {
        if (order.epoch() <= newestEpoch) {
            return;
        }
        newestEpoch = order.epoch();
        if (wanted != null) {
            metrics.transition("superseded", nanos.getAsLong() - wantedSinceNanos);
        }
        wanted = order;
        wantedSinceNanos = nanos.getAsLong();
        waitsForRoom = false;
        proceed();
    }

    /** A load has ended. */
    void loaded(LayerLoads.Outcome outcome) {
        HeldLayers asked = loading;
        loading = null;
        if (outcome.failure() != null) {
            if (wanted != null && isFor(asked, wanted)) {
                giveUp(outcome.failure());
            } else {
                proceed();
            }
            return;
        }
        runner.adopt(outcome.layers());
        if (outcome.tokens() != null) {
            tokens = outcome.tokens();
        }
        proceed();
    }

    /** Lets go what nobody needs any more; to be called about once a second. */
    void sweep(long nowNanos) {
        formers.removeIf(former -> former.over(nowNanos));
        retire();
        if (waitsForRoom) {
            proceed();
        }
        Holding now = snapshot();
        if (!now.equals(holding)) {
            announce(now);
        }
    }

    private void proceed() {
        if (wanted == null) {
            return;
        }
        if (wanted.layers().equals(runner.served())) {
            carriedOut("unchanged");
            return;
        }
        HeldLayers target = HeldLayers.of(wanted.layers().map(List::of).orElse(List.of()));
        HeldLayers missing = target.minus(runner.held());
        if (missing.isEmpty()) {
            switchTo(wanted.layers());
            return;
        }
        if (loading != null) {
            return; // one load at a time; its end leads back here
        }
        Optional<String> obstacle = obstacle(wanted.layers().orElseThrow());
        if (obstacle.isPresent()) {
            giveUp(obstacle.get());
        } else if (runner.held().plus(target).size() > maxLayers) {
            waitForRoom();
        } else {
            waitsForRoom = false;
            loading = missing;
            LOG.info(
                    "worker={} placement_epoch={} layers={} state=loading missing=\"{}\"",
                    self,
                    wanted.epoch(),
                    target,
                    missing);
            loads.load(missing, missing.contains(runner.model().layerCount() - 1));
            announce(snapshot());
        }
    }

    /** Why the layers can never be held beside those served; empty when they can. */
    private Optional<String> obstacle(LayerRange layers) {
        int modelLayers = runner.model().layerCount();
        if (layers.end() > modelLayers) {
            return Optional.of("layers " + layers + " are outside the " + modelLayers + " layers of the model");
        }
        HeldLayers both = HeldLayers.of(layers)
                .plus(HeldLayers.of(runner.served().map(List::of).orElse(List.of())));
        if (layers.size() > maxLayers) {
            return Optional.of("layers " + layers + " are more than the " + maxLayers + " this worker can hold");
        }
        if (both.size() > maxLayers) {
            return Optional.of("layers " + layers + " beside the served " + runner.layers() + " are " + both.size()
                    + ", more than the " + maxLayers
                    + " this worker can hold at once; a placement that does not name it must come between");
        }
        return Optional.empty();
    }

    private void waitForRoom() {
        if (!waitsForRoom) {
            waitsForRoom = true;
            LOG.info(
                    "worker={} placement_epoch={} layers={} state=waiting missing=room held=\"{}\" max_layers={}",
                    self,
                    wanted.epoch(),
                    wanted.layers().orElseThrow(),
                    runner.held(),
                    maxLayers);
        }
    }

    private void switchTo(Optional<LayerRange> layers) {
        Optional<LayerRange> former = runner.served();
        try {
            runner.serve(layers);
            boolean idle = sessionLayers.get().isEmpty();
            cost = layers.isPresent() ? speeds.over(layers.get(), idle) : speeds.over(StageRunner.ONE_LAYER, false);
        } catch (RuntimeException e) {
            runner.serve(former);
            giveUp(e.getMessage());
            return;
        }
        former.ifPresent(range -> formers.add(new Former(range, nanos.getAsLong())));
        carriedOut("done");
    }

    private void carriedOut(String outcome) {
        long tookNanos = nanos.getAsLong() - wantedSinceNanos;
        epoch = wanted.epoch();
        wanted = null;
        waitsForRoom = false;
        metrics.transition(outcome, tookNanos);
        announce(snapshot());
        LOG.info(
                "worker={} placement_epoch={} layers={} transition={} millis={} draining_sessions={}",
                self,
                epoch,
                runner.served().map(LayerRange::toString).orElse("none"),
                outcome,
                tookNanos / 1_000_000,
                holding.drainingSessions());
    }

    private void giveUp(String reason) {
        LOG.warn(
                "worker={} placement_epoch={} transition=failed serves={} reason=\"{}\"",
                self,
                wanted.epoch(),
                runner.served().map(LayerRange::toString).orElse("none"),
                reason);
        metrics.transition("failed", nanos.getAsLong() - wantedSinceNanos);
        wanted = null;
        waitsForRoom = false;
        announce(snapshot());
    }

    private void retire() {
        HeldLayers keep = HeldLayers.of(sessionLayers.get())
                .plus(HeldLayers.of(
                        formers.stream().map(former -> former.layers).toList()));
        if (wanted != null && wanted.layers().isPresent()) {
            keep = keep.plus(HeldLayers.of(wanted.layers().get()));
        }
        runner.retire(keep).ifPresent(loads::free);
        if (tokens != null && !runner.held().contains(runner.model().layerCount() - 1)) {
            loads.free(tokens);
            tokens = null;
        }
    }

    /** Whether these layers were loaded for this order. */
    private static boolean isFor(HeldLayers layers, LayerOrder order) {
        return order.layers().isPresent()
                && HeldLayers.of(order.layers().get())
                        .plus(layers)
                        .equals(HeldLayers.of(order.layers().get()));
    }

    private void announce(Holding now) {
        holding = now;
        announcer.accept(now);
    }

    private Holding snapshot() {
        HeldLayers served = HeldLayers.of(runner.served().map(List::of).orElse(List.of()));
        long draining = sessionLayers.get().stream()
                .filter(layers -> !served.contains(layers))
                .count();
        return new Holding(
                runner.served(),
                loading == null ? runner.held() : runner.held().plus(loading),
                epoch,
                (int) draining,
                runner.kvCapacityTokens(),
                cost);
    }
}

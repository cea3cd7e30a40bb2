package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.core.WorkerId;
import io.sluice.runtime.ElasticStageRunner;
import io.sluice.runtime.HeldLayers;
import io.sluice.runtime.ReadyLayers;
import io.sluice.runtime.StageRunner;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gets a worker's first layers ready, before it has joined and anything runs. Stateless. */
final class FirstLayers {
    private static final Logger LOG = LoggerFactory.getLogger(FirstLayers.class);

    private FirstLayers() {}

    /**
     * Loads and serves layers. Nothing is left behind when it fails.
     *
     * @param openTokens opens what the last stage needs to write text
     * @return null unless the last layer is among them
     * @throws RuntimeException when they cannot be loaded; the message names the value and the remedy
     */
    static TokenStep serve(
            ElasticStageRunner runner, LayerRange layers, int maxLayers, Supplier<TokenStep> openTokens) {
        if (layers.size() > maxLayers) {
            throw new IllegalArgumentException(
                    "layers " + layers + " are more than the " + maxLayers + " this worker can hold");
        }
        runner.adopt(runner.load(HeldLayers.of(layers)));
        try {
            runner.serve(Optional.of(layers));
            return layers.end() == runner.model().layerCount() ? openTokens.get() : null;
        } catch (RuntimeException e) {
            drop(runner);
            throw e;
        }
    }

    /**
     * What the placement asks for; nothing, with a warning, when that cannot be loaded. As {@link #serve} else.
     */
    static TokenStep tryServe(
            WorkerId self, ElasticStageRunner runner, LayerOrder order, int maxLayers, Supplier<TokenStep> openTokens) {
        if (order.layers().isEmpty()) {
            return null;
        }
        try {
            return serve(runner, order.layers().get(), maxLayers, openTokens);
        } catch (RuntimeException e) {
            LOG.warn(
                    "worker={} placement_epoch={} transition=failed serves=none reason=\"{}\"",
                    self,
                    order.epoch(),
                    e.getMessage());
            return null;
        }
    }

    /**
     * The speed over the layers served; of a spare, over one layer, which is loaded for as long as that takes.
     *
     * @param byProfile whether the device's speed is known without running anything
     */
    static CostModel speed(ElasticStageRunner runner, Speeds speeds, boolean byProfile) {
        if (runner.served().isPresent() || byProfile) {
            return speeds.over(runner.served().orElse(StageRunner.ONE_LAYER), true);
        }
        runner.adopt(runner.load(HeldLayers.of(StageRunner.ONE_LAYER)));
        try {
            return speeds.over(StageRunner.ONE_LAYER, true);
        } finally {
            drop(runner);
        }
    }

    private static void drop(ElasticStageRunner runner) {
        runner.serve(Optional.empty());
        runner.retire(HeldLayers.NONE).ifPresent(ReadyLayers::close);
    }
}

package io.sluice.worker;

import io.sluice.runtime.ElasticStageRunner;
import io.sluice.runtime.HeldLayers;
import java.util.Optional;
import java.util.function.Supplier;

/** Loads only when told to. */
final class QueuedLoads implements LayerLoads {
    private final ElasticStageRunner runner;
    private final Supplier<TokenStep> steps;
    private Supplier<Outcome> asked;
    int freed;

    QueuedLoads(ElasticStageRunner runner, Supplier<TokenStep> steps) {
        this.runner = runner;
        this.steps = steps;
    }

    @Override
    public void load(HeldLayers layers, boolean withTokens) {
        if (asked != null) {
            throw new IllegalStateException("two loads at once");
        }
        asked = () -> LayerLoader.tryLoad(runner, steps, layers, withTokens);
    }

    boolean isAsked() {
        return asked != null;
    }

    Optional<Outcome> run() {
        Optional<Outcome> outcome = Optional.ofNullable(asked).map(Supplier::get);
        asked = null;
        return outcome;
    }

    @Override
    public void free(AutoCloseable part) {
        freed++;
        try {
            part.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}

package io.sluice.worker;

import io.sluice.core.LayerRange;
import io.sluice.runtime.StageRunner;
import io.sluice.worker.device.Device;
import io.sluice.worker.device.EmulatedDevice;
import java.util.function.LongSupplier;

/** How fast this worker runs a range of layers. Owned by the compute thread. */
interface Speeds {
    /**
     * The speed over {@code layers}.
     *
     * @param measure whether it may be measured now: the layers are held and nobody waits
     */
    CostModel over(LayerRange layers, boolean measure);

    /** By the profile of an emulated device, by a short benchmark else. */
    static Speeds of(Device device, StageRunner runner, PromptChunking chunks, LongSupplier nanos) {
        return device instanceof EmulatedDevice emulated
                ? (layers, measure) -> CostModel.of(emulated, layers.size(), chunks.tokens(layers.size()))
                : new Measured(runner, nanos);
    }

    /**
     * Measured where that is allowed; else in proportion to the layers of the last measurement, which the planner
     * corrects by what it sees of the worker at work.
     */
    final class Measured implements Speeds {
        private final StageRunner runner;
        private final LongSupplier nanos;
        private CostModel perLayer;

        Measured(StageRunner runner, LongSupplier nanos) {
            this.runner = runner;
            this.nanos = nanos;
        }

        @Override
        public CostModel over(LayerRange layers, boolean measure) {
            if (!measure && perLayer != null) {
                return perLayer.times(layers.size());
            }
            CostModel cost = new SpeedProbe(runner, layers, nanos).measure();
            perLayer = cost.times(1.0 / layers.size());
            return cost;
        }
    }
}

package io.sluice.runtime.onnx;

import io.sluice.core.LayerRange;
import io.sluice.runtime.ModelWeights;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** A model whose head has several parts, and a runner on which sessions run alone, with which others are compared. */
abstract class OnWideStages {
    static final LayerRange ALL = new LayerRange(0, TinyStages.LAYERS);

    static ModelWeights weights;
    static OnnxStageRunner alone;

    @BeforeAll
    static void load(@TempDir Path folder) throws Exception {
        weights = TinyStages.wideWeights(folder);
        alone = TinyStages.runner(weights, 0, TinyStages.LAYERS);
    }

    @AfterAll
    static void unload() {
        alone.close();
        weights.close();
    }
}

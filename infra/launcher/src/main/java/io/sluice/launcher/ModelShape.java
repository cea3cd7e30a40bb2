package io.sluice.launcher;

import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import java.nio.file.Path;

/** Reads the shape of a model on disk from its headers, without its tensors. Stateless. */
public final class ModelShape {
    private ModelShape() {}

    /**
     * @param path Hugging Face folder or {@code .gguf} file
     * @throws io.sluice.runtime.ModelFormatException when it is missing, damaged or not supported
     */
    public static ModelConfig read(Path path) {
        try (ModelWeights weights = ModelFiles.weights(path)) {
            return weights.config();
        }
    }
}

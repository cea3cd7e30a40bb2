package io.sluice.worker;

import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.gguf.GgufModel;
import io.sluice.runtime.text.FolderTokenizer;
import io.sluice.runtime.text.Tokenizer;
import io.sluice.runtime.weights.SafetensorsModel;
import java.nio.file.Path;

/** A model on disk: a Hugging Face folder or a GGUF file. */
final class ModelSource {
    private ModelSource() {}

    /** Opens the weights; reads headers only. */
    static ModelWeights open(Path path, String name) {
        return path.toString().endsWith(".gguf") ? GgufModel.open(path, name) : SafetensorsModel.open(path);
    }

    /** The tokenizer of the same model. */
    static Tokenizer tokenizer(Path path, ModelWeights weights) {
        return weights instanceof GgufModel gguf ? gguf.tokenizer() : FolderTokenizer.open(path);
    }
}

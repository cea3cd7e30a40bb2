package io.sluice.runtime;

import io.sluice.runtime.gguf.GgufModel;
import io.sluice.runtime.text.FolderTokenizer;
import io.sluice.runtime.text.Tokenizer;
import io.sluice.runtime.weights.SafetensorsModel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Opens a model as people have it on disk: a Hugging Face folder or a GGUF file. What is wrong with either is a
 * {@link ModelFormatException} of one line.
 */
public final class ModelFiles {
    private ModelFiles() {}

    /** The weights; close them when nothing reads them any more. */
    public static ModelWeights weights(Path model) {
        return isFolder(model) ? SafetensorsModel.open(model) : GgufModel.open(model, nameOf(model));
    }

    /** The tokenizer, without the weights. */
    public static Tokenizer tokenizer(Path model) {
        return isFolder(model) ? FolderTokenizer.open(model) : GgufModel.tokenizer(model);
    }

    private static boolean isFolder(Path model) {
        if (!Files.exists(model)) {
            throw new ModelFormatException(
                    model + ": no such folder or file; a model is a Hugging Face folder or a .gguf file");
        }
        return Files.isDirectory(model);
    }

    private static String nameOf(Path file) {
        return file.getFileName().toString().replaceFirst("(?i)\\.gguf$", "");
    }
}

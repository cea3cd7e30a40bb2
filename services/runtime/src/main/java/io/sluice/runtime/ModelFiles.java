package io.sluice.runtime;

import io.sluice.runtime.gguf.GgufModel;
import io.sluice.runtime.text.FolderTokenizer;
import io.sluice.runtime.text.Tokenizer;
import io.sluice.runtime.weights.SafetensorsModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Opens what {@code --model} names: a Hugging Face folder or a {@code .gguf} file. */
public final class ModelFiles {
    private static final String GGUF = ".gguf";

    private ModelFiles() {}

    /**
     * Opens configuration, weights and tokenizer; tensors are read only when a runner asks for them.
     *
     * @throws ModelFormatException when something is missing, damaged or not supported; one line that names it
     */
    public static ServedModelFiles open(Path path) {
        if (isGguf(path)) {
            GgufModel model = gguf(path);
            try {
                return new ServedModelFiles(model.config(), model, model.tokenizer());
            } catch (RuntimeException e) {
                model.close();
                throw e;
            }
        }
        ModelWeights weights = weights(path);
        try {
            Tokenizer tokenizer = FolderTokenizer.open(path);
            return new ServedModelFiles(weights.config(), weights, tokenizer);
        } catch (RuntimeException e) {
            weights.close();
            throw e;
        }
    }

    /** As {@link #open}, without the tokenizer: for stages that see only token ids or hidden states. */
    public static ModelWeights weights(Path path) {
        if (isGguf(path)) {
            return gguf(path);
        }
        if (!Files.exists(path)) {
            throw missing(path);
        }
        if (!Files.isDirectory(path)) {
            throw new ModelFormatException(path + " is neither a folder nor a .gguf file: give the folder that holds"
                    + " config.json and the *.safetensors files, or a .gguf file");
        }
        return SafetensorsModel.open(path);
    }

    /** As {@link #open}, without the weights: for services that only turn text into ids. */
    public static Tokenizer tokenizer(Path path) {
        if (isGguf(path)) {
            return GgufModel.tokenizer(path);
        }
        if (!Files.exists(path)) {
            throw missing(path);
        }
        return FolderTokenizer.open(path);
    }

    private static ModelFormatException missing(Path path) {
        return new ModelFormatException(
                "no model at " + path.toAbsolutePath() + ": give a Hugging Face folder or a .gguf file");
    }

    private static boolean isGguf(Path path) {
        return path.toString().toLowerCase(Locale.ROOT).endsWith(GGUF) && !Files.isDirectory(path);
    }

    private static GgufModel gguf(Path path) {
        String file = path.getFileName().toString();
        return GgufModel.open(path, file.substring(0, file.length() - GGUF.length()));
    }
}

package io.sluice.router;

import io.sluice.records.ChatMessage;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelFormatException;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.text.ChatTemplate;
import io.sluice.runtime.text.ChatTemplateException;
import io.sluice.runtime.text.Tokenizer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;

/** Served models read from their folders or files: tokenizer and shape only, no weights stay open. Thread-safe. */
public final class RuntimeModelCatalog implements ModelCatalog, AutoCloseable {
    private final TreeMap<String, RuntimeModel> models = new TreeMap<>();

    private RuntimeModelCatalog() {}

    /**
     * @param paths Hugging Face folder or GGUF file of each served name
     * @throws ModelFormatException when one cannot be read; one line, names the file
     */
    public static RuntimeModelCatalog open(Map<String, Path> paths) {
        if (paths.isEmpty()) {
            throw new IllegalArgumentException("a router needs at least one model: --models NAME=DIR[,NAME=FILE.gguf]");
        }
        RuntimeModelCatalog catalog = new RuntimeModelCatalog();
        try {
            new TreeMap<>(paths).forEach((name, path) -> catalog.models.put(name, RuntimeModel.open(path)));
        } catch (RuntimeException e) {
            catalog.close();
            throw e;
        }
        return catalog;
    }

    @Override
    public Optional<ServedModel> find(String name) {
        return Optional.ofNullable(models.get(name));
    }

    @Override
    public SortedSet<String> names() {
        return Collections.unmodifiableSortedSet(models.navigableKeySet());
    }

    @Override
    public void close() {
        models.values().forEach(model -> model.tokenizer.close());
    }

    private record RuntimeModel(ModelConfig config, Tokenizer tokenizer) implements ServedModel {
        static RuntimeModel open(Path path) {
            try (ModelWeights weights = ModelFiles.weights(path)) {
                return new RuntimeModel(weights.config(), ModelFiles.tokenizer(path));
            }
        }

        @Override
        public int[] encode(String text) {
            return tokenizer.encode(text);
        }

        @Override
        public int[] encodeChat(List<ChatMessage> messages) {
            ChatTemplate template = tokenizer
                    .chatTemplate()
                    .orElseThrow(() -> new IllegalArgumentException(
                            "model " + config.name() + " has no chat template; send prompt instead of messages"));
            try {
                return tokenizer.encodeRendered(template.render(
                        messages.stream()
                                .map(m -> new ChatTemplate.Message(m.getRole(), m.getContent()))
                                .toList(),
                        true));
            } catch (ChatTemplateException e) {
                throw new IllegalArgumentException(e.getMessage(), e);
            }
        }

        @Override
        public int contextLength() {
            return config.contextLength();
        }

        @Override
        public int vocabSize() {
            return config.vocabSize();
        }
    }
}

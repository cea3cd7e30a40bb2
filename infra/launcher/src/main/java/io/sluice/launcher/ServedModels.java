package io.sluice.launcher;

import io.sluice.records.ChatMessage;
import io.sluice.router.ModelCatalog;
import io.sluice.router.ServedModel;
import io.sluice.runtime.ModelConfig;
import io.sluice.runtime.ModelFiles;
import io.sluice.runtime.ModelWeights;
import io.sluice.runtime.text.ChatTemplate;
import io.sluice.runtime.text.Tokenizer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Models on disk as the router sees them: tokenizer, chat template and limits, no weights. Thread-safe. */
public final class ServedModels implements ModelCatalog, AutoCloseable {
    private final SortedMap<String, OnDisk> models = new TreeMap<>();

    private ServedModels() {}

    /**
     * Opens the tokenizers of models, each a Hugging Face folder or a {@code .gguf} file, by their served names.
     *
     * @throws io.sluice.runtime.ModelFormatException when one is missing, damaged or not supported
     */
    public static ServedModels open(Map<String, Path> paths) {
        ServedModels opened = new ServedModels();
        try {
            paths.forEach((name, path) -> opened.models.put(name, OnDisk.open(path)));
            return opened;
        } catch (RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    /**
     * Shape of a model, read from its headers.
     *
     * @throws io.sluice.runtime.ModelFormatException when it is missing, damaged or not supported
     */
    public static ModelConfig shape(Path path) {
        try (ModelWeights weights = ModelFiles.weights(path)) {
            return weights.config();
        }
    }

    @Override
    public Optional<ServedModel> find(String name) {
        return Optional.ofNullable(models.get(name));
    }

    @Override
    public SortedSet<String> names() {
        return Collections.unmodifiableSortedSet(new TreeSet<>(models.keySet()));
    }

    @Override
    public void close() {
        models.values().forEach(model -> model.tokenizer().close());
    }

    private record OnDisk(Tokenizer tokenizer, int contextLength, int vocabSize) implements ServedModel {
        static OnDisk open(Path path) {
            ModelConfig shape = shape(path);
            Tokenizer tokenizer = ModelFiles.tokenizer(path);
            return new OnDisk(tokenizer, shape.contextLength(), shape.vocabSize());
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
                            "the model has no chat template; send prompt instead of messages"));
            List<ChatTemplate.Message> turns = messages.stream()
                    .map(message -> new ChatTemplate.Message(message.getRole(), message.getContent()))
                    .toList();
            return tokenizer.encodeRendered(template.render(turns, true));
        }
    }
}

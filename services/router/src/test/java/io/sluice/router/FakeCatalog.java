package io.sluice.router;

import io.sluice.records.ChatMessage;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Models whose tokens are characters: context 64, vocabulary 128. */
final class FakeCatalog implements ModelCatalog {
    static final int CONTEXT = 64;
    static final int VOCABULARY = 128;

    private final SortedSet<String> names;

    FakeCatalog(String... names) {
        this.names = new TreeSet<>(List.of(names));
    }

    @Override
    public Optional<ServedModel> find(String name) {
        return names.contains(name) ? Optional.of(new CharacterModel()) : Optional.empty();
    }

    @Override
    public SortedSet<String> names() {
        return names;
    }

    private static final class CharacterModel implements ServedModel {
        @Override
        public int[] encode(String text) {
            return text.chars().map(c -> c % VOCABULARY).toArray();
        }

        @Override
        public int[] encodeChat(List<ChatMessage> messages) {
            if (messages.stream().anyMatch(m -> m.getRole().equals("robot"))) {
                throw new IllegalArgumentException("role robot is unknown");
            }
            return encode(messages.stream()
                    .map(m -> m.getRole() + ":" + m.getContent())
                    .collect(Collectors.joining("|")));
        }

        @Override
        public int contextLength() {
            return CONTEXT;
        }

        @Override
        public int vocabSize() {
            return VOCABULARY;
        }
    }
}

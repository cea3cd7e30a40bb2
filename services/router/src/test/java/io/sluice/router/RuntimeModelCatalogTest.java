package io.sluice.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.records.ChatMessage;
import io.sluice.runtime.ModelFormatException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RuntimeModelCatalogTest {
    private static final Path PSALM = Path.of("..", "..", "models", "psalm");

    @Test
    void canReadTheModelOfTheRepository() {
        try (RuntimeModelCatalog catalog = RuntimeModelCatalog.open(Map.of("psalm", PSALM))) {
            assertThat(catalog.names()).containsExactly("psalm");
            ServedModel model = catalog.find("psalm").orElseThrow();
            assertThat(model.contextLength()).isGreaterThanOrEqualTo(128);
            assertThat(Arrays.stream(model.encode("In the beginning")).boxed())
                    .isNotEmpty()
                    .allMatch(id -> id >= 0 && id < model.vocabSize());
            assertThat(catalog.find("hymn")).isEmpty();
        }
    }

    @Test
    void shouldSayWhyAConversationCannotBeWritten() {
        try (RuntimeModelCatalog catalog = RuntimeModelCatalog.open(Map.of("psalm", PSALM))) {
            ServedModel model = catalog.find("psalm").orElseThrow();
            assertThatThrownBy(() -> model.encodeChat(List.of(new ChatMessage("", "x"))))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void shouldNameWhatIsMissing() {
        assertThatThrownBy(() -> RuntimeModelCatalog.open(Map.of())).hasMessageContaining("--models NAME=DIR");
        assertThatThrownBy(() -> RuntimeModelCatalog.open(Map.of("x", Path.of("nowhere"))))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("nowhere");
    }
}

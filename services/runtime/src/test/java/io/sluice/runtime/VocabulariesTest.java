package io.sluice.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.runtime.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The vocabularies of well-known models against llama.cpp, from the folder that {@code infra/checks/vocabularies.py}
 * fills. Skipped unless the environment variable or system property {@code SLUICE_VOCABULARIES_DIR} names that folder.
 */
@Tag("real-model")
final class VocabulariesTest {
    private static final String SETTING = "SLUICE_VOCABULARIES_DIR";

    @Test
    void shouldTokenizeAsLlamaCppDoes() throws IOException {
        String setting = System.getProperty(SETTING, System.getenv(SETTING));
        Assumptions.assumeTrue(
                setting != null,
                SETTING + " is not set: run infra/checks/vocabularies.py and set it to the folder it fills");
        Path folder = Path.of(setting);
        Path file = folder.resolve("reference.json");
        Assumptions.assumeTrue(
                Files.isRegularFile(file), file + " is not there: run infra/checks/vocabularies.py --out " + folder);
        JsonNode reference = new ObjectMapper().readTree(file.toFile());
        List<String> differences = new ArrayList<>();
        int compared = 0;
        for (JsonNode vocabulary : reference.path("cases")) {
            String name = vocabulary.path("file").asText();
            Tokenizer tokenizer = ModelFiles.tokenizer(folder.resolve(name));
            for (int i = 0; i < vocabulary.path("texts").size(); i++) {
                String text = vocabulary.path("texts").path(i).asText();
                List<Integer> wanted = new ArrayList<>();
                vocabulary.path("token_ids").path(i).forEach(id -> wanted.add(id.asInt()));
                List<Integer> got =
                        Arrays.stream(tokenizer.encode(text)).boxed().toList();
                compared++;
                if (!got.equals(wanted)) {
                    differences.add(name + ": '" + text + "' gives " + got + " instead of " + wanted);
                }
            }
        }
        assertThat(compared).isGreaterThan(8 * 1500);
        assertThat(differences).isEmpty();
    }
}
